import {csvLine} from '../basics/csv.js';
import {inTurns, Turn} from '../basics/turns.js';
import {INTENSITY_COLUMNS, micronName, type ObjectMeasurements, SHAPE_COLUMNS} from './measurements.js';

/** The measured objects of an image. */
export type MeasuredImage = {
  /** The file or name of the image. */
  image: string;
  objects: readonly ObjectMeasurements[];
};

/** The objects of an image with their classes, such as those that `measure()` gives. */
export type ClassifiedImage = {image: string; objects: readonly {class?: string}[]};

/** Which columns a table of objects has, besides those that all have. */
export type ObjectColumns = {
  /** Whether the objects have classes and scores. */
  detections: boolean;
  /** Number of channels of which there are intensities; 0 for none. */
  channels: number;
  /** Whether there are columns in µm. */
  microns: boolean;
};

/**
 * A table of objects as CSV (RFC 4180, with a header and lines that end with CR LF): one line for each object, with the
 * image, its id, class and score, and its measurements. Lengths and areas are in pixels; columns whose names end with
 * `_um` and `_um2` are in µm and µm². Where nothing can be measured, the cell is empty. Columns that only some of the
 * objects have are there for all.
 */
export async function objectsCsv(images: readonly MeasuredImage[]): Promise<string> {
  const some = (has: (object: ObjectMeasurements) => boolean) => images.some(({objects}) => objects.some(has));
  let channels = 0;
  while (some((object) => object[`intensity_mean-${channels}`] !== undefined)) channels++;
  const columns = objectColumns({
    detections: some((object) => object.class !== undefined),
    channels,
    microns: some((object) => object.area_um2 !== undefined),
  });
  let text = csvLine(columns);
  for (const image of images) text += await objectLines(image, columns);
  return text;
}

/** Lines that are written between two looks at the clock. */
const LINES = 64;

/** The header of a table of objects. */
export function objectColumns({detections, channels, microns}: ObjectColumns): string[] {
  const shape = Object.keys(SHAPE_COLUMNS) as (keyof typeof SHAPE_COLUMNS)[];
  return [
    'image',
    'id',
    ...(detections ? ['class', 'score'] : []),
    ...shape,
    ...INTENSITY_COLUMNS.flatMap((name) => Array.from({length: channels}, (_, channel) => `${name}-${channel}`)),
    ...(microns ? shape.flatMap((name) => micronName(name) ?? []) : []),
  ];
}

/** The lines of the objects of one image, without a header. Works in turns, so that the event loop runs on. */
export async function objectLines({image, objects}: MeasuredImage, columns: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const part = (from: number, to: number) => {
    for (const object of objects.slice(from, to)) {
      const row: Record<string, unknown> = {...object, image};
      lines.push(csvLine(columns.map((name) => cell(row[name]))));
    }
  };
  await inTurns(objects.length, part, new Turn(), LINES);
  return lines.join('');
}

function cell(value: unknown): string | number | undefined {
  return typeof value === 'string' || Number.isFinite(value) ? (value as string | number) : undefined;
}

/**
 * The number of objects of each class on each image as CSV (RFC 4180): the columns `image`, `class` and `count`, and a
 * line for each image and class, with 0 where there is none.
 */
export function countsCsv(images: readonly ClassifiedImage[], classes: readonly string[]): string {
  const lines = images.flatMap(({image, objects}) => {
    const counts = new Map(classes.map((name) => [name, 0]));
    for (const {class: name} of objects) if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].map(([name, count]) => csvLine([image, name, count]));
  });
  return csvLine(['image', 'class', 'count']) + lines.join('');
}
