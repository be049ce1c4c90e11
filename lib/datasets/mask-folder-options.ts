import {bool, either, integer, listOf, oneOf, required, type Schema, text} from '../basics/schema.js';
import {PIXEL_OPTIONS, type PixelOptions} from '../image/pixel-options.js';

/** Options of `MaskFolder.open()`. */
export type MaskFolderOptions = {
  /** Name of the class that the masks show. Exactly one, because instance ids do not say which class an object has. */
  classes: readonly string[];
  /**
   * Patterns of the image names to use, with or without extension, such as 'train_*' or '*_[0-9].bmp'. Default: all.
   */
  include?: string | readonly string[];
  /** Patterns of image names to leave out, with or without extension. Default: none. */
  exclude?: string | readonly string[];
  /** Minimum area of an instance in pixels. Smaller instances are dropped and counted. Default 1, which keeps all. */
  minArea?: number;
  /**
   * Where images and masks are. 'pairs': side by side in one folder; 'folders': in two folders; 'auto': detect it.
   * Default 'auto'.
   */
  layout?: 'auto' | 'pairs' | 'folders';
  /**
   * Folder of the images, relative to the data set's folder. Needed only if it does not have a usual name, such as
   * images.
   */
  imageFolder?: string;
  /**
   * Folder of the masks, relative to the data set's folder. Needed only if it does not have a usual name, such as
   * masks.
   */
  maskFolder?: string;
  /**
   * Suffix that a mask's name has after the name of its image, before the extension. Default: '_anno', '_mask' or
   * '_cp_masks' (Cellpose), and in two folders also no suffix. If an image has no such mask, its NAME_seg.npy of
   * Cellpose. If there are no such masks, '_labels', as `maskrcnn predict` writes them.
   */
  maskSuffix?: string;
  /**
   * Mask values that are background in addition to 0, such as 255 at the borders of Pascal VOC's objects. Default:
   * none.
   */
  ignoreIds?: readonly number[];
  /**
   * What a mask with only one value besides 0 means, such as a black-and-white mask. 'components': each connected
   * component is an instance, so objects that touch become one; 'whole': all pixels are one instance. Without this
   * option, such a mask is an error if it has several components and looks binary: its value is 255 or 65535, it has 1
   * bit per pixel, or it is a colour image.
   */
  binary?: 'components' | 'whole';
  /**
   * Whether to turn images upright by their EXIF orientation tag. Set it to false if the masks were drawn on the pixels
   * as stored. Default true.
   */
  exifOrientation?: boolean;
} & PixelOptions;

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
  ...PIXEL_OPTIONS,
};
