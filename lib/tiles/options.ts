import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, integer, number, type Schema} from '../basics/schema.js';
import {LEVEL_OPTIONS, type LevelOptions, levelOptionsOf} from '../image/regions/large-image.js';

/** Options of `tiles()`. Invalid ones throw INVALID_OPTION. */
export type TilesOptions = {
  /** Width and height of the tiles, in pixels, >= 16. Smaller images are one tile of their own size. Default 1024. */
  size?: number;
  /**
   * How many pixels neighbouring tiles share: 0 up to `size` - 1. An object that is smaller than this is whole in some
   * tile. Default 128, but at most half of `size`.
   */
  overlap?: number;
  /**
   * The share of an object's area that a tile must show, for the part to be an object in this tile: 0 (every pixel) up
   * to 1 (only whole objects). Of an object that is whole in no tile, it is the share of what the tile that shows most
   * of it shows. So each object is an object in some tile. Default 0.1, as `min_area_ratio` of SAHI.
   */
  minVisible?: number;
  /** The share of the tiles without objects that stay, picked at random by `seed`: 0 up to 1. Default 1, all. */
  emptyShare?: number;
  /** Random seed of the tiles without objects that stay, an integer. Default 0. */
  seed?: number;
  /** Is called after each image that has been looked through, with the number of these images. */
  onImage?: (done: number) => void;
  /** Stops the work. `tiles()` then rejects with the signal's reason. */
  signal?: AbortSignal;
} & LevelOptions;

const share = number({min: 0, max: 1});

/** The rules of the options that may be saved. */
export const TILES_OPTIONS = {
  size: integer({min: 16}),
  overlap: integer({min: 0}),
  minVisible: share,
  emptyShare: share,
  seed: integer(),
  ...LEVEL_OPTIONS,
} as const satisfies Schema;

/** The options with their defaults. Throws INVALID_OPTION. */
export function completeTilesOptions(options: TilesOptions) {
  checkOptions(options, {...TILES_OPTIONS, onImage: callback, signal: instanceOf(AbortSignal)}, 'tiles()');
  const {size = 1024, minVisible = 0.1, emptyShare = 1, seed = 0, level, micronsPerPixel, onImage, signal} = options;
  const {overlap = Math.min(128, Math.floor(size / 2))} = options;
  if (overlap >= size) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'overlap' of tiles() must be below the size of the tiles, ${size}, got ${overlap}.`,
    );
  }
  if (level !== undefined && micronsPerPixel !== undefined) {
    throw new MaskRcnnError('INVALID_OPTION', "tiles() needs either 'level' or 'micronsPerPixel', got both.");
  }
  const of = levelOptionsOf(options);
  return {size, overlap, minVisible, emptyShare, seed, of, onImage, signal};
}

export type CompleteTilesOptions = ReturnType<typeof completeTilesOptions>;
