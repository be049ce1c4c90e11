import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, oneOf, type Schema} from '../basics/schema.js';
import {faultOfPng} from '../image/label-png.js';
import {ON_TOP, type OnTop, paintLabels, paintLabelsInTurns} from '../masks/paint-labels.js';
import type {Detections} from './detections.js';

/** Options of `detectionsToLabels()`. */
export type LabelsOptions = {
  /**
   * Which of several objects gets a pixel that all of them cover. 'better': the one with the higher score; an object of
   * which less than half stays visible is left out, as a probable duplicate. 'smaller': the one with the smaller area;
   * an object is left out only if no pixel of it stays visible. Default 'better', which is how `evaluate()` counts.
   */
  onTop?: OnTop;
};

/** A label mask: a picture with a number for each object, in which each pixel belongs to one object at most. */
export type DetectionLabels = {
  /** Size of the image in pixels. */
  width: number;
  height: number;
  /** width × height numbers, row-major: 0 for the background, else the `id` that `detectionsToJson()` gives. */
  labels: Int32Array;
  /** The ids of the objects that have no pixel, ascending: others cover them, or their masks are empty. */
  missing: number[];
};

const SCHEMA: Schema = {onTop: oneOf(...ON_TOP)};

/**
 * Makes one label mask of the masks of an image, as `maskrcnn predict --save labels` writes it. Throws INVALID_OPTION,
 * or INVALID_MASK if there is not one run-length encoded mask per detection.
 */
export function detectionsToLabels(detections: Detections, options: LabelsOptions = {}): DetectionLabels {
  const {onTop = 'better'} = checked(detections, options);
  const {width, height, masks} = detections;
  return {width, height, ...paintLabels(masks, width, height, onTop)};
}

/**
 * As `detectionsToLabels()`, onto `labels`, which are 0 before. In turns, so that the event loop runs on. Throws
 * INVALID_MASK, too, if `labels` have 16 bits and there are more than 65,535 detections.
 */
export async function detectionsToLabelsInTurns<Labels extends Int32Array | Uint16Array = Int32Array>(
  detections: Detections,
  options: LabelsOptions = {},
  labels = new Int32Array(detections.width * detections.height) as Labels,
): Promise<{width: number; height: number; labels: Labels; missing: number[]}> {
  const {onTop = 'better'} = checked(detections, options);
  const {width, height, masks, file = 'an image'} = detections;
  const fault = labels instanceof Uint16Array ? faultOfPng(masks.length, file) : undefined;
  if (fault !== undefined) throw new MaskRcnnError('INVALID_MASK', fault, {file});
  return {width, height, ...(await paintLabelsInTurns(masks, labels, width, onTop))};
}

function checked({masks, scores}: Detections, options: LabelsOptions): LabelsOptions {
  checkOptions(options, SCHEMA, 'detectionsToLabels()');
  if (masks.length !== scores.length || masks.some((mask) => typeof mask.counts !== 'string')) {
    throw new MaskRcnnError(
      'INVALID_MASK',
      `detectionsToLabels() needs a run-length encoded mask for each of the ${scores.length} detections.`,
      {hint: "Predict with maskFormat 'rle', which is the default."},
    );
  }
  return options;
}
