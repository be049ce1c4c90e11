import {MaskRcnnError} from '../../basics/errors.js';
import {
  callback,
  checkOptions,
  either,
  instanceOf,
  integer,
  number,
  object,
  oneOf,
  type Schema,
} from '../../basics/schema.js';
import type {RawImage} from '../../image/read-image.js';
import type {Detections, PredictOptions} from '../predict.js';
import {viewsRule} from '../predict.js';
import type {TileState} from './tile-state.js';

/** What finds the objects in tiles: a `MaskRcnn`, or an object of your own. */
export type TilePredictor = {
  /** Resolves to the detections in each image, with run-length encoded masks of the image's size. */
  predict(images: readonly RawImage[], options: PredictOptions<'rle'>): Promise<Detections[]>;
};

/** How far `predictTiles()` has come. */
export type TileProgress = {
  /** The tiles that are done, of `total`. */
  done: number;
  total: number;
  /** The tiles that were blank, of those that are done: see `skipBlank`. */
  blank: number;
  /** The objects that are finished. Objects at the seam to the next tiles are not. */
  objects: number;
  /** The mean since the start. */
  tilesPerSecond: number;
  /** The tile that was done last, in pixels of the image. */
  tile: {left: number; top: number; width: number; height: number};
  /**
   * From where `predictTiles()` can go on, in another process too, with the option `from`: all objects that it has
   * yielded so far are not found again. Plain values, to be written as JSON. Ask for it inside of `onTile`, and not for
   * each tile: it has the masks of the objects at the seam.
   */
  state(): TileState;
};

/** Options of `predictTiles()`. Invalid ones throw INVALID_OPTION. */
export type TileOptions = {
  /** Width and height of the tiles, in pixels, >= 16. Default 1024. */
  size?: number;
  /**
   * How many pixels neighbouring tiles share: 0 up to half of `size`. An object is seen whole by a tile if it is
   * smaller than this. Larger ones are joined. Default 128, but at most half of `size`.
   */
  overlap?: number;
  /**
   * Leaves out tiles without anything in them. A number, 0..255: those in which the values of each channel differ by at
   * most this much; 0 leaves out tiles of one colour. 'glass': those that are empty glass of a slide in bright field, by
   * the rule of `isBlank()`. Default: none are left out.
   */
  skipBlank?: number | 'glass';
  /** Goes on from here, with the same image, `size` and `overlap`: see `TileProgress`. Default: from the first tile. */
  from?: TileState;
  /** Is called when a tile is done. */
  onTile?: (progress: TileProgress) => void;
  /** Maximum number of detections per tile, as in `PredictOptions`. */
  maxDetections?: number;
} & Pick<PredictOptions, 'scoreThreshold' | 'maskThreshold' | 'views' | 'batchSize' | 'signal'>;

const share = number({min: 0, max: 1});

const SCHEMA: Schema = {
  size: integer({min: 16}),
  overlap: integer({min: 0}),
  skipBlank: either(number({min: 0, max: 255}), oneOf('glass')),
  from: object,
  onTile: callback,
  scoreThreshold: share,
  maxDetections: integer({min: 1}),
  maskThreshold: share,
  views: viewsRule,
  batchSize: integer({min: 1}),
  signal: instanceOf(AbortSignal),
};

/** The options with their defaults. Throws INVALID_OPTION. */
export function completeTileOptions(options: TileOptions, where: string) {
  checkOptions(options, SCHEMA, where);
  const {size = 1024, batchSize = 1, skipBlank, from, onTile, signal, ...rest} = options;
  const most = Math.floor(size / 2);
  const {overlap = Math.min(128, most), scoreThreshold, maxDetections, maskThreshold, views} = rest;
  if (overlap > most) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'overlap' of ${where} must be at most half of the size of the tiles, ${most}, got ${overlap}.`,
    );
  }
  const predict: PredictOptions<'rle'> = {
    maskFormat: 'rle',
    batchSize,
    ...(scoreThreshold !== undefined && {scoreThreshold}),
    ...(maxDetections !== undefined && {maxDetections}),
    ...(maskThreshold !== undefined && {maskThreshold}),
    ...(views !== undefined && {views}),
    ...(signal !== undefined && {signal}),
  };
  return {size, overlap, batchSize, skipBlank, from, onTile, signal, predict};
}

export type CompleteTileOptions = ReturnType<typeof completeTileOptions>;
