import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, number, required, type Schema, text} from '../basics/schema.js';
import {count} from '../basics/wording.js';
import type {Dataset, Sample} from '../datasets/dataset.js';
import {checkDataset, datasetRule} from '../datasets/dataset.js';
import {readSample} from '../datasets/read-sample.js';
import {targetFaults} from '../datasets/targets.js';
import {describeNotices, type FileNotice, noticesOf} from '../image/notices.js';
import {pixelsDifference} from '../image/pixel-options.js';
import type {Detections} from '../model/detections.js';
import type {MaskRcnn} from '../model/model.js';
import {type Views, viewsRule} from '../model/predict-options.js';
import type {CocoMatches, CocoScores, PrecisionRecall} from './coco-scores.js';
import {type ClassCount, type CountSummary, countObjects, summarizeCounts} from './count-errors.js';
import {foregroundOf, predictedLabels, trueLabels} from './label-map.js';
import {type ClassMatch, matchClasses, relabel} from './match-classes.js';
import {
  compareNuclei,
  type NucleiCounts,
  type NucleiScores,
  type NucleiSummary,
  nucleiScores,
  summarizeNuclei,
} from './nucleus-scores.js';
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
import {regionsOf} from './regions.js';
import {cocoNames, writeResults} from './results-file.js';
import {type ConfusionMatrix, ScoredData} from './scored-data.js';
import {type ObjectTally, tallyOf} from './true-positives.js';

/** The score that detections must exceed to count, unless the options name another one. */
export const SCORE_THRESHOLD = 0.5;

/** Options of `evaluate()`. */
export type EvaluateOptions = {
  data: Dataset;
  /**
   * Only detections above this score count in the pixel scores, the object scores, the count errors and the confusion
   * matrix, 0..1. Default 0.5. The COCO scores count all detections.
   */
  scoreThreshold?: number;
  /** Number of views of each image for test-time augmentation: see `PredictOptions`. Default 1. */
  views?: Views;
  /** Path to write all detections to, as a COCO results file. Default: not written. */
  results?: string;
  /** Called after each image with the number of images done. */
  onImage?: (done: number) => void;
  /** Called for each image with its detections above `scoreThreshold`. If it throws, the evaluation stops. */
  onDetections?: (sample: Sample, detections: Detections) => void;
  /**
   * Called with a sentence if the model or the data set has a class that the other one lacks, or if the data set reads
   * image files with other options than those of training; and at the end, for each kind of files of which bits,
   * channels or pages are not read.
   */
  onNotice?: (notice: string) => void;
  /** Stops before the next image. `evaluate()` then rejects with the signal's reason. */
  signal?: AbortSignal;
};

/** The scores of a model on a data set. */
export type Evaluation = {
  /** COCO's average precision and recall of boxes. */
  bbox: CocoScores;
  /**
   * The same of masks, without the images on which only the box of an object is known. Null if no image is left, or if
   * the network makes no masks.
   */
  segm: CocoScores | null;
  /**
   * Compares the union of the predicted masks with the union of the ground-truth masks, regardless of class. Here and
   * below, the pixels of an object are those of its mask. They are those of its box, in the truth and in the
   * prediction, on images on which only the box of an object is known, and on all images if the network makes no masks.
   */
  pixel: PixelSummary;
  /**
   * Compares the predicted objects with the ground-truth objects, regardless of class. A pixel belongs to the best
   * detection that covers it. Detections that are mostly covered by better ones are dropped.
   */
  objects: ObjectSummary;
  /** The same objects, scored with the metrics that are common for nuclei. */
  nuclei: NucleiSummary;
  /** Compares the number of detections above the score threshold with the number of objects, for each class. */
  counts: CountSummary;
};

/** The scores of one image. */
export type ImageScores = {
  file: string;
  pixel: PixelScores;
  objects: ObjectScores & ObjectTally;
  nuclei: NucleiScores;
  /** The counts of each class that is on the image or detected on it. */
  counts: ClassCount[];
};

/** The data behind the scores. */
export type EvaluationDetails = {
  /** The threshold that the scores are of, except those of COCO. */
  scoreThreshold: number;
  /** The scores of each image, in the data set's order. */
  images: ImageScores[];
  /** Precision-recall curves: see `precisionRecallSvg()`. */
  curves: {bbox: PrecisionRecall; segm: PrecisionRecall | null};
  /** Which detections match, for `compareEvaluations()`. */
  matches: {bbox: CocoMatches; segm: CocoMatches | null};
  /** Matches at an IoU of at least 0.5, of masks, or of boxes if `segm` is null: see `confusionMatrixSvg()`. */
  confusion: ConfusionMatrix;
};

const EVALUATE: Schema = {
  data: required(datasetRule),
  scoreThreshold: number({min: 0, max: 1}),
  views: viewsRule,
  results: text,
  onImage: callback,
  onDetections: callback,
  onNotice: callback,
  signal: instanceOf(AbortSignal),
};

/**
 * Scores the predictions of `model` on a data set, image by image. It reads the next image while the current one is
 * processed. Classes are matched by name: see `onNotice` for those that one side lacks.
 *
 * Throws INVALID_OPTION; INVALID_DATASET if there are no images or no common class; INVALID_IMAGE or INVALID_MASK for a
 * file that cannot be read; INVALID_DATASET for any other error of `data.get()`, with the number of the sample;
 * INVALID_TARGET for an instance that training refuses too; DISPOSED; OUT_OF_MEMORY; WRITE_FAILED; or the reason of an
 * aborted signal.
 */
export async function evaluate(
  model: MaskRcnn,
  options: EvaluateOptions,
): Promise<Evaluation & {details: EvaluationDetails}> {
  checkOptions(options, EVALUATE, 'evaluate()');
  const {data, scoreThreshold = SCORE_THRESHOLD, views = 1, results, onImage, onDetections, onNotice, signal} = options;
  checkDataset(data);
  if (data.length === 0) throw new MaskRcnnError('INVALID_DATASET', 'Evaluation needs at least one image, got none.');

  const {labels: labelOf, notices} = matchClasses(model.classes, data.classes);
  for (const notice of [...notices, ...pixelsDifference(model.pixels, data.pixels)]) onNotice?.(notice);
  const pixels: PixelCounts[] = [];
  const objects: ObjectCounts[] = [];
  const nuclei: NucleiCounts[] = [];
  const counts: ClassCount[][] = [];
  const images: ImageScores[] = [];
  const files: FileNotice[] = [];
  const scored = new ScoredData(data);
  const detected = new DetectedObjects();
  let next = detect(model, data, {index: 0, views, labelOf, signal});
  for (let index = 0; index < data.length; index++) {
    const {sample, detections} = await next;
    signal?.throwIfAborted();
    // Start detection on the next image: it runs off the main thread while this image is compared.
    next = detect(model, data, {index: index + 1, views, labelOf, signal});
    await scored.add(index, () => sample);
    detected.addDetections(index, detections);
    const likely = above(detections, scoreThreshold);
    const {width, height} = likely;
    const {instances, masks} = await regionsOf(sample, likely, model.options.masks);
    const truth = trueLabels(sample.image, instances);
    const labels = predictedLabels(masks, width, height);
    const pixel = countPixels(foregroundOf(masks, width, height), truth.labels);
    const object = compareObjects(labels, truth, masks.length);
    const objectCounts = countObjects(sample, likely, data.classes);
    pixels.push(pixel);
    objects.push(object);
    const nucleus = compareNuclei(labels, truth);
    nuclei.push(nucleus);
    counts.push(objectCounts);
    images.push({
      file: sample.file,
      pixel: pixelScores(pixel),
      objects: {...objectScores(object), ...tallyOf(object)},
      nuclei: nucleiScores(nucleus),
      counts: objectCounts.filter(({truth: objects, predicted}) => objects > 0 || predicted > 0),
    });
    files.push(...noticesOf(sample));
    onDetections?.(sample, likely);
    onImage?.(index + 1);
  }
  for (const notice of describeNotices(files)) onNotice?.(notice);
  if (results !== undefined) {
    await writeResults(results, detected, cocoNames(data), (image) => scored.sizeOf(image));
  }
  const hasMasks = model.options.masks === 'instance' && scored.hasMasks;
  const bbox = await scored.score(detected, 'box');
  const segm = hasMasks ? await scored.score(detected, 'mask') : undefined;
  const confusion = await scored.confusion(detected, hasMasks ? 'mask' : 'box', {iouThreshold: 0.5, scoreThreshold});
  if (!hasMasks) onNotice?.(BOXES_NOTICE);
  else if (scored.boxImages > 0) onNotice?.(boxImagesNotice(scored.boxImages, data.length));
  return {
    bbox: bbox.scores,
    segm: segm?.scores ?? null,
    pixel: summarizePixels(pixels),
    objects: summarizeObjects(objects),
    nuclei: summarizeNuclei(nuclei),
    counts: summarizeCounts(counts),
    details: {
      scoreThreshold,
      images,
      curves: {bbox: bbox.curves, segm: segm?.curves ?? null},
      matches: {bbox: bbox.matches, segm: segm?.matches ?? null},
      confusion,
    },
  };
}

/** There is no image with masks on both sides. */
const BOXES_NOTICE = 'Boxes are scored, not masks: a pixel belongs to an object if it is in its box.';

function boxImagesNotice(images: number, of: number): string {
  const are = images === 1 ? 'is' : 'are';
  return (
    `${images} of ${count(of, 'image')} ${are} not in the COCO scores of masks, as only the box of some object is known ` +
    'there. The other scores compare boxes on them.'
  );
}

/** The detections above a score. Detections are sorted by descending score, so these come first. */
function above({boxes, labels, classNames, scores, masks, ...rest}: Detections, threshold: number): Detections {
  const end = scores.findIndex((score) => !(score > threshold));
  const kept = end < 0 ? scores.length : end;
  return {
    ...rest,
    boxes: boxes.slice(0, 4 * kept),
    labels: labels.slice(0, kept),
    classNames: classNames.slice(0, kept),
    scores: scores.slice(0, kept),
    masks: masks.slice(0, kept),
  };
}

type Detected = {sample: Sample; detections: Detections};

/** Sample `index` and its detections. Past the end, returns a promise that nobody awaits. */
function detect(
  model: MaskRcnn,
  data: Dataset,
  {
    index,
    views,
    labelOf,
    signal,
  }: {
    index: number;
    views: Views;
    labelOf: ClassMatch['labels'];
    signal: AbortSignal | undefined;
  },
): Promise<Detected> {
  if (index >= data.length) return new Promise(() => {});
  const detected = (async () => {
    const sample = await readSample(data, index, signal);
    const [fault] = targetFaults(sample, data.classes);
    if (fault !== undefined) throw fault;
    const [detections] = await model.predict({...sample.image, file: sample.file}, {views});
    return {sample, detections: relabel(detections!, labelOf)};
  })();
  detected.catch(() => {}); // the error surfaces where it is awaited, unless an earlier failure prevents that
  return detected;
}
