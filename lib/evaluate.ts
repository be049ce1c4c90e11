import {datasetRule} from './dataset-rule.js';
import type {Dataset, Sample} from './datasets/sample.js';
import {MaskRcnnError} from './errors.js';
import {predictedForeground, trueForeground} from './metrics/foreground.js';
import {countPixels, type PixelCounts, type PixelSummary, summarizePixels} from './metrics/pixel.js';
import type {MaskRcnn} from './model.js';
import {callback, checkOptions, instanceOf, number, required, type Schema} from './options-check.js';

export type EvaluateOptions = {
  data: Dataset;
  /** Detections above this score make the predicted foreground, 0..1. Default 0.5. */
  scoreThreshold?: number;
  /** Called after each image with how many are done. */
  onImage?: (done: number) => void;
  /** Ends the work before the next image; `evaluate()` rejects with the signal's reason. */
  signal?: AbortSignal;
};

export type Evaluation = {
  /** The union of the predicted masks against the union of the true ones, whatever their classes. */
  pixel: PixelSummary;
};

const EVALUATE: Schema = {
  data: required(datasetRule),
  scoreThreshold: number({min: 0, max: 1}),
  onImage: callback,
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
  const {data, scoreThreshold = 0.5, onImage, signal} = options;
  if (data.length === 0) throw new MaskRcnnError('INVALID_DATASET', 'Evaluation needs at least one image, got none.');

  const counts: PixelCounts[] = [];
  let next = read(data, 0);
  for (let index = 0; index < data.length; index++) {
    const sample = await next;
    signal?.throwIfAborted();
    next = read(data, index + 1);
    counts.push(await countSample(model, sample, scoreThreshold));
    onImage?.(index + 1);
  }
  return {pixel: summarizePixels(counts)};
}

async function countSample(model: MaskRcnn, sample: Sample, scoreThreshold: number): Promise<PixelCounts> {
  const [found] = await model.predict(sample.image, {scoreThreshold});
  const {masks, width, height} = found!;
  return countPixels(predictedForeground(masks, width, height), trueForeground(sample));
}

/** Sample `index`; past the end a promise that nobody awaits. */
function read(data: Dataset, index: number): Promise<Sample> {
  if (index >= data.length) return new Promise(() => {});
  const sample = data.get(index);
  sample.catch(() => {}); // reported where it is awaited, which a failure before that may prevent
  return sample;
}
