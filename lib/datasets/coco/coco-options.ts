import {listOf, oneOf, type Schema, text} from '../../basics/schema.js';
import {PIXEL_OPTIONS, type PixelOptions} from '../../image/pixel-options.js';

/** Options of `Coco.open()`. */
export type CocoOptions = {
  /**
   * Folder of the images. Default: the folder of the annotation file, or images/ in it. Of a path in the annotations,
   * the last part is enough.
   */
  images?: string;
  /**
   * Names of the categories to use, in the order of their labels. Several categories of one name are one class.
   * Default: all, sorted by id, except roots: categories without annotations that are the supercategory of another
   * category, as Roboflow writes them. `notices` tells of both.
   */
  classes?: readonly string[];
  /**
   * What to do with invalid annotations: missing, duplicate or unknown ids, polygons of two points, run lengths that do
   * not fit the image. 'error' throws; 'skip' leaves them out and counts them in `stats`. Default 'error'.
   */
  faulty?: 'error' | 'skip';
  /**
   * Where the boxes of objects come from, for training and for scores. 'annotations': from `bbox`, or from the mask if
   * an annotation has none; 'masks': always from the mask, whose first and last columns and rows are the edges.
   * `inspect()` tells where the two differ. Default 'annotations'.
   */
  boxes?: 'annotations' | 'masks';
} & PixelOptions;

export const COCO_OPTIONS: Schema = {
  images: text,
  classes: listOf(text, {min: 1}),
  faulty: oneOf('error', 'skip'),
  boxes: oneOf('annotations', 'masks'),
  ...PIXEL_OPTIONS,
};
