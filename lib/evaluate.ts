import {datasetRule} from './dataset-rule.js';
import type {Dataset, Sample} from './datasets/sample.js';
import {MaskRcnnError} from './errors.js';
import {foregroundOf, predictedLabels, trueLabels} from './metrics/labels.js';
import {compareObjects, type ObjectCounts, type ObjectSummary, summarizeObjects} from './metrics/objects.js';
import {countPixels, type PixelCounts, type PixelSummary, summarizePixels} from './metrics/pixel.js';
import type {MaskRcnn} from './model.js';
import {callback, checkOptions, instanceOf, number, required, type Schema} from './options-check.js';
import type {Detections} from './predict.js';

export type EvaluateOptions = {
  data: Dataset;
  /** Detections above this score count, 0..1. Default 0.5. */
  scoreThreshold?: number;
  /** Called after each image with how many are done. */
  onImage?: (done: number) => void;
  /** Called with what was found on each image. What it throws ends the work. */
  onDetections?: (sample: Sample, detections: Detections) => void;
  /** Ends the work before the next image; `evaluate()` rejects with the signal's reason. */
  signal?: AbortSignal;
};

export type Evaluation = {
  /** The union of the predicted masks against the union of the true ones, whatever their classes. */
  pixel: PixelSummary;
  /** The predicted objects against the true ones, whatever their classes, a pixel belonging to the best detection on it and
   * detections that are mostly covered by better ones being none. */
  objects: ObjectSummary;
};

const EVALUATE: Schema = {
  data: required(datasetRule),
  scoreThreshold: number({min: 0, max: 1}),
  onImage: callback,
  onDetections: callback,
  signal: instanceOf(AbortSignal),
};

/**
 * Scores the predictions of `model` on a data set, image by image, reading the next image while one is computed.
 *
 * Throws INVALID_OPTION, INVALID_DATASET where there is no image, what `data.get()` throws, DISPOSED, OUT_OF_MEMORY, or the
 * reason of an aborted signal.
 */
export async function evaluate(model: MaskRcnn, options: EvaluateOptions): Promise<Evaluation> {
  checkOptions(options, EVALUATE, 'evaluate()');
  const {data, scoreThreshold = 0.5, onImage, onDetections, signal} = options;
  if (data.length === 0) throw new MaskRcnnError('INVALID_DATASET', 'Evaluation needs at least one image, got none.');

  const pixels: PixelCounts[] = [];
  const objects: ObjectCounts[] = [];
  let next = detect(model, data, 0, scoreThreshold);
  for (let index = 0; index < data.length; index++) {
    const {sample, detections} = await next;
    signal?.throwIfAborted();
    // Detection goes on, off the main thread, while this image is compared.
    next = detect(model, data, index + 1, scoreThreshold);
    const {masks, width, height} = detections;
    const truth = trueLabels(sample);
    pixels.push(countPixels(foregroundOf(masks, width, height), truth.labels));
    objects.push(compareObjects(predictedLabels(masks, width, height), truth));
    onDetections?.(sample, detections);
    onImage?.(index + 1);
  }
  return {pixel: summarizePixels(pixels), objects: summarizeObjects(objects)};
}

type Detected = {sample: Sample; detections: Detections};

/** Sample `index` and what is found on it; past the end a promise that nobody awaits. */
function detect(model: MaskRcnn, data: Dataset, index: number, scoreThreshold: number): Promise<Detected> {
  if (index >= data.length) return new Promise(() => {});
  const detected = (async () => {
    const sample = await data.get(index);
    const [detections] = await model.predict(sample.image, {scoreThreshold});
    return {sample, detections: detections!};
  })();
  detected.catch(() => {}); // reported where it is awaited, which a failure before that may prevent
  return detected;
}
