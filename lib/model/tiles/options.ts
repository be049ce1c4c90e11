import {MaskRcnnError} from '../../basics/errors.js';
import {checkOptions, object, type Schema} from '../../basics/schema.js';
import type {RawImage} from '../../image/read-image.js';
import type {Detections} from '../detections.js';
import {DETECTION_OPTIONS, type PredictOptions} from '../predict-options.js';
import {CUT_OPTIONS, type CutOptions} from './cut-options.js';
import type {TileState} from './tile-state.js';

/** What finds the objects in tiles: a `MaskRcnn`, or an object of your own. */
export type TilePredictor = {
  /**
   * Resolves to the detections in each image, with run-length encoded masks of the image's size. It is called for the
   * next tiles while a loop takes the objects of the last ones, but never twice at once.
   */
  predict(images: readonly RawImage[], options: PredictOptions<'rle'>): Promise<Detections[]>;
};

/** Options of `predictTiles()`. Invalid ones throw INVALID_OPTION. */
export type TileOptions = CutOptions & {
  /** Goes on from here, with the same image, `size` and `overlap`: see `TileProgress`. Default: from the first tile. */
  from?: TileState;
  /** Maximum number of detections per tile, as in `PredictOptions`. */
  maxDetections?: number;
} & Pick<PredictOptions, 'scoreThreshold' | 'maskThreshold' | 'views' | 'batchSize' | 'signal'>;

export const TILE_OPTIONS: Schema = {...CUT_OPTIONS, from: object, ...DETECTION_OPTIONS};

/** The options with their defaults. Throws INVALID_OPTION. */
export function completeTileOptions(options: TileOptions, where: string) {
  checkOptions(options, TILE_OPTIONS, where);
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
