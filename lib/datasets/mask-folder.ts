import {loadBinding} from '../addon/binding.js';
import {callback, checkOptions, integer, required, type Schema, text} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import {type PixelOptions, pixelOptionsOf} from '../image/pixel-options.js';
import {readImage, readImageSize} from '../image/read-image.js';
import type {IdMask} from '../image/read-mask.js';
import {regionsOfImage} from '../image/regions/image-regions.js';
import {type LargeImage, type LevelOptions, largeImage} from '../image/regions/large-image.js';
import {openLabelBlocks} from '../image/regions/open-label-blocks.js';
import {fullSize} from '../image/regions/open-regions.js';
import type {Dataset, Instance, PlacedObject, Sample} from './dataset.js';
import {type ImagePair, scanFolder} from './folder-scan.js';
import {type Grade, readGrades} from './grades.js';
import {instanceIds} from './instance-ids.js';
import {instancesFromIds} from './instances.js';
import {MOST_WHOLE, objectsOfBlocks} from './large-mask.js';
import {MASK_FOLDER_OPTIONS, type MaskFolderOptions} from './mask-folder-options.js';
import {checkSizes, type Size} from './mask-size.js';
import {placedInstances} from './placed-instances.js';
import {readMaskFile} from './read-mask-file.js';
import {checkShare, foldIndices, splitIndices, type TestAlone, type ThreeWay} from './split.js';
import {checkIndices} from './subset.js';

/** One image of the folder. `grade` and `patient` come from a `Grade.csv` in the folder, if there is one. */
export type MaskFolderFile = ImagePair & Partial<Grade>;

/** Counts of a folder of images and masks. */
export type MaskFolderStats = {
  images: number;
  instances: number;
  /** Images without instances. They are kept as negatives. */
  negatives: number;
  /** Instances that were dropped because they are smaller than `minArea`. */
  dropped: number;
  /** Maximum number of instances on one image. */
  mostInstances: number;
  /** Masks whose ids come from colours. */
  colourMasks: number;
};

/** Options of `MaskFolder.split()` and `MaskFolder.folds()`. */
export type SplitOptions = {
  /** Random seed, an integer. Default 0. */
  seed?: number;
  /**
   * Images for which this returns the same name stay on the same side: `(file) => file.patient`. Default: each image is
   * its own group, as are images for which it returns undefined.
   */
  groupBy?: (file: MaskFolderFile) => string | undefined;
};

type Found = {instances: number; dropped: number; colours: boolean};
/** Shared by a folder and its subsets, so that counts are computed only once. */
type Entry = {file: MaskFolderFile; found?: Found};
type Settings = Pick<MaskFolderOptions, 'binary' | 'ignoreIds'> & {minArea: number; exifOrientation: boolean};

const SPLIT_OPTIONS: Schema = {seed: integer(), groupBy: callback};

/**
 * A folder of images with instance masks, whose pixel values are instance ids: `NAME.bmp` next to `NAME_anno.bmp`
 * (GlaS), `PNGImages/` with `PedMasks/NAME_mask.png` (Penn-Fudan), or `images/` with `masks/`. An image and its mask
 * may have different formats. Images are in natural order: train_2 comes before train_10. Further subfolders are not
 * searched. `NAME_overlay` and `NAME_labels`, which `maskrcnn predict` writes, are no images, unless they have masks of
 * their own; `NAME_labels` is the mask of NAME in a folder without other masks. Masks may also be arrays of NumPy
 * (.npy), in a folder of their own or as Cellpose's `NAME_seg.npy`.
 */
export class MaskFolder implements Dataset {
  readonly classes: readonly string[];
  readonly #entries: readonly Entry[];
  readonly #settings: Settings;
  /** How image files are read. */
  readonly pixels: PixelOptions;

  private constructor(classes: readonly string[], entries: readonly Entry[], settings: Settings, pixels: PixelOptions) {
    this.classes = classes;
    this.#entries = entries;
    this.#settings = settings;
    this.pixels = pixels;
  }

  /**
   * Lists the folder and finds the mask of each image. `get` reads the pixels. Throws INVALID_OPTION, or
   * INVALID_DATASET for an image without a mask, a mask without an image, or a folder without either.
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
    return new MaskFolder([...options.classes], entries, settings, pixelOptionsOf(options));
  }

  get length(): number {
    return this.#entries.length;
  }

  get files(): readonly MaskFolderFile[] {
    return this.#entries.map(({file}) => file);
  }

  /**
   * Reads image `index` and its mask. Throws INVALID_IMAGE or INVALID_MASK, with the file's name, if a file cannot be
   * read, if the mask does not have the size of its image, or if a binary mask shows several objects (see `binary`).
   */
  async get(index: number): Promise<Sample> {
    const entry = this.#entry(index);
    const {image: file, mask: maskFile} = entry.file;
    // Wait for both, so that it does not depend on timing which error is thrown.
    const [image, mask] = await Promise.allSettled([
      readImage(file, {exifOrientation: this.#settings.exifOrientation, ...this.pixels}),
      readMaskFile(maskFile),
    ]);
    if (image.status === 'rejected') throw image.reason;
    if (mask.status === 'rejected') throw mask.reason;
    checkSizes(entry.file, image.value, mask.value);
    const instances = await this.#instances(entry, mask.value);
    const {notices} = mask.value;
    return {file, image: image.value, instances, ...(notices && {notices})};
  }

  /**
   * Image `index` for reading rectangles of it. With `exifOrientation: false` it is decoded whole. Throws
   * INVALID_OPTION and INVALID_IMAGE.
   */
  async largeImage(index: number, level: LevelOptions): Promise<LargeImage> {
    const {image: file} = this.#entry(index).file;
    const image = await largeImage(file, {...this.pixels, ...level});
    if (this.#settings.exifOrientation || image.downsample !== 1) return image;
    const size = await this.size(index);
    const read = async () => readImage(file, {exifOrientation: false, ...this.pixels});
    return {...image, ...size, full: size, open: async () => regionsOfImage(await read(), file)};
  }

  /**
   * The instances of image `index`, without bitmaps. A mask of more than 16 million pixels in a TIFF or PNG is read in
   * parts, any other one whole, as are colours, parts that have to be told apart, very many objects whose boxes cover
   * each other, and interlaced PNG. A PNG is decoded into a temporary file first: one byte for each pixel of up to 8
   * bits, two for one of 16 bits, three times as many in RGB, besides a copy of the PNG. If there is no room, the mask
   * is read whole. Throws INVALID_MASK as `get()` does, and WRITE_FAILED for a PNG without room that is too large to be
   * read whole.
   */
  async objects(index: number, size: {width: number; height: number}): Promise<PlacedObject[]> {
    const entry = this.#entry(index);
    const large = await this.#largeObjects(entry, () => size);
    if (large !== undefined) return large;
    const mask = await readMaskFile(entry.file.mask);
    checkSizes(entry.file, size, mask);
    return placedInstances(await this.#instances(entry, mask), await loadBinding());
  }

  /** The label 1 for each instance of image `index`. Reads its mask, unless it has been read. Throws as `objects()`. */
  async labels(index: number): Promise<readonly number[]> {
    const entry = this.#entry(index);
    if (entry.found === undefined && (await this.#largeObjects(entry)) === undefined) {
      await this.#instances(entry, await readMaskFile(entry.file.mask));
    }
    return new Array(entry.found!.instances).fill(1);
  }

  /** The size of image `index` in pixels, read from its header. Throws INVALID_IMAGE. */
  async size(index: number): Promise<{width: number; height: number}> {
    const {exifOrientation} = this.#settings;
    const {page = 0} = this.pixels;
    return readImageSize(this.#entry(index).file.image, {exifOrientation, page});
  }

  /** Paths of image `index` and its mask. */
  sources(index: number): readonly string[] {
    const {image, mask} = this.#entry(index).file;
    return [image, mask];
  }

  /** The options that decide what instances the masks have, as JSON. */
  get fingerprint(): string {
    return JSON.stringify(this.#settings);
  }

  /**
   * Counts over the whole data set. Reads the images that have not been read yet, and of those with a mask that
   * `objects()` reads in parts, only the mask. Throws the errors of `get`.
   */
  async stats(): Promise<MaskFolderStats> {
    const stats = {images: this.length, instances: 0, negatives: 0, dropped: 0, mostInstances: 0, colourMasks: 0};
    for (const [index, entry] of this.#entries.entries()) {
      if (entry.found === undefined && (await this.#largeObjects(entry, () => this.#fullSize(index))) === undefined) {
        await this.get(index);
      }
      const {instances, dropped, colours} = entry.found!;
      stats.instances += instances;
      stats.dropped += dropped;
      if (instances === 0) stats.negatives++;
      if (colours) stats.colourMasks++;
      stats.mostInstances = Math.max(stats.mostInstances, instances);
    }
    return stats;
  }

  /**
   * A data set of the images with the indices `which`, or of those for which the function `which` returns true. Throws
   * RangeError for an invalid index.
   */
  subset(which: readonly number[] | ((file: MaskFolderFile, index: number) => boolean)): MaskFolder {
    const indices =
      typeof which === 'function'
        ? this.files.flatMap((file, index) => (which(file, index) ? [index] : []))
        : checkIndices(which, this.length);
    const entries = indices.map((index) => this.#entries[index]!);
    return new MaskFolder(this.classes, entries, this.#settings, this.pixels);
  }

  /**
   * Splits the images into two parts. `fraction` (above 0, below 1) of the images, at least one and never all, are
   * picked at random by `seed` for validation. The others are for training. All parts keep the natural order. With
   * `{validation, test}` instead of a fraction, a third part is picked for the test; with `{test}`, a test set in place
   * of the validation set. By class, the function `split()` does it: `stratify`. Throws INVALID_OPTION, and
   * INVALID_DATASET for fewer images or groups than parts.
   */
  split(fraction: number, options?: SplitOptions): {training: MaskFolder; validation: MaskFolder};
  split(fractions: ThreeWay, options?: SplitOptions): {training: MaskFolder; validation: MaskFolder; test: MaskFolder};
  split(fractions: TestAlone, options?: SplitOptions): {training: MaskFolder; test: MaskFolder};
  split(share: number | ThreeWay | TestAlone, options: SplitOptions = {}): Record<string, MaskFolder> {
    checkShare(share, 'MaskFolder.split');
    checkOptions(options, SPLIT_OPTIONS, 'MaskFolder.split');
    const parts = splitIndices(this.#groups(options), share, options.seed ?? 0);
    return Object.fromEntries(Object.entries(parts).map(([name, indices]) => [name, this.subset(indices)]));
  }

  /** As `folds()`, with groups by file: `folder.folds(5, {groupBy: (file) => file.patient})`. */
  folds(count: number, options: SplitOptions = {}): {training: MaskFolder; validation: MaskFolder}[] {
    checkOptions({count}, {count: required(integer({min: 2}))}, 'MaskFolder.folds');
    checkOptions(options, SPLIT_OPTIONS, 'MaskFolder.folds');
    return foldIndices(this.#groups(options), count, options.seed ?? 0).map(({training, validation}) => ({
      training: this.subset(training),
      validation: this.subset(validation),
    }));
  }

  #groups({groupBy}: SplitOptions): string[] {
    return this.files.map((file) => groupBy?.(file) ?? file.name);
  }

  /** As `size()`, and of an image of any size unless `exifOrientation` is false. */
  async #fullSize(index: number): Promise<Size> {
    if (!this.#settings.exifOrientation) return this.size(index);
    return fullSize(this.#entry(index).file.image, {page: this.pixels.page ?? 0});
  }

  /**
   * The objects of a mask that is read in parts; undefined if it has to be read whole. `sizeOf` gives the size of the
   * image, which the mask must have.
   */
  async #largeObjects(entry: Entry, sizeOf?: () => Size | Promise<Size>): Promise<PlacedObject[] | undefined> {
    const {mask: file} = entry.file;
    const source = await openLabelBlocks(file, MOST_WHOLE);
    if (source === undefined) return undefined;
    try {
      if (sizeOf !== undefined) checkSizes(entry.file, await sizeOf(), source);
      const found = await objectsOfBlocks(await loadBinding(), source, this.#settings, file);
      if (found === undefined) return undefined;
      entry.found = {instances: found.objects.length, dropped: found.dropped, colours: false};
      return found.objects;
    } finally {
      await source.close();
    }
  }

  async #instances(entry: Entry, mask: IdMask): Promise<Instance[]> {
    const {mask: file} = entry.file;
    const ids = await instanceIds(mask, this.#settings, file);
    const {minArea} = this.#settings;
    const {width, height, source} = mask;
    const {instances, dropped} = await instancesFromIds({ids, width, height}, {label: 1, minArea, file});
    entry.found = {instances: instances.length, dropped, colours: source === 'colours'};
    return instances;
  }

  #entry(index: number): Entry {
    const entry = this.#entries[index];
    if (entry === undefined) throw new RangeError(`The index must be in 0..${this.length - 1}, got ${show(index)}.`);
    return entry;
  }
}
