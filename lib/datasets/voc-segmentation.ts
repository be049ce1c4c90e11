import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, listOf, required, type Schema, text} from '../basics/schema.js';
import {rowsInTurns, Turn} from '../basics/turns.js';
import {closest, show} from '../basics/wording.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../image/pixel-options.js';
import {readImage, readImageSize} from '../image/read-image.js';
import {type IdMask, readMask} from '../image/read-mask.js';
import type {Dataset, Instance, MaskedInstance, Sample} from './dataset.js';
import {clearIds, instancesFromIds} from './instances.js';
import {checkIndices} from './subset.js';

/** In the order of their values in the class masks, which start at 1 (VOC2012 development kit, section 2). */
const VOC_CLASSES = [
  ...['aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow'],
  ...['diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor'],
] as const;

/** The value of the borders between objects, and of regions that were too small to be labelled. */
const VOID = 255;

/** Options of `VocSegmentation.open()`. */
export type VocOptions = {
  /** Name of a list in ImageSets/Segmentation: 'train', 'val', 'trainval' or one of your own. Default 'trainval'. */
  set?: string;
  /** Names of the classes to use, in the order of their labels. Default: all twenty. */
  classes?: readonly string[];
} & PixelOptions;

export const VOC_OPTIONS: Schema = {set: text, classes: listOf(text, {min: 1}), ...PIXEL_OPTIONS};

type Shared = {folder: string; classes: readonly string[]; pixels: PixelOptions};

/**
 * Pascal VOC's images with instance masks: `JPEGImages`, `SegmentationObject` and `SegmentationClass` in a folder such
 * as VOC2012. The class of an object is the class of most of its pixels. Borders belong to no object.
 */
export class VocSegmentation implements Dataset {
  readonly classes: readonly string[];
  readonly #shared: Shared;
  readonly names: readonly string[];

  private constructor(shared: Shared, names: readonly string[]) {
    this.#shared = shared;
    this.classes = shared.classes;
    this.names = names;
  }

  /**
   * Opens the data set and reads its list of images. Throws INVALID_OPTION, or INVALID_DATASET if the list is missing
   * or empty.
   */
  static async open(folder: string, options: VocOptions = {}): Promise<VocSegmentation> {
    checkOptions({folder}, {folder: required(text)}, 'VocSegmentation.open');
    checkOptions(options, VOC_OPTIONS, 'VocSegmentation.open');
    const {set = 'trainval', classes = VOC_CLASSES} = options;
    for (const name of classes) if (!isVocClass(name)) throw unknownClass(name);
    const list = join(folder, 'ImageSets', 'Segmentation', `${set}.txt`);
    let names: string[];
    try {
      names = (await readFile(list, 'utf8'))
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter(Boolean);
    } catch (cause) {
      throw new MaskRcnnError('INVALID_DATASET', `${list} must be a list of images: ${(cause as Error).message}.`, {
        file: list,
        hint: 'The folder must be one like VOC2012, with ImageSets, JPEGImages, SegmentationObject and SegmentationClass.',
        cause,
      });
    }
    if (names.length === 0) {
      throw new MaskRcnnError('INVALID_DATASET', `${list} must name at least one image, got none.`, {file: list});
    }
    return new VocSegmentation({folder, classes: [...classes], pixels: pixelOptionsOf(options)}, names);
  }

  get length(): number {
    return this.names.length;
  }

  /** How image files are read. */
  get pixels(): PixelOptions {
    return this.#shared.pixels;
  }

  /**
   * Reads image `index` and its masks. Throws INVALID_IMAGE or INVALID_MASK, with the file's name, if a file cannot be
   * read, if a mask does not have the size of its image, or if an object has no class.
   */
  async get(index: number): Promise<Sample> {
    const [file, objectFile, classFile] = this.sources(index);
    const read = await Promise.allSettled([
      readImage(file, {exifOrientation: false, ...this.pixels}),
      readMask(objectFile),
      readMask(classFile),
    ]);
    for (const result of read) if (result.status === 'rejected') throw result.reason;
    const [image, objects, classes] = read.map((result) => (result as PromiseFulfilledResult<unknown>).value) as [
      Sample['image'],
      IdMask,
      IdMask,
    ];
    for (const [maskFile, mask] of [
      [objectFile, objects],
      [classFile, classes],
    ] as const) {
      requireSize(mask, image, {file: maskFile, of: file});
    }
    const instances = await this.#instances(index, objects, classes);
    const notices = [...(objects.notices ?? []), ...(classes.notices ?? [])];
    return {file, image, instances, ...(notices.length > 0 && {notices})};
  }

  /** The labels of image `index`. Reads only its masks. Throws INVALID_MASK as `get()` does. */
  async labels(index: number): Promise<readonly number[]> {
    const [, objectFile, classFile] = this.sources(index);
    const [objects, classes] = await Promise.all([readMask(objectFile), readMask(classFile)]);
    requireSize(classes, objects, {file: classFile, of: objectFile});
    return (await this.#instances(index, objects, classes)).map(({label}) => label);
  }

  /** The size of image `index` in pixels, read from its header. Throws INVALID_IMAGE. */
  async size(index: number): Promise<{width: number; height: number}> {
    const {page = 0} = this.pixels;
    return readImageSize(this.#path('JPEGImages', this.#name(index), 'jpg'), {exifOrientation: false, page});
  }

  /** Paths of image `index`, the mask of its objects and the mask of their classes. */
  sources(index: number): readonly [image: string, objects: string, classes: string] {
    const name = this.#name(index);
    return [
      this.#path('JPEGImages', name, 'jpg'),
      this.#path('SegmentationObject', name, 'png'),
      this.#path('SegmentationClass', name, 'png'),
    ];
  }

  /**
   * A data set of the images with the indices `which`, or of those for whose name the function `which` returns true.
   * Throws RangeError for an invalid index.
   */
  subset(which: readonly number[] | ((name: string, index: number) => boolean)): VocSegmentation {
    const names =
      typeof which === 'function'
        ? this.names.filter(which)
        : checkIndices(which, this.length).map((index) => this.names[index]!);
    return new VocSegmentation(this.#shared, names);
  }

  async #instances(index: number, {ids, width, height}: IdMask, classes: IdMask): Promise<Instance[]> {
    const [, objectFile, classFile] = this.sources(index);
    await clearIds(ids, [VOID]);
    const found = await instancesFromIds({ids, width, height}, {label: 1, minArea: 1, file: objectFile});
    const instances: Instance[] = [];
    const turn = new Turn();
    for (const instance of found.instances) {
      const name = VOC_CLASSES[(await classOf(instance, classes, classFile, turn)) - 1]!;
      const label = this.classes.indexOf(name) + 1;
      if (label !== 0) instances.push({...instance, label});
    }
    return instances;
  }

  #name(index: number): string {
    const name = this.names[index];
    if (name === undefined) throw new RangeError(`The index must be in 0..${this.length - 1}, got ${show(index)}.`);
    return name;
  }

  #path(kind: string, name: string, extension: string): string {
    return join(this.#shared.folder, kind, `${name}.${extension}`);
  }
}

type Size = {width: number; height: number};

/** Throws INVALID_MASK unless the mask in `file` is of the size of `of`. */
function requireSize(mask: Size, {width, height}: Size, {file, of}: {file: string; of: string}): void {
  if (mask.width === width && mask.height === height) return;
  const must = `be of the size of ${of}, ${width} × ${height}, got ${mask.width} × ${mask.height}`;
  throw new MaskRcnnError('INVALID_MASK', `${file} must ${must}.`, {file});
}

/** The class value of most of the instance's pixels. Throws INVALID_MASK if there is none. */
async function classOf({mask, id}: MaskedInstance, classes: IdMask, file: string, turn: Turn): Promise<number> {
  const counts = new Map<number, number>();
  const countRow = (y: number) => {
    const row = (mask.top + y) * classes.width + mask.left;
    for (let x = 0; x < mask.width; x++) {
      if (mask.data[y * mask.width + x] === 0) continue;
      const value = classes.ids[row + x]!;
      if (value >= 1 && value <= VOC_CLASSES.length) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  };
  await rowsInTurns(mask.width, mask.height, countRow, turn);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  if (most !== undefined) return most[0];
  throw new MaskRcnnError(
    'INVALID_MASK',
    `${file} must have a class of 1..${VOC_CLASSES.length} under object ${id}, got none.`,
    {file},
  );
}

function isVocClass(name: string): boolean {
  return (VOC_CLASSES as readonly string[]).includes(name);
}

function unknownClass(name: string): MaskRcnnError {
  const near = closest(name, VOC_CLASSES);
  return new MaskRcnnError(
    'INVALID_OPTION',
    `Option 'classes' of VocSegmentation.open must be classes of Pascal VOC, got '${name}'.`,
    {hint: near === undefined ? `They are ${VOC_CLASSES.join(', ')}.` : `Did you mean '${near}'?`},
  );
}
