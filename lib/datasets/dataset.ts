import type {Rule} from '../basics/schema.js';
import type {RgbImage} from '../image/read-image.js';
import type {Rle} from '../masks/rle.js';

/** A bitmap cropped to the instance: 1 = object, 0 = not, in reading order; `data.length === width * height`. */
export type InstanceMask = {left: number; top: number; width: number; height: number; data: Uint8Array};

/** One object of an image. */
export type Instance = {
  /** Class: 1 is the data set's first class name; 0 is the background and never occurs. */
  label: number;
  /** x0, y0, x1, y1 in pixels; x1 and y1 are exclusive, so that an instance of one pixel has a box of side 1. */
  box: [number, number, number, number];
  mask: InstanceMask;
  /** What the source calls it: a mask's value, or an annotation's id. For messages. */
  id?: number;
};

/** One image with its instances, decoded. */
export type Sample = {
  /** Names the image in messages and results. */
  file: string;
  image: RgbImage;
  instances: Instance[];
};

/** A true object as COCO's scores see it. */
export type TrueObject = {
  label: number;
  /** left, top, width, height in pixels. */
  box: [number, number, number, number];
  /** Pixels: what makes it small, medium or large. */
  area: number;
  /** A region of many objects, on which any number of detections may lie. */
  crowd: boolean;
  mask: Rle;
};

/** What training and evaluation read from. Write your own with these members. */
export type Dataset = {
  readonly length: number;
  /** Class names; the background is implied. */
  readonly classes: readonly string[];
  /** Decodes sample `index`. Called concurrently. */
  get(index: number): Promise<Sample>;
  /** The size of image `index`, where that is known for less than `get()` costs. */
  size?(index: number): Promise<{width: number; height: number}>;
  /**
   * What image `index` is scored against, where that is more than the instances of `get()`: crowds, areas and boxes of the
   * annotator's.
   */
  truth?(index: number): Promise<TrueObject[]>;
  /** What COCO's result files call image `index`. Default: index + 1. */
  imageId?(index: number): number;
  /** What they call each class. Default: 1, 2, ... */
  readonly categoryIds?: readonly number[];
};

/** A `Dataset`, this package's or the user's own. */
export const datasetRule: Rule = {
  expected: 'a data set (length, classes, get)',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['length', 'classes', 'get'].every((member) => member in value) &&
    typeof (value as Dataset).get === 'function',
};
