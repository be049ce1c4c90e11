import {instanceOf, integer, number, object, oneOf, type Rule, type Schema} from '../basics/schema.js';
import {PIXEL_OPTIONS, type PixelOptions} from '../image/pixel-options.js';
import type {LevelOptions} from '../image/regions/large-image.js';
import type {MaskFormat} from './detections.js';
import type {CutOptions} from './tiles/cut-options.js';

/** Number of views of each image in test-time augmentation: see `PredictOptions`. */
export type Views = 1 | 2 | 4;

/** The rule for the option `views`. */
export const viewsRule: Rule = oneOf(1, 2, 4);

/**
 * Options of `model.predict()`. Those of pixels are for image files and their bytes, and each replaces the model's own
 * (`model.pixels`). Invalid options throw INVALID_OPTION.
 */
export type PredictOptions<F extends MaskFormat = MaskFormat> = {
  /**
   * Only detections with a score above this are returned, 0..1. Default: the model's `boxScoreThresh`, which is also
   * the lowest value that has an effect.
   */
  scoreThreshold?: number;
  /**
   * Maximum number of detections per image, or per tile with `tiles`. Those with the highest scores are returned.
   * Default: the model's `boxDetectionsPerImg`, which is also the highest value that has an effect.
   */
  maxDetections?: number;
  /** Format of the masks. Default 'rle', but 'none' for a network without a mask head, which accepts no other. */
  maskFormat?: F;
  /**
   * A pixel belongs to an object if its probability is at least this value, 0..1. Only for 'rle' and 'bitmap'. The
   * network gives probabilities for the object's box and for a margin around it, where they fall to 0. On each side
   * the margin is one cell of the network's mask: by default 1/28 of the box's width or height. No other pixel of the
   * image belongs to the object, not even with a threshold of 0. Default 0.5.
   */
  maskThreshold?: number;
  /**
   * Number of views of each image for test-time augmentation. 1: the image as it is; 2: also mirrored left to right; 4:
   * also mirrored top to bottom, and both ways. The network scores the proposals of every view in all views and
   * averages scores, boxes and masks. This is slightly better, and takes 2 or 4 times the time and memory. Default 1.
   */
  views?: Views;
  /**
   * Number of images that are computed together. Default 1, which is fastest on a CPU. With more than one of `views`,
   * images are computed one by one.
   */
  batchSize?: number;
  /**
   * Cuts each image into tiles of this size, predicts them one after the other, and joins the objects that tiles cut:
   * for images that are much larger than the network's `maxSize`. Detections are in pixels of the level that was read.
   * Masks need an image of at most 2^31 - 1 pixels; 'float' is refused. See `model.predictTiles()`, which is for
   * results that do not fit into memory.
   */
  tiles?: CutOptions & LevelOptions;
  /** Stops the work before the next batch. `predict()` then rejects with the signal's reason. */
  signal?: AbortSignal;
} & PixelOptions;

const share = number({min: 0, max: 1});

/** The options that are the same for tiles. */
export const DETECTION_OPTIONS = {
  scoreThreshold: share,
  maxDetections: integer({min: 1}),
  maskThreshold: share,
  views: viewsRule,
  batchSize: integer({min: 1}),
  signal: instanceOf(AbortSignal),
} as const satisfies Schema;

export const PREDICT_OPTIONS: Schema = {
  ...DETECTION_OPTIONS,
  maskFormat: oneOf('rle', 'bitmap', 'float', 'none'),
  tiles: object,
  ...PIXEL_OPTIONS,
};
