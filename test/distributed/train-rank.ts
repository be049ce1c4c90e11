// One process of a group that trains the tiny network. Prints what the run has come to as JSON.
import {
  type Dataset,
  MaskRcnnError,
  type ModelOptions,
  maskRcnn,
  type StepRecord,
  type TrainOptions,
  train,
} from '../../lib/index.js';
import {blobSample, blobs, fingerprints, tinyModel} from '../tiny.js';
import {weightsOf} from './weights.js';

/** What the argument of the program may set. */
export type RankRun = {
  model?: ModelOptions;
  images: number;
  validation?: number;
  options: Omit<TrainOptions, 'data' | 'validation'>;
  /** Images that cannot be read. */
  unreadable?: number[];
  /** By rank: what it does after which step; 'abortEvaluation': once it has read as many validation images. */
  faults?: Record<string, {step: number; kind: 'throw' | 'hang' | 'abort' | 'abortEvaluation'}>;
};

export type RankOutcome = {
  losses: Record<string, number>[];
  norms: number[];
  scores: unknown[];
  ending: string;
  /** Digest of all weights, to the bit. */
  digest: Record<string, string>;
  /** The values of those that are trained: see `weightsOf()`. */
  weights: Record<string, string>;
};

const {model: network, images, validation, unreadable, options, faults} = JSON.parse(process.argv[2]!) as RankRun;
const fault = faults?.[process.env.RANK!];
const controller = new AbortController();
const onStep = ({step}: StepRecord) => {
  process.stderr.write(`step ${step}\n`);
  if (fault === undefined || fault.kind === 'abortEvaluation' || step < fault.step) return;
  if (fault.kind === 'throw') throw new Error('the disk is on fire');
  if (fault.kind === 'abort') controller.abort(new Error('lunch'));
  while (fault.kind === 'hang');
};
const data: Dataset = {
  ...blobs(images),
  get: async (index) => {
    if (!unreadable?.includes(index)) return blobSample(index);
    throw new MaskRcnnError('INVALID_IMAGE', `blob_${index}.png is damaged.`);
  },
};
let read = 0;
const forEvaluation = (length: number): Dataset => ({
  ...blobs(length),
  get: async (index) => {
    if (fault?.kind === 'abortEvaluation' && ++read === fault.step) controller.abort(new Error('lunch'));
    return blobSample(index);
  },
});
await using model = await maskRcnn({...tinyModel, ...network});
const {history, ending} = await train(model, {
  data,
  ...(validation !== undefined && {validation: forEvaluation(validation)}),
  log: 'silent',
  signal: controller.signal,
  onStep,
  ...options,
});
const dict = await model.stateDict();
const outcome: RankOutcome = {
  losses: history.steps.map(({losses}) => losses),
  norms: history.steps.map(({gradientNorm}) => gradientNorm),
  scores: history.epochs.map(({validation}) => validation),
  ending,
  digest: Object.fromEntries(fingerprints(dict)),
  weights: weightsOf(dict, [options.freeze ?? []].flat()),
};
process.stdout.write(JSON.stringify(outcome));
