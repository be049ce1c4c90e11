import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, integer, number, type Schema} from '../basics/schema.js';
import {inTurns, Turn} from '../basics/turns.js';
import {inAddon} from '../masks/in-addon.js';
import type {Rle} from '../masks/rle.js';
import type {Detections} from '../model/detections.js';
import {type IntensitySource, isImageFile, readIntensities} from './intensity-image.js';
import {micronName, type ObjectMeasurements, SHAPE_COLUMNS, type ShapeMeasurements} from './measurements.js';

/** Options of `measure()`. */
export type MeasureOptions = {
  /** The length of a pixel's side in µm. With it, lengths and areas are given in µm and µm², too. */
  micronsPerPixel?: number;
  /** Number of the page (TIFF) or frame (GIF, WebP) of the file to measure, counted from 0. Default 0. */
  page?: number;
};

const SCHEMA: Schema = {micronsPerPixel: number({above: 0}), page: integer({min: 0})};

/** Objects whose rows are made between two looks at the clock. */
const ROWS = 64;

/**
 * Measures the objects of an image: one row of numbers for each, in their order. `objects` are detections or masks of
 * one size. `image` gives the intensities: an image file, of which the numbers of all channels but alpha are measured
 * as stored, or values of your own; what `readImage()` returns is measured as the 8-bit RGB that it is. Pass undefined
 * to measure shapes only. Overlapping objects are measured as a whole, each by itself. Computed off the main thread, on
 * run lengths.
 *
 * Numbers of 8 and 16 bits without sign are taken as they are, all others of files as the nearest float32: whole
 * numbers above 2^24 in size are rounded. A palette gives red, green and blue, CMYK its four inks. Photos are turned
 * upright by their EXIF orientation tag.
 *
 * Throws INVALID_OPTION, INVALID_MASK, naming the object, and INVALID_IMAGE if the image cannot be read, has no such
 * page, or is not of the size of the masks.
 */
export async function measure(
  image: IntensitySource | undefined,
  objects: Detections | readonly Rle[],
  options: MeasureOptions = {},
): Promise<ObjectMeasurements[]> {
  checkOptions(options, SCHEMA, 'measure()');
  const {micronsPerPixel, page} = options;
  if (page !== undefined && !isImageFile(image)) {
    throw new MaskRcnnError('INVALID_OPTION', "Option 'page' of measure() is for image files, got no file.");
  }
  const {masks, classNames, scores, file} = objectsOf(objects);
  const [first] = masks;
  if (first === undefined) return [];
  const [height, width] = 'scores' in objects ? [objects.height, objects.width] : first.size;
  const fail = (index: number, fault: string) => {
    const message = `Object ${index + 1} of measure() has a mask that cannot be measured. ${fault}`;
    return new MaskRcnnError('INVALID_MASK', message, file === undefined ? {} : {file});
  };
  const other = masks.findIndex(({size}) => size[0] !== height || size[1] !== width);
  if (other >= 0) {
    const [rows, columns] = masks[other]!.size;
    throw fail(other, `The masks must be of one size, ${width} × ${height} pixels, got ${columns} × ${rows}.`);
  }
  const pixels = image === undefined ? null : await readIntensities(image, {width, height, page});
  const counts = masks.map((mask) => mask.counts);
  const found = await inAddon(({rle}) => rle.measure(counts, width, height, pixels));
  if (isFault(found)) throw fail(found.index, found.fault);

  const columns = [...Object.entries(found), ...micronColumns(found, micronsPerPixel)];
  const rows: ObjectMeasurements[] = [];
  const row = (index: number) => {
    const name = classNames?.[index];
    const score = scores?.[index];
    return {
      id: index + 1,
      ...(name !== undefined && {class: name}),
      ...(score !== undefined && {score}),
      ...Object.fromEntries(columns.map(([column, values]) => [column, values[index]!])),
    } as ObjectMeasurements;
  };
  const part = (from: number, to: number) => {
    for (let index = from; index < to; index++) rows.push(row(index));
  };
  await inTurns(masks.length, part, new Turn(), ROWS);
  return rows;
}

type Objects = {
  masks: readonly Rle[];
  classNames?: readonly string[];
  scores?: Float32Array;
  file?: string | undefined;
};

function objectsOf(objects: Detections | readonly Rle[]): Objects {
  const given: Partial<Objects> = Array.isArray(objects) ? {masks: objects} : ((objects as Detections) ?? {});
  const {masks, classNames, scores, file} = given;
  const isComplete = masks?.every((mask) => typeof mask?.counts === 'string' && mask.size?.length === 2);
  if (masks === undefined || !isComplete || masks.length !== (scores ?? masks).length) {
    throw new MaskRcnnError(
      'INVALID_MASK',
      'measure() needs detections with a run-length encoded mask for each, or a list of such masks.',
      {...(file !== undefined && {file}), hint: "Predict with maskFormat 'rle', which is the default."},
    );
  }
  return {masks, file, ...(classNames && {classNames}), ...(scores && {scores})};
}

type Columns = Record<string, Float64Array>;

function isFault(found: Columns | {index: number; fault: string}): found is {index: number; fault: string} {
  return typeof found.fault === 'string';
}

function micronColumns(columns: Columns, micronsPerPixel: number | undefined): [name: string, values: Float64Array][] {
  if (micronsPerPixel === undefined) return [];
  return (Object.keys(SHAPE_COLUMNS) as (keyof ShapeMeasurements)[]).flatMap((name) => {
    const inMicrons = micronName(name);
    const factor = micronsPerPixel ** SHAPE_COLUMNS[name];
    return inMicrons === undefined ? [] : [[inMicrons, columns[name]!.map((value) => value * factor)]];
  });
}
