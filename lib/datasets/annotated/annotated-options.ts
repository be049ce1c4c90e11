/** What can be said about data sets of annotation tools, and what they tell of themselves. */
import {listOf, oneOf, type Schema, text} from '../../basics/schema.js';
import {PIXEL_OPTIONS, type PixelOptions} from '../../image/pixel-options.js';

/** Options that all annotation formats have. */
export type AnnotatedOptions = {
  /**
   * Names of the classes to use, in the order of their labels. Objects of other classes are left out. If none is left
   * out, classes that the data lack may be named too, such as those of weights that go on. Default: all that the format
   * declares, or else all that occur, in alphabetical order. Objects without a class are of the only class
   * that is named here, or else of the default class.
   */
  classes?: readonly string[];
  /**
   * What to do with objects that cannot be read: polygons of two points, numbers that are missing. 'error' throws;
   * 'skip' leaves them out and counts them in `stats`. Default 'error'.
   */
  faulty?: 'error' | 'skip';
} & PixelOptions;

export const ANNOTATED_OPTIONS: Schema = {
  classes: listOf(text, {min: 1}),
  faulty: oneOf('error', 'skip'),
  ...PIXEL_OPTIONS,
};

/** Counts of a data set of annotated images. */
export type AnnotatedStats = {
  images: number;
  /** Numbers of objects by class, before any was left out. */
  objects: Readonly<Record<string, number>>;
  /** Numbers of shapes that are used, by kind, such as polygon. */
  shapes: Readonly<Record<string, number>>;
  /** Numbers of shapes and objects that have been left out so far, by reason. */
  skipped: Readonly<Record<string, number>>;
};
