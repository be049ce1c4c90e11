import {randomUUID} from 'node:crypto';
import {mkdir, readdir, rename, rm, rmdir} from 'node:fs/promises';
import {dirname, join, relative, resolve, sep} from 'node:path';
import {allSettled, mapConcurrently} from '../basics/concurrently.js';
import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, oneOf, type Rule, required, type Schema, text} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import {checkDataset, type Dataset, datasetRule} from '../datasets/dataset.js';
import {removeAbandonedFolders} from '../files/atomic-file.js';
import {requireWritableFolder, writing} from '../files/writing.js';
import {readImageSize} from '../image/read-image.js';
import {AnnotationFolder} from './annotation-folder.js';
import {type DatasetImage, datasetImage} from './dataset-image.js';
import type {ExportFormat, Segmentation} from './format.js';
import {type ExportFormatName, exportFormat, exportFormatRule} from './formats.js';
import {ImageNames} from './image-names.js';
import {LOSSES, type Loss} from './losses.js';
import {type PlacedImages, placeImage} from './place-image.js';

/** Options of `convertDataset()`. */
export type ConvertOptions = {
  /**
   * The format to write: masks, masks-tiff, coco, yolo, labelme, via, cvat, label-studio, supervisely, geojson or
   * imagej. All but masks-tiff are names of `openDataset()`'s formats too, which reads masks-tiff as masks.
   */
  format: ExportFormatName;
  /**
   * What becomes of the images. 'copy': their files are copied, bit for bit, to where the format has its images;
   * 'link': symbolic links are made there; 'none': there are no images. Default 'copy'.
   */
  images?: 'copy' | 'link' | 'none';
  /**
   * How the masks of COCO and CVAT are written. COCO: 'rle', compressed run lengths, as pycocotools makes them; 'runs',
   * uncompressed run lengths, for programs that cannot read compressed ones; 'polygons', for programs that read nothing
   * else, with holes filled. Default 'rle'. CVAT: 'masks'; 'polygons', with holes filled and the parts of an object in
   * a group. Default: polygons for objects of one part without holes, masks for the others.
   */
  segmentation?: Segmentation;
  /** Called after each image with the numbers of images that are done and of all. */
  onImage?: (done: number, total: number) => void;
  /** Stops the work. `convertDataset()` then rejects with the signal's reason, and leaves nothing. */
  signal?: AbortSignal;
};

/** What `convertDataset()` has written. */
export type Conversion = {
  images: number;
  /** Objects of the data set, also those that the format cannot hold. */
  objects: number;
  /** What the format cannot hold. Empty if the conversion is exact. */
  losses: readonly Loss[];
};

export const segmentationRule: Rule = oneOf('rle', 'runs', 'masks', 'polygons');

const CONVERT_OPTIONS: Schema = {
  format: required(exportFormatRule),
  images: oneOf('copy', 'link', 'none'),
  segmentation: segmentationRule,
  onImage: callback,
  signal: instanceOf(AbortSignal),
};

const IMAGES_AT_ONCE = 8;

/** Throws INVALID_OPTION for a `segmentation` that the format does not have. */
function refuseForeign({key, segmentations = []}: ExportFormat, segmentation: Segmentation | undefined): void {
  if (segmentation === undefined || segmentations.includes(segmentation)) return;
  const expected =
    segmentations.length === 0
      ? `is for the formats 'coco' and 'cvat', got '${key}'`
      : `must be one of ${segmentations.map((each) => `'${each}'`).join(', ')} with the format '${key}', got '${segmentation}'`;
  throw new MaskRcnnError('INVALID_OPTION', `Option 'segmentation' of convertDataset ${expected}.`);
}

/**
 * Writes a data set to a new folder in the format of an annotation tool. `data`: one data set, or several by the names
 * of their splits, such as `{train, valid}`, which may have different classes. Masks are the same to the pixel wherever
 * the format can hold them: what it cannot is in `losses`. Images are named as their files; of several with one name,
 * the others are NAME-2, NAME-3 .... Masks are decoded a few at a time, so that the size of the data set does not
 * matter.
 *
 * The folder gets its name when it is whole. What a killed run has left, `FOLDER.….tmp`, is removed if nothing was
 * written to it for ten minutes. Throws INVALID_OPTION if it exists and is not empty, or if the format
 * cannot name a class or split; WRITE_FAILED; and the errors of the data set.
 */
export async function convertDataset(
  data: Dataset | Readonly<Record<string, Dataset>>,
  folder: string,
  options: ConvertOptions,
): Promise<Conversion> {
  checkOptions({folder}, {folder: required(text)}, 'convertDataset');
  checkOptions(options, CONVERT_OPTIONS, 'convertDataset');
  const {format: key, images = 'copy', segmentation, onImage, signal} = options;
  const format = exportFormat(key);
  refuseForeign(format, segmentation);
  const parts = partsOf(data);
  const classes = classesOf(parts);
  await requireNewFolder(folder);
  await removeAbandonedFolders(folder);
  const temporary = `${resolve(folder)}.${randomUUID().slice(0, 8)}.tmp`;
  const splits = parts.flatMap(({split}) => split ?? []);
  const writer = new AnnotationFolder(temporary, format, {
    classes,
    splits,
    scored: false,
    segmentation,
  });
  const total = parts.reduce((sum, part) => sum + part.data.length, 0);
  let [done, objects] = [0, 0];
  const used = new Set<number>();
  try {
    for (const part of parts) {
      const names = new ImageNames();
      const place: PlacedImages = {how: images, root: temporary, final: resolve(folder)};
      for (let start = 0; start < part.data.length; start += IMAGES_AT_ONCE) {
        const number = Math.min(IMAGES_AT_ONCE, part.data.length - start);
        const block = await mapConcurrently(number, IMAGES_AT_ONCE, async (i) => {
          signal?.throwIfAborted();
          return placeable(await datasetImage(part.data, start + i, classes), images);
        });
        const named = block.map((image) => nameOf(image, names, writer));
        // All are started in their order, which is that of their numbers in the files.
        await mapConcurrently(number, IMAGES_AT_ONCE, async (i) => {
          await writeImage(block[i]!, named[i]!, {format, place, writer, split: part.split});
          onImage?.(++done, total);
        });
        objects += block.reduce((sum, image) => sum + image.objects.length, 0);
        for (const image of block) for (const {label} of image.objects) used.add(label);
      }
    }
    signal?.throwIfAborted();
    for (const [i, name] of classes.entries()) {
      if (!format.holds.unused && !used.has(i + 1)) writer.lose(`'${name}'`, LOSSES.unused);
    }
    await writer.close();
    await putInPlace(temporary, folder);
  } catch (error) {
    await writer.abort();
    await rm(temporary, {recursive: true, force: true}).catch(() => {});
    throw error;
  }
  return {images: total, objects, losses: writer.losses};
}

type Part = {split: string | undefined; data: Dataset};

function partsOf(data: Dataset | Readonly<Record<string, Dataset>>): Part[] {
  if (datasetRule.accepts(data)) {
    checkDataset(data as Dataset);
    return [{split: undefined, data: data as Dataset}];
  }
  const isObject = typeof data === 'object' && data !== null && !Array.isArray(data);
  const entries = isObject ? Object.entries(data) : [];
  if (entries.length === 0) {
    const must = 'must be a data set (length, classes, get), or data sets by the names of their splits';
    throw new MaskRcnnError('INVALID_OPTION', `\`data\` of convertDataset ${must}, got ${show(data)}.`);
  }
  return entries.map(([split, each]) => {
    if (!/^[\w.-]*\w[\w.-]*$/.test(split)) {
      const message = `The name of a split must be of letters, digits, dots, hyphens and underscores, got ${show(split)}.`;
      throw new MaskRcnnError('INVALID_OPTION', message);
    }
    if (!datasetRule.accepts(each)) {
      throw new MaskRcnnError('INVALID_OPTION', `Split '${split}' must be ${datasetRule.expected}, got ${show(each)}.`);
    }
    checkDataset(each, `split '${split}'`);
    return {split, data: each};
  });
}

/** The classes of all splits, in the order in which they come. Throws INVALID_DATASET if a split has one twice. */
function classesOf(parts: readonly Part[]): readonly string[] {
  for (const {data} of parts) {
    if (new Set(data.classes).size < data.classes.length) {
      throw new MaskRcnnError('INVALID_DATASET', `The classes of a data set must differ, got ${show(data.classes)}.`);
    }
  }
  return [...new Set(parts.flatMap(({data}) => data.classes))];
}

/** The name of an image in its split. */
function nameOf({file, source}: DatasetImage, names: ImageNames, writer: AnnotationFolder): string {
  // Images that are in no file are written as PNG.
  const name = source === undefined ? names.give(file, '.png') : names.give(source);
  const last = (source ?? file).split(/[\\/]/).at(-1)!;
  if (source !== undefined && name !== last) writer.lose(last, LOSSES.renamed);
  return name;
}

/** An image, and whether programs that heed its EXIF orientation will not see the pixels that its objects are of. */
type PlaceableImage = DatasetImage & {isTurned: boolean};

async function placeable(image: DatasetImage, how: PlacedImages['how']): Promise<PlaceableImage> {
  const {source, width, height} = image;
  if (source === undefined || how === 'none') return {...image, isTurned: false};
  // A file that cannot be read is told by who copies it, and one without a size that can be read is no photo.
  const upright = await readImageSize(source).catch(() => undefined);
  return {...image, isTurned: upright !== undefined && (upright.width !== width || upright.height !== height)};
}

type Target = {format: ExportFormat; place: PlacedImages; writer: AnnotationFolder; split: string | undefined};

async function writeImage(image: PlaceableImage, name: string, {format, place, writer, split}: Target): Promise<void> {
  const {width, height, objects, source, isTurned} = image;
  if (isTurned) writer.lose(name, LOSSES.turned);
  const isElsewhere = place.how === 'none' && source !== undefined;
  const location = isElsewhere ? relative(place.final, resolve(source)).split(sep).join('/') : undefined;
  const written = writer.add({name, width, height, objects, ...(location !== undefined && {location})}, split);
  const folder = format.imageFolder(split);
  await allSettled([written, placeImage(image, folder === '' ? name : `${folder}/${name}`, place)]);
}

/** Throws INVALID_OPTION or WRITE_FAILED unless there is nothing at `folder`, or an empty folder. */
async function requireNewFolder(folder: string): Promise<void> {
  await requireWritableFolder(dirname(resolve(folder)));
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new MaskRcnnError('INVALID_OPTION', `${folder} must be a new or an empty folder.`, {
      file: folder,
      cause: error,
    });
  });
  if (names.length === 0) return;
  throw new MaskRcnnError('INVALID_OPTION', `${folder} must be a new or an empty folder, got one with ${names[0]}.`, {
    file: folder,
    hint: 'Name another folder, or remove this one.',
  });
}

async function putInPlace(temporary: string, folder: string): Promise<void> {
  await writing(folder, async () => {
    await mkdir(join(temporary), {recursive: true});
    // Windows does not replace an empty folder.
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(temporary, folder);
  });
}
