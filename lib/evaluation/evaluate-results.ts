import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, instanceOf, required, type Schema, text} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {checkDataset, datasetRule} from '../datasets/dataset.js';
import {readSample} from '../datasets/read-sample.js';
import type {CocoEvaluation} from './coco-scores.js';
import {readResults} from './results-file.js';
import {ScoredData} from './scored-data.js';

/** Options of `evaluateResults()`. */
export type EvaluateResultsOptions = {
  /** The ground truth. */
  data: Dataset;
  /** Path of a COCO results file. */
  results: string;
  /** Stops before the next image. `evaluateResults()` then rejects with the signal's reason. */
  signal?: AbortSignal;
};

/** The COCO scores of a results file. */
export type ResultsEvaluation = {
  bbox: CocoEvaluation;
  /**
   * Scores of the masks, without the images on which only the box of an object is known. Null if no image is left, or
   * unless every detection has a mask.
   */
  segm: CocoEvaluation | null;
};

const EVALUATE_RESULTS: Schema = {
  data: required(datasetRule),
  results: required(text),
  signal: instanceOf(AbortSignal),
};

/**
 * Computes the COCO scores of a results file, written by this package or any other. A data set that can report its
 * sizes and ground truth separately, such as `Coco`, is scored without reading its images. Throws INVALID_OPTION,
 * INVALID_DATASET, INVALID_RESULTS, errors of the data set, or the reason of an aborted signal.
 */
export async function evaluateResults(options: EvaluateResultsOptions): Promise<ResultsEvaluation> {
  checkOptions(options, EVALUATE_RESULTS, 'evaluateResults()');
  const {data, results, signal} = options;
  checkDataset(data);
  if (data.length === 0) throw new MaskRcnnError('INVALID_DATASET', 'Evaluation needs at least one image, got none.');
  const scored = new ScoredData(data);
  for (let index = 0; index < data.length; index++) {
    signal?.throwIfAborted();
    await scored.add(index, () => readSample(data, index, signal));
  }
  const {detected, hasMasks} = await readResults(results, data, (image) => scored.sizeOf(image));
  signal?.throwIfAborted();
  return {
    bbox: await scored.score(detected, 'box'),
    segm: hasMasks && scored.hasMasks ? await scored.score(detected, 'mask') : null,
  };
}
