import {callback, either, integer, number, oneOf, type Schema} from '../../basics/schema.js';
import type {TileProgress} from './tile-progress.js';

/** How `predictTiles()` and `predict()` cut an image into tiles. */
export type CutOptions = {
  /** Width and height of the tiles, in pixels, >= 16. Default 1024. */
  size?: number;
  /**
   * How many pixels neighbouring tiles share: 0 up to half of `size`. An object is seen whole by a tile if it is
   * smaller than this. Larger ones are joined. Default 128, but at most half of `size`.
   */
  overlap?: number;
  /**
   * Leaves out tiles without anything in them. A number, 0..255: those in which the values of each channel differ by
   * at most this much; 0 leaves out tiles of one colour. 'glass': those that are empty glass of a slide in bright
   * field, by the rule of `isBlank()`. Default: none are left out.
   */
  skipBlank?: number | 'glass';
  /** Is called when a tile is done. */
  onTile?: (progress: TileProgress) => void;
};

export const CUT_OPTIONS = {
  size: integer({min: 16}),
  overlap: integer({min: 0}),
  skipBlank: either(number({min: 0, max: 255}), oneOf('glass')),
  onTile: callback,
} as const satisfies Schema;
