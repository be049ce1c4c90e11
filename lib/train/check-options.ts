import {augmentRule} from '../augment/presets.js';
import {MaskRcnnError} from '../basics/errors.js';
import {
  bool,
  callback,
  checkOptions,
  either,
  instanceOf,
  integer,
  listOf,
  nothing,
  number,
  object,
  oneOf,
  type Rule,
  required,
  type Schema,
  text,
} from '../basics/schema.js';
import {datasetRule} from '../datasets/dataset.js';
import {distributedOptions, distributedRule} from '../distributed/options.js';
import type {MaskRcnn} from '../model/model.js';
import {BEST_BY} from '../run/best.js';
import type {OptimizerOptions, TrainOptions} from './options.js';
import type {ScheduleOptions} from './schedule.js';

const positive = number({above: 0});
const notNegative = number({min: 0});
const underOne = number({min: 0, below: 1});
const share = number({min: 0, max: 1});
const count = integer({min: 1});

/** An object with a `type`. A separate schema checks its other members. */
function typed(...types: string[]): Rule {
  return {
    expected: `an object with type ${types.map((type) => `'${type}'`).join(' or ')}`,
    accepts: (value) => typeof value === 'object' && value !== null && types.includes((value as {type: string}).type),
  };
}

/** The members of each optimizer, by its `type`. */
export const OPTIMIZERS: Record<OptimizerOptions['type'], Schema> = {
  sgd: {type: text, momentum: underOne, nesterov: bool, weightDecay: notNegative, normWeightDecay: notNegative},
  adamw: {
    type: text,
    betas: listOf(underOne, {length: 2}),
    eps: positive,
    weightDecay: notNegative,
    normWeightDecay: notNegative,
  },
};

const gamma = number({above: 0, max: 1});

/** The members of each schedule, by its `type`. */
export const SCHEDULES: Record<ScheduleOptions['type'], Schema> = {
  constant: {type: text},
  step: {type: text, every: positive, gamma},
  multistep: {type: text, milestones: listOf(notNegative), gamma},
  cosine: {type: text, floor: share},
  'one-cycle': {type: text, rise: number({above: 0, below: 1}), start: number({above: 0, max: 1}), floor: share},
};

export const EMA: Schema = {decay: underOne};

const [optimizers, schedules] = [Object.keys(OPTIMIZERS), Object.keys(SCHEDULES)];

/** The values that each option of `train()` accepts. */
export const TRAIN_OPTIONS: Schema = {
  data: required(datasetRule),
  validation: datasetRule,
  epochs: count,
  batchSize: count,
  accumulate: count,
  optimizer: either(oneOf(...optimizers), typed(...optimizers)),
  lr: positive,
  backboneLrMultiplier: notNegative,
  schedule: either(oneOf(...schedules), typed(...schedules)),
  warmup: integer({min: 0}),
  clipNorm: either(positive, nothing),
  ema: either(bool, object),
  freeze: either(text, listOf(text)),
  augment: augmentRule,
  groupByAspectRatio: either(bool, count),
  balance: oneOf('none', 'repeat-factor'),
  balanceThreshold: number({above: 0, max: 1}),
  unreadable: oneOf('error', 'skip'),
  prefetch: integer({min: 0}),
  activationCheckpointing: bool,
  skipNonFinite: integer({min: 0}),
  seed: integer({min: 0}),
  output: text,
  resume: either(bool, oneOf('auto')),
  allowChanges: bool,
  evaluateEvery: count,
  scoreThreshold: share,
  bestBy: oneOf(...Object.keys(BEST_BY), 'loss'),
  patience: either(count, nothing),
  limitHours: either(positive, nothing),
  saveEvery: either(count, nothing),
  saveEveryMinutes: either(positive, nothing),
  onStep: callback,
  onEpoch: callback,
  signal: instanceOf(AbortSignal),
  distributed: distributedRule,
  log: oneOf('auto', 'silent'),
};

/** Checks each option on its own. Throws INVALID_OPTION. */
export function checkTrainOptions(options: TrainOptions): void {
  checkOptions(options, TRAIN_OPTIONS, 'train()');
  if (options.resume && options.output === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', "Option 'resume' of train() needs option 'output': the run's folder.");
  }
}

/** Throws INVALID_OPTION if norms are to normalize by the images of all processes, and there are none that can. */
export function checkSyncBatchNorm(
  {options}: Pick<MaskRcnn, 'options'>,
  {distributed}: Pick<TrainOptions, 'distributed'>,
): void {
  if (!distributedOptions(distributed).syncBatchNorm) return;
  if (options.backboneNorm === 'batch' || options.version === 2) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    "Option 'syncBatchNorm' of train()'s distributed needs a network with batch norms that are trained, and those of " +
      'this one are frozen.',
    {hint: "Leave it out: frozen norms are the same in all processes. Or make the model with backboneNorm: 'batch'."},
  );
}
