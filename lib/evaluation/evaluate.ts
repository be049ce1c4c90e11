import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, number, required, type Schema, text} from '../basics/schema.js';
import type {Dataset, Sample} from '../datasets/dataset.js';
import {checkDataset, datasetRule} from '../datasets/dataset.js';
import {type DistributedOptions, distributedRule} from '../distributed/options.js';
import {joinGroup, type ProcessGroup} from '../distributed/process-group.js';
import {digestOfTensors, ofProgram, requireSame} from '../distributed/same.js';
import {pixelsDifference} from '../image/pixel-options.js';
import type {Detections} from '../model/detections.js';
import type {MaskRcnn} from '../model/model.js';
import {type Views, viewsRule} from '../model/predict-options.js';
import type {Evaluation, EvaluationDetails} from './evaluation.js';
import {above, detect, type ImageResult, scoreImage} from './image-result.js';
import {matchClasses} from './match-classes.js';
import {Results} from './results.js';

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
  /**
   * Evaluation by several processes: 'auto' if a launcher such as torchrun has started this process as one of a group.
   * An object also sets how the group works. `results` is written by rank 0, and the callbacks get the images and
   * notices of their own process. See docs/distributed.md. Default 'none'.
   */
  distributed?: 'none' | 'auto' | DistributedOptions;
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
  distributed: distributedRule,
};

/**
 * Scores the predictions of `model` on a data set, image by image. It reads the next image while the current one is
 * processed. Classes are matched by name: see `onNotice` for those that one side lacks. With `distributed`, the images
 * are divided among the processes, and all return the same scores to the last digit.
 *
 * Throws INVALID_OPTION, also if processes of a group have other weights or options; INVALID_DATASET if there are no
 * images or no common class; INVALID_IMAGE or INVALID_MASK for a file that cannot be read; INVALID_DATASET for any
 * other error of `data.get()`, with the number of the sample; INVALID_TARGET for an instance that training refuses too;
 * DISPOSED; OUT_OF_MEMORY; WRITE_FAILED; GROUP_FAILED if another process of the group has ended, failed or hung; or the
 * reason of an aborted signal.
 */
export async function evaluate(
  model: MaskRcnn,
  options: EvaluateOptions,
): Promise<Evaluation & {details: EvaluationDetails}> {
  checkOptions(options, EVALUATE, 'evaluate()');
  const group = await joinGroup(options.distributed ?? 'none', 'evaluate()', options.signal);
  if (group === undefined) return evaluateIn(group, model, options);
  return group.during(async () => {
    await requireSameEvaluation(group, model, options);
    return await evaluateIn(group, model, options);
  });
}

/** Throws INVALID_OPTION if processes would score other weights or other data, or score them differently. */
async function requireSameEvaluation(
  group: ProcessGroup,
  model: MaskRcnn,
  {data, scoreThreshold = SCORE_THRESHOLD, views = 1}: EvaluateOptions,
): Promise<void> {
  checkDataset(data);
  // The seed only makes the first weights, and training draws by it.
  const {seed: _, ...network} = model.options;
  await requireSame(group, {
    "The number of images in 'data' of evaluate()": data.length,
    "The classes of 'data' of evaluate()": data.classes,
    "Option 'scoreThreshold' of evaluate()": scoreThreshold,
    "Option 'views' of evaluate()": views,
    ...(await ofProgram(network)),
    'The digest of the weights': await digestOfTensors(await model.stateDict()),
  });
}

/** Throws the signal's reason, or GROUP_FAILED on the other processes of a group. */
async function requireGoingOn(group: ProcessGroup | undefined, signal: AbortSignal | undefined): Promise<void> {
  const isAborted = signal?.aborted ?? false;
  if (!((await group?.any({isAborted}))?.isAborted ?? isAborted)) return;
  signal?.throwIfAborted();
  throw new MaskRcnnError('GROUP_FAILED', 'The evaluation was interrupted in another process of the group.');
}

/** Processes of a group ask each other after this many images of each whether one of them was interrupted. */
const IMAGES_BETWEEN_QUESTIONS = 4;

/**
 * Evaluates by this process alone, or as one of `group`. In a group, all processes ask `goOn` at the same images. It is
 * to throw on all of them, or on none.
 */
export async function evaluateIn(
  group: ProcessGroup | undefined,
  model: MaskRcnn,
  options: EvaluateOptions,
  goOn: () => Promise<void> = () => requireGoingOn(group, options.signal),
): Promise<Evaluation & {details: EvaluationDetails}> {
  const {data, onImage, onDetections, onNotice, signal} = options;
  const {scoreThreshold = SCORE_THRESHOLD, views = 1} = options;
  checkDataset(data);
  if (data.length === 0) throw new MaskRcnnError('INVALID_DATASET', 'Evaluation needs at least one image, got none.');

  const {labels: labelOf, notices} = matchClasses(model.classes, data.classes);
  for (const notice of [...notices, ...pixelsDifference(model.pixels, data.pixels)]) onNotice?.(notice);
  const {rank, size} = group ?? {rank: 0, size: 1};
  const [begin, end] = [rank, rank + 1].map((part) => Math.ceil((data.length * part) / size)) as [number, number];
  const results = new Results(data);
  const own: ImageResult[] = [];
  const alone = group === undefined ? signal : undefined;
  const start = (index: number) => detect(model, data, {index, end, views, labelOf, signal: alone});
  // Their numbers of images differ by one at most.
  const lastQuestion = Math.floor(data.length / size);
  let next = start(begin);
  for (let index = begin; index < end; index++) {
    const {sample, detections} = await next;
    const count = index + 1 - begin;
    if (group === undefined) signal?.throwIfAborted();
    else if (count % IMAGES_BETWEEN_QUESTIONS === 0 && count <= lastQuestion) await goOn();
    // Start detection on the next image: it runs off the main thread while this image is compared.
    next = start(index + 1);
    const likely = above(detections, scoreThreshold);
    const result = await scoreImage(model, data, {index, sample, detections, likely});
    if (group === undefined) results.add(result);
    else own.push(result);
    onDetections?.(sample, likely);
    // All processes advance alike.
    onImage?.(Math.min(data.length, count * size));
  }
  if (group === undefined) return results.summarize(model, {...options, scoreThreshold});
  const all = await group.gatherOnFirst(own);
  return group.fromFirst(async () => {
    for (const result of all!.flat()) results.add(result);
    return results.summarize(model, {...options, scoreThreshold});
  });
}
