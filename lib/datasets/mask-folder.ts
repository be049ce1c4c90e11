import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {
  bool,
  callback,
  checkOptions,
  either,
  integer,
  listOf,
  number,
  oneOf,
  required,
  type Schema,
  text,
} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import {type RgbImage, readImage, readImageSize} from '../image/read-image.js';
import {type IdMask, readMask} from '../image/read-mask.js';
import {connectedComponents} from '../masks/components.js';
import type {Dataset, Sample} from './dataset.js';
import {type ImagePair, scanFolder} from './folder-scan.js';
import {type Grade, parseGrades} from './grades.js';
import {instancesFromIds} from './instances.js';
import {checkIndices, splitIndices} from './split.js';

/** What `MaskFolder.open()` takes. */
export type MaskFolderOptions = {
  /** The name of what the masks show: instance ids carry no class, so exactly one. */
  classes: readonly string[];
  /** Patterns of image names to take (default all), with or without extension: 'train_*', '*_[0-9].bmp'. */
  include?: string | readonly string[];
  /** Patterns of image names to leave out. */
  exclude?: string | readonly string[];
  /** Instances of fewer pixels are dropped and counted (default 1: none). */
  minArea?: number;
  /** 'pairs': image and mask side by side; 'folders': in two folders; 'auto' (default) looks. */
  layout?: 'auto' | 'pairs' | 'folders';
  /** The folder of the images, relative to the data set's, where its name is not a usual one. */
  imageFolder?: string;
  /** That of the masks, likewise. */
  maskFolder?: string;
  /** What a mask's name has more than its image's (default '_anno' or '_mask', and in 'folders' also nothing). */
  maskSuffix?: string;
  /** Values that are background too, such as 255 at the borders of Pascal VOC's objects. */
  ignoreIds?: readonly number[];
  /**
   * What a mask of one value (0/255) means: 'components' makes each connected part an instance (those that touch become
   * one), 'whole' makes one instance of all. Without it such a mask with several parts is an error.
   */
  binary?: 'components' | 'whole';
  /** Turn images upright as their EXIF tag says (default true); false where masks were drawn on the pixels as stored. */
  exifOrientation?: boolean;
};

/** One image of the folder. `grade` and `patient` come from a `Grade.csv` beside the images. */
export type MaskFolderFile = ImagePair & Partial<Grade>;

/** What `MaskFolder.open()` counted. */
export type MaskFolderStats = {
  images: number;
  instances: number;
  /** Images without instances: they stay, as negatives. */
  negatives: number;
  /** Instances under `minArea`. */
  dropped: number;
  /** Most instances on one image. */
  mostInstances: number;
  /** Masks whose ids were made from colours. */
  colourMasks: number;
};

/** What `MaskFolder.split()` takes. */
export type SplitOptions = {
  seed?: number;
  /** Images that get the same name here stay on the same side: `(file) => file.patient`. */
  groupBy?: (file: MaskFolderFile) => string | undefined;
};

type Found = {instances: number; dropped: number; colours: boolean};
/** Shared by a folder and its parts, so that what one has counted the others know. */
type Entry = {file: MaskFolderFile; found?: Found};
type Settings = Pick<MaskFolderOptions, 'binary' | 'ignoreIds'> & {minArea: number; exifOrientation: boolean};

const patterns = either(text, listOf(text, {min: 1}));
export const MASK_FOLDER_OPTIONS: Schema = {
  classes: required(listOf(text, {length: 1})),
  include: patterns,
  exclude: patterns,
  minArea: integer({min: 1}),
  layout: oneOf('auto', 'pairs', 'folders'),
  imageFolder: text,
  maskFolder: text,
  maskSuffix: {expected: 'a string', accepts: (value) => typeof value === 'string'},
  ignoreIds: listOf(integer({min: 0})),
  binary: oneOf('components', 'whole'),
  exifOrientation: bool,
};

/**
 * A folder of images with instance-id masks: `NAME.bmp` beside `NAME_anno.bmp` (GlaS), `PNGImages/` with
 * `PedMasks/NAME_mask.png` (Penn-Fudan), or `images/` with `masks/`. Image and mask may be of different formats. Order is
 * natural: train_2 comes before train_10.
 */
export class MaskFolder implements Dataset {
  readonly classes: readonly string[];
  readonly #entries: readonly Entry[];
  readonly #settings: Settings;

  private constructor(classes: readonly string[], entries: readonly Entry[], settings: Settings) {
    this.classes = classes;
    this.#entries = entries;
    this.#settings = settings;
  }

  /**
   * Lists the folder and pairs its files; pixels are read by `get`. Throws INVALID_OPTION, or INVALID_DATASET naming the
   * image without mask, the mask without image, or the folder without either.
   */
  static async open(folder: string, options: MaskFolderOptions): Promise<MaskFolder> {
    checkOptions({folder}, {folder: required(text)}, 'MaskFolder.open');
    checkOptions(options, MASK_FOLDER_OPTIONS, 'MaskFolder.open');
    const {minArea = 1, exifOrientation = true, binary, ignoreIds} = options;
    const pairs = await scanFolder(folder, {
      layout: options.layout ?? 'auto',
      imageFolder: options.imageFolder,
      maskFolder: options.maskFolder,
      maskSuffix: options.maskSuffix,
      include: options.include === undefined ? undefined : [options.include].flat(),
      exclude: options.exclude === undefined ? [] : [options.exclude].flat(),
    });
    const grades = await readGrades(folder);
    const entries = pairs.map((pair) => ({file: {...pair, ...grades.get(pair.name)}}));
    const settings = {minArea, exifOrientation, ...(binary && {binary}), ...(ignoreIds && {ignoreIds})};
    return new MaskFolder([...options.classes], entries, settings);
  }

  get length(): number {
    return this.#entries.length;
  }

  get files(): readonly MaskFolderFile[] {
    return this.#entries.map(({file}) => file);
  }

  /**
   * Reads image and mask `index`. Throws INVALID_IMAGE or INVALID_MASK with the file's name: what cannot be read, a mask of
   * another size than its image, and a binary mask of several objects (see `binary`).
   */
  async get(index: number): Promise<Sample> {
    const entry = this.#entry(index);
    const {image: file, mask: maskFile} = entry.file;
    // Both settle before either error is thrown, so that which one it is does not depend on timing.
    const [image, mask] = await Promise.allSettled([
      readImage(file, {exifOrientation: this.#settings.exifOrientation}),
      readMask(maskFile),
    ]);
    if (image.status === 'rejected') throw image.reason;
    if (mask.status === 'rejected') throw mask.reason;
    checkSizes(entry.file, image.value, mask.value);
    const ids = this.#instanceIds(mask.value, maskFile);
    const {width, height} = image.value;
    const {instances, dropped} = instancesFromIds({ids, width, height}, {label: 1, minArea: this.#settings.minArea});
    entry.found = {instances: instances.length, dropped, colours: mask.value.source === 'colours'};
    return {file, image: image.value, instances};
  }

  /** The size of image `index`, from its header. Throws INVALID_IMAGE. */
  async size(index: number): Promise<{width: number; height: number}> {
    return readImageSize(this.#entry(index).file.image, {exifOrientation: this.#settings.exifOrientation});
  }

  /** Counts over the whole data set. Reads the images that have not been read yet. */
  async stats(): Promise<MaskFolderStats> {
    const stats = {images: this.length, instances: 0, negatives: 0, dropped: 0, mostInstances: 0, colourMasks: 0};
    for (const [index, entry] of this.#entries.entries()) {
      if (entry.found === undefined) await this.get(index);
      const {instances, dropped, colours} = entry.found!;
      stats.instances += instances;
      stats.dropped += dropped;
      if (instances === 0) stats.negatives++;
      if (colours) stats.colourMasks++;
      stats.mostInstances = Math.max(stats.mostInstances, instances);
    }
    return stats;
  }

  /** The images at `which`, or those that it accepts, as a data set of their own. */
  subset(which: readonly number[] | ((file: MaskFolderFile, index: number) => boolean)): MaskFolder {
    const indices =
      typeof which === 'function'
        ? this.files.flatMap((file, index) => (which(file, index) ? [index] : []))
        : checkIndices(which, this.length);
    const entries = indices.map((index) => this.#entries[index]!);
    return new MaskFolder(this.classes, entries, this.#settings);
  }

  /**
   * Two parts without an image in common: `fraction` of the images (at least one, never all), drawn by `seed`, for
   * validation, and the others for training. Both keep the natural order.
   */
  split(fraction: number, options: SplitOptions = {}): {training: MaskFolder; validation: MaskFolder} {
    checkOptions({fraction}, {fraction: required(number({above: 0, below: 1}))}, 'MaskFolder.split');
    checkOptions(options, {seed: integer(), groupBy: callback}, 'MaskFolder.split');
    const {seed = 0, groupBy} = options;
    const groups = this.files.map((file) => groupBy?.(file) ?? file.name);
    const {training, validation} = splitIndices(groups, fraction, seed);
    return {training: this.subset(training), validation: this.subset(validation)};
  }

  #entry(index: number): Entry {
    const entry = this.#entries[index];
    if (entry === undefined) throw new RangeError(`The index must be in 0..${this.length - 1}, got ${show(index)}.`);
    return entry;
  }

  #instanceIds(mask: IdMask, file: string): ArrayLike<number> {
    const {ignoreIds = [], binary} = this.#settings;
    const ids = ignoreIds.length === 0 ? mask.ids : mask.ids.map((id) => (ignoreIds.includes(id) ? 0 : id));
    const value = onlyValue(ids);
    if (value === undefined || binary === 'whole') return ids;
    if (binary === 'components') return connectedComponents(ids, mask.width, mask.height).ids;
    // A mask of ids can have one id only, in several parts; these values say that it is none.
    if (value !== 255 && value !== 65535 && mask.bits !== 1 && mask.source !== 'colours') return ids;
    const {count} = connectedComponents(ids, mask.width, mask.height);
    if (count === 1) return ids;
    throw new MaskRcnnError(
      'INVALID_MASK',
      `${file} must have a value of its own for each instance, got 0 and ${value} only, in ${count} separate parts.`,
      {
        file,
        hint: "It is a binary mask. Pass binary: 'components' to make each part an instance, or 'whole' to make one of all.",
      },
    );
  }
}

/** The only value but 0, or undefined if there are several or none. */
function onlyValue(ids: ArrayLike<number>): number | undefined {
  let only: number | undefined;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id === 0 || id === only) continue;
    if (only !== undefined) return undefined;
    only = id;
  }
  return only;
}

function checkSizes({image: file, mask: maskFile}: ImagePair, image: RgbImage, mask: IdMask): void {
  if (image.width === mask.width && image.height === mask.height) return;
  const turned = image.width === mask.height && image.height === mask.width;
  throw new MaskRcnnError(
    'INVALID_MASK',
    `${maskFile} must be of the size of ${file}, ${image.width} × ${image.height}, got ${mask.width} × ${mask.height}.`,
    {
      file: maskFile,
      hint: turned
        ? 'One is turned by 90°: if the mask was drawn on the pixels as stored, pass exifOrientation: false.'
        : 'Image and mask must show the same pixels: export the mask again from this image.',
    },
  );
}

async function readGrades(folder: string): Promise<Map<string, Grade>> {
  try {
    return parseGrades(await readFile(join(folder, 'Grade.csv'), 'utf8'));
  } catch {
    return new Map(); // it is optional
  }
}
