import {MaskRcnnError} from '../basics/errors.js';
import {callback, integer, listOf, oneOf, type Rule, type Schema, text} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import type {FileNotice} from '../image/notices.js';
import {type PixelOptions, pixelsRule} from '../image/pixel-options.js';
import type {LargeImage, LevelOptions} from '../image/regions/large-image.js';
import type {RgbImage} from '../image/rgb-image.js';
import type {PlacedMask} from '../masks/placed-mask.js';
import type {Rle} from '../masks/rle.js';

/**
 * A bitmap (1 = object, 0 = not, row-major) of a rectangle of the image that contains the instance, in pixels.
 * `data.length === width * height`.
 */
export type InstanceMask = {left: number; top: number; width: number; height: number; data: Uint8Array};

/** One object of an image. */
export type Instance = {
  /** Class label: 1 is the first class name of the data set. 0 is the background, which never occurs. */
  label: number;
  /** x0, y0, x1, y1 in pixels. x1 and y1 are exclusive: an instance of one pixel has a box with sides of length 1. */
  box: [number, number, number, number];
  /**
   * Undefined if only the box of the object is known. Such an object trains the RPN and the box head, and is left out
   * of the mask loss.
   */
  mask?: InstanceMask;
  /** The id in the source, for messages: the value in a mask, or the id of an annotation. */
  id?: number;
};

/** An object of which the mask is known. */
export type MaskedInstance = Instance & {mask: InstanceMask};

export function hasMask(instance: Instance): instance is MaskedInstance {
  return instance.mask !== undefined;
}

/** One image with its instances, decoded. */
export type Sample = {
  /** Name of the image in messages and results. */
  file: string;
  image: RgbImage;
  instances: Instance[];
  /** What was left out of the files of the masks. That of the image is in `image.notices`. */
  notices?: readonly FileNotice[];
};

/** A ground-truth object, as COCO's metrics use it. */
export type TrueObject = {
  label: number;
  /** left, top, width, height in pixels. */
  box: [number, number, number, number];
  /** Area of the mask, or else of the box, in pixels, which decides whether the object is small, medium or large. */
  area: number;
  /** Whether this is a region of many objects. Any number of detections may lie on it. */
  crowd: boolean;
  /** Undefined if only the box of the object is known. */
  mask?: Rle;
};

/** An object in an image of any size. */
export type PlacedObject = {
  label: number;
  /** x0, y0, x1, y1 in pixels of the image, as that of an `Instance`. */
  box: [number, number, number, number];
  /** Whether this is a region of many objects, which is no instance to learn from. */
  crowd: boolean;
  /** Undefined if only the box of the object is known. It has a pixel at least. */
  mask?: PlacedMask;
  /** The id in the source, for messages. */
  id?: number;
};

/** A source of images for training and evaluation. To use your own data, write an object with these members. */
export type Dataset = {
  readonly length: number;
  /** Class names, without the background. */
  readonly classes: readonly string[];
  /** What to know about the whole data set, as sentences. `inspect()` repeats them, and subsets keep them. */
  readonly notices?: readonly string[];
  /**
   * Decodes sample `index`, 0..length-1. It is called concurrently. What it throws is reported with the number of the
   * sample: `cause` of the error is what was thrown.
   */
  get(index: number): Promise<Sample>;
  /**
   * How many of the objects have masks. Only needed if it is not 'all': `train()` then tells what it means for a
   * network with masks.
   */
  readonly masks?: 'all' | 'some' | 'none';
  /** The size of image `index`, in pixels. Only needed if it is cheaper than `get()`. */
  size?(index: number): Promise<{width: number; height: number}>;
  /**
   * The labels of the objects of image `index`, once for each object or once in all. Only needed if it is cheaper than
   * `get()`, such as from an annotation file. `train()` asks for it with `balance`.
   */
  labels?(index: number): Promise<readonly number[]>;
  /**
   * The ground truth for the evaluation of image `index`. Only needed if it has more than the instances of `get()`:
   * crowds, or the annotator's own areas and boxes.
   */
  truth?(index: number): Promise<TrueObject[]>;
  /**
   * Opens image `index` for reading rectangles of it, as `get()` would read it. Only needed if images may be too large
   * for the memory: `tiles()` asks for it, and for `objects()`.
   */
  largeImage?(index: number, options: LevelOptions): Promise<LargeImage>;
  /**
   * The objects of image `index`: the instances of `get()`, with masks as run lengths, and crowds. `size` is that of
   * the image in pixels. Only needed together with `largeImage()`.
   */
  objects?(index: number, size: {width: number; height: number}): Promise<PlacedObject[]>;
  /**
   * Samples of the same group stay on the same side of `split()` and `folds()`, unless they are told otherwise. Those
   * for which it returns undefined are alone. Only needed if samples show the same thing, such as tiles of one image.
   */
  group?(index: number): string | undefined;
  /** The id of image `index` in COCO's result files. Default: index + 1. */
  imageId?(index: number): number;
  /** The id of each class in COCO's result files. Default: 1, 2, ... */
  readonly categoryIds?: readonly number[];
  /** The label of a category id in COCO's result files. Only needed if a class has several ids. */
  labelOf?(categoryId: number): number | undefined;
  /**
   * Paths of the files that sample `index` is read from: first the image, then its masks, then what it shares with
   * other samples, such as an annotation file. `train()` compares these files when a run resumes, and finds images that
   * are both in the training set and in the validation set. Without it, only number, classes and `fingerprint` count.
   */
  sources?(index: number): readonly string[];
  /**
   * Text that changes whenever the samples do for another reason than their files, such as other options or another
   * version of a database. `train()` compares it when a run resumes.
   */
  readonly fingerprint?: string;
  /**
   * The options with which `get()` reads image files. `train()` saves them with the weights, so that `predict()` reads
   * files in the same way. Missing: as `readImage()` does without options.
   */
  readonly pixels?: PixelOptions;
};

/** A `Dataset` of this package or of the user. */
export const datasetRule: Rule = {
  expected: 'a data set (length, classes, get)',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['length', 'classes', 'get'].every((member) => member in value) &&
    typeof (value as Dataset).get === 'function',
};

/** No array of JavaScript has more items. */
const MOST_SAMPLES = 2 ** 32 - 1;

const string: Rule = {expected: 'a string', accepts: (value) => typeof value === 'string'};

const MEMBERS: Schema = {
  length: integer({min: 0, max: MOST_SAMPLES}),
  classes: listOf(text),
  notices: listOf(string),
  masks: oneOf('all', 'some', 'none'),
  size: callback,
  labels: callback,
  truth: callback,
  largeImage: callback,
  objects: callback,
  group: callback,
  imageId: callback,
  categoryIds: listOf(integer()),
  labelOf: callback,
  sources: callback,
  fingerprint: string,
  pixels: pixelsRule,
};

/**
 * Checks the members of a data set that the user may have written. Throws INVALID_DATASET, which names the member.
 * `name` is the data set in the message.
 */
export function checkDataset(data: Dataset, name = 'the data set'): void {
  for (const [member, {expected, accepts}] of Object.entries(MEMBERS)) {
    const value = data[member as keyof Dataset];
    const mayLack = member !== 'length' && member !== 'classes';
    if ((value === undefined && mayLack) || accepts(value)) continue;
    throw new MaskRcnnError('INVALID_DATASET', `'${member}' of ${name} must be ${expected}, got ${show(value)}.`);
  }
  const {classes, categoryIds} = data;
  if (categoryIds === undefined) return;
  const areDifferent = new Set(categoryIds).size === categoryIds.length;
  if (areDifferent && categoryIds.length === classes.length) return;
  const must = `different ids, one for each of the ${classes.length} classes`;
  throw new MaskRcnnError('INVALID_DATASET', `'categoryIds' of ${name} must be ${must}, got ${show(categoryIds)}.`);
}
