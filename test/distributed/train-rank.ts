// One process of a group that trains the tiny network. Prints what the run has come to as JSON.
import {type ModelOptions, maskRcnn, type TrainOptions, train} from '../../lib/index.js';
import {blobs, fingerprints, tinyModel} from '../tiny.js';
import {weightsOf} from './weights.js';

/** What the argument of the program may set. */
export type RankRun = {
  model?: ModelOptions;
  images: number;
  validation?: number;
  options: Omit<TrainOptions, 'data'>;
};

export type RankOutcome = {
  losses: Record<string, number>[];
  norms: number[];
  scores: unknown[];
  ending: string;
  /** Digest of all weights, to the bit. */
  digest: Record<string, string>;
  /** The weights that differ most are compared by values: every parameter, as base64 of float32. */
  weights: Record<string, string>;
};

const {model: network, images, validation, options} = JSON.parse(process.argv[2]!) as RankRun;
await using model = await maskRcnn({...tinyModel, ...network});
const {history, ending} = await train(model, {
  data: blobs(images),
  ...(validation !== undefined && {validation: blobs(validation)}),
  log: 'silent',
  ...options,
});
const dict = await model.stateDict();
const outcome: RankOutcome = {
  losses: history.steps.map(({losses}) => losses),
  norms: history.steps.map(({gradientNorm}) => gradientNorm),
  scores: history.epochs.map(({validation}) => validation),
  ending,
  digest: Object.fromEntries(fingerprints(dict)),
  weights: weightsOf(dict),
};
process.stdout.write(JSON.stringify(outcome));
