import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, number, required, type Schema, text} from '../basics/schema.js';
import type {Dataset, Sample} from '../datasets/dataset.js';
import {datasetRule} from '../datasets/dataset.js';
import type {MaskRcnn} from '../model/model.js';
import {type Detections, type Views, viewsRule} from '../model/predict.js';
import type {CocoScores, PrecisionRecall} from './coco-scores.js';
import {foregroundOf, predictedLabels, trueLabels} from './label-map.js';
import {compareNuclei, type NucleiCounts, type NucleiSummary, summarizeNuclei} from './nucleus-scores.js';
import {
  compareObjects,
  type ObjectCounts,
  type ObjectScores,
  type ObjectSummary,
  objectScores,
  summarizeObjects,
} from './object-scores.js';
import {DetectedObjects} from './object-table.js';
import {
  countPixels,
  type PixelCounts,
  type PixelScores,
  type PixelSummary,
  pixelScores,
  summarizePixels,
} from './pixel-scores.js';
import {cocoNames, writeResults} from './results-file.js';
import {type ConfusionMatrix, ScoredData} from './scored-data.js';

/** What `evaluate()` takes. */
export type EvaluateOptions = {
  data: Dataset;
  /** Detections above this score count for pixels, objects and the confusion matrix, 0..1. Default 0.5. COCO's scores take all. */
  scoreThreshold?: number;
  /** In how many ways each image is looked at: see `PredictOptions`. Default 1. */
  views?: Views;
  /** Where to write all detections, as a COCO results file. */
  results?: string;
  /** Called after each image with how many are done. */
  onImage?: (done: number) => void;
  /** Called with what was found on each image above `scoreThreshold`. What it throws ends the work. */
  onDetections?: (sample: Sample, detections: Detections) => void;
  /** Ends the work before the next image; `evaluate()` rejects with the signal's reason. */
  signal?: AbortSignal;
};

/** The scores of a model on a data set. */
export type Evaluation = {
  /** COCO's average precision and recall: boxes, and masks. */
  bbox: CocoScores;
  segm: CocoScores;
  /** The union of the predicted masks against the union of the true ones, whatever their classes. */
  pixel: PixelSummary;
  /** The predicted objects against the true ones, whatever their classes, a pixel belonging to the best detection on it and
   * detections that are mostly covered by better ones being none. */
  objects: ObjectSummary;
  /** The same objects by the scores that are usual for nuclei. */
  nuclei: NucleiSummary;
};

/** Of one image. */
export type ImageScores = {file: string; pixel: PixelScores; objects: ObjectScores};

/** What the scores are made of. */
export type EvaluationDetails = {
  /** By image, in the data set's order. */
  images: ImageScores[];
  /** Precision over recall: see `precisionRecallSvg()`. */
  curves: {bbox: PrecisionRecall; segm: PrecisionRecall};
  /** Masks that overlap by half: see `confusionMatrixSvg()`. */
  confusion: ConfusionMatrix;
};

const EVALUATE: Schema = {
  data: required(datasetRule),
  scoreThreshold: number({min: 0, max: 1}),
  views: viewsRule,
  results: text,
  onImage: callback,
  onDetections: callback,
  signal: instanceOf(AbortSignal),
};

/**
 * Scores the predictions of `model` on a data set, image by image, reading the next image while one is computed.
 *
 * Throws INVALID_OPTION, INVALID_DATASET where there is no image, what `data.get()` throws, DISPOSED, OUT_OF_MEMORY, WRITE_FAILED,
 * or the reason of an aborted signal.
 */
export async function evaluate(
  model: MaskRcnn,
  options: EvaluateOptions,
): Promise<Evaluation & {details: EvaluationDetails}> {
  checkOptions(options, EVALUATE, 'evaluate()');
  const {data, scoreThreshold = 0.5, views = 1, results, onImage, onDetections, signal} = options;
  if (data.length === 0) throw new MaskRcnnError('INVALID_DATASET', 'Evaluation needs at least one image, got none.');

  const pixels: PixelCounts[] = [];
  const objects: ObjectCounts[] = [];
  const nuclei: NucleiCounts[] = [];
  const images: ImageScores[] = [];
  const scored = new ScoredData(data);
  const detected = new DetectedObjects();
  let next = detect(model, data, 0, views);
  for (let index = 0; index < data.length; index++) {
    const {sample, detections} = await next;
    signal?.throwIfAborted();
    // Detection goes on, off the main thread, while this image is compared.
    next = detect(model, data, index + 1, views);
    await scored.add(index, () => sample);
    detected.addDetections(index, detections);
    const likely = above(detections, scoreThreshold);
    const {masks, width, height} = likely;
    const truth = trueLabels(sample);
    const labels = predictedLabels(masks, width, height);
    const pixel = countPixels(foregroundOf(masks, width, height), truth.labels);
    const object = compareObjects(labels, truth);
    pixels.push(pixel);
    objects.push(object);
    nuclei.push(compareNuclei(labels, truth));
    images.push({file: sample.file, pixel: pixelScores(pixel), objects: objectScores(object)});
    onDetections?.(sample, likely);
    onImage?.(index + 1);
  }
  if (results !== undefined) {
    await writeResults(results, detected, cocoNames(data), (image) => scored.sizeOf(image));
  }
  const [bbox, segm] = [await scored.score(detected, 'box'), await scored.score(detected, 'mask')];
  const confusion = await scored.confusion(detected, 'mask', {iouThreshold: 0.5, scoreThreshold});
  return {
    bbox: bbox.scores,
    segm: segm.scores,
    pixel: summarizePixels(pixels),
    objects: summarizeObjects(objects),
    nuclei: summarizeNuclei(nuclei),
    details: {images, curves: {bbox: bbox.curves, segm: segm.curves}, confusion},
  };
}

/** The first of the detections, which are in falling order: those above a score. */
function above({boxes, labels, classNames, scores, masks, ...rest}: Detections, threshold: number): Detections {
  const end = scores.findIndex((score) => !(score > threshold));
  const count = end < 0 ? scores.length : end;
  return {
    ...rest,
    boxes: boxes.slice(0, 4 * count),
    labels: labels.slice(0, count),
    classNames: classNames.slice(0, count),
    scores: scores.slice(0, count),
    masks: masks.slice(0, count),
  };
}

type Detected = {sample: Sample; detections: Detections};

/** Sample `index` and what is found on it; past the end a promise that nobody awaits. */
function detect(model: MaskRcnn, data: Dataset, index: number, views: Views): Promise<Detected> {
  if (index >= data.length) return new Promise(() => {});
  const detected = (async () => {
    const sample = await data.get(index);
    const [detections] = await model.predict(sample.image, {views});
    return {sample, detections: detections!};
  })();
  detected.catch(() => {}); // reported where it is awaited, which a failure before that may prevent
  return detected;
}
