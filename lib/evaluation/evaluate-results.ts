import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, instanceOf, required, type Schema, text} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {datasetRule} from '../datasets/dataset.js';
import type {CocoEvaluation} from './coco-scores.js';
import {readResults} from './results-file.js';
import {ScoredData} from './scored-data.js';

/** What `evaluateResults()` takes. */
export type EvaluateResultsOptions = {
  /** What was to be found. */
  data: Dataset;
  /** A results file of COCO's form. */
  results: string;
  /** Ends the work before the next image; `evaluateResults()` rejects with the signal's reason. */
  signal?: AbortSignal;
};

/** COCO's scores of a results file. */
export type ResultsEvaluation = {
  bbox: CocoEvaluation;
  /** By masks; null where not every detection has one. */
  segm: CocoEvaluation | null;
};

const EVALUATE_RESULTS: Schema = {
  data: required(datasetRule),
  results: required(text),
  signal: instanceOf(AbortSignal),
};

/**
 * COCO's scores of a results file, of this package or any other. Images are not read where the data set knows its sizes and
 * truth without (`Coco` does). Throws INVALID_OPTION, INVALID_DATASET, INVALID_RESULTS, what the data set throws, or the
 * reason of an aborted signal.
 */
export async function evaluateResults(options: EvaluateResultsOptions): Promise<ResultsEvaluation> {
  checkOptions(options, EVALUATE_RESULTS, 'evaluateResults()');
  const {data, results, signal} = options;
  if (data.length === 0) throw new MaskRcnnError('INVALID_DATASET', 'Evaluation needs at least one image, got none.');
  const scored = new ScoredData(data);
  for (let index = 0; index < data.length; index++) {
    signal?.throwIfAborted();
    await scored.add(index, () => data.get(index));
  }
  const {detected, hasMasks} = await readResults(results, data, (image) => scored.sizeOf(image));
  signal?.throwIfAborted();
  return {
    bbox: await scored.score(detected, 'box'),
    segm: hasMasks ? await scored.score(detected, 'mask') : null,
  };
}
