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
  oneOf,
  type Rule,
  required,
  type Schema,
  text,
} from '../basics/schema.js';
import {datasetRule} from '../datasets/dataset-rule.js';
import {BEST_BY} from '../run/best.js';
import type {OptimizerOptions, ResolvedTrainOptions, TrainOptions} from './options.js';
import {defaultMilestones, defaultWarmupSteps, type ResolvedSchedule, type ScheduleOptions} from './schedule.js';

const positive = number({above: 0});
const notNegative = number({min: 0});
const underOne = number({min: 0, below: 1});
const share = number({min: 0, max: 1});
const count = integer({min: 1});

/** An object with a `type`, whose other members are checked by a schema of their own. */
function typed(...types: string[]): Rule {
  return {
    expected: `an object with type ${types.map((type) => `'${type}'`).join(' or ')}`,
    accepts: (value) => typeof value === 'object' && value !== null && types.includes((value as {type: string}).type),
  };
}

const object: Rule = {
  expected: 'an object',
  accepts: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

const OPTIMIZERS: Record<OptimizerOptions['type'], Schema> = {
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

const SCHEDULES: Record<ScheduleOptions['type'], Schema> = {
  constant: {type: text},
  step: {type: text, every: positive, gamma},
  multistep: {type: text, milestones: listOf(notNegative), gamma},
  cosine: {type: text, floor: share},
  'one-cycle': {type: text, rise: number({above: 0, below: 1}), start: number({above: 0, max: 1}), floor: share},
};

const EMA: Schema = {decay: underOne};

const [optimizers, schedules] = [Object.keys(OPTIMIZERS), Object.keys(SCHEDULES)];

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
  unreadable: oneOf('error', 'skip'),
  prefetch: integer({min: 0}),
  skipNonFinite: integer({min: 0}),
  seed: integer({min: 0}),
  output: text,
  resume: either(bool, oneOf('auto')),
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
  log: oneOf('auto', 'silent'),
};

/** Checks `options` for what is wrong with each by itself. Throws INVALID_OPTION. */
export function checkTrainOptions(options: TrainOptions): void {
  checkOptions(options, TRAIN_OPTIONS, 'train()');
  if (options.resume && options.output === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', "Option 'resume' of train() needs option 'output': the run's folder.");
  }
}

/** Fills in the defaults of checked `options`. Throws INVALID_OPTION. */
export function resolveTrainOptions(options: TrainOptions): ResolvedTrainOptions {
  const {data, epochs = 10, batchSize = 2, accumulate = 1, augment = 'hflip', ema = false, freeze = []} = options;
  const stepsPerEpoch = Math.ceil(data.length / batchSize / accumulate);
  const optimizer = resolveOptimizer(options.optimizer ?? 'sgd');
  const schedule = resolveSchedule(options.schedule ?? 'multistep', epochs);
  const {validation, bestBy = validation === undefined ? 'loss' : 'iou'} = options;
  if (validation === undefined && bestBy !== 'loss') {
    throw new MaskRcnnError('INVALID_OPTION', `Option 'bestBy' of train() as '${bestBy}' needs option 'validation'.`);
  }
  return {
    epochs,
    batchSize,
    accumulate,
    optimizer,
    lr: options.lr ?? (optimizer.type === 'sgd' ? SGD_RATE_PER_IMAGE * batchSize * accumulate : 1e-4),
    backboneLrMultiplier: options.backboneLrMultiplier ?? 1,
    schedule,
    warmup: options.warmup ?? (schedule.type === 'one-cycle' ? 0 : defaultWarmupSteps(stepsPerEpoch)),
    clipNorm: options.clipNorm === undefined ? 10 : options.clipNorm,
    ema: resolveEma(ema),
    freeze: [freeze].flat(),
    augment: typeof augment === 'string' ? augment : 'own',
    groupByAspectRatio: options.groupByAspectRatio ?? false,
    unreadable: options.unreadable ?? 'error',
    prefetch: options.prefetch ?? 2,
    skipNonFinite: options.skipNonFinite ?? 0,
    seed: options.seed ?? 0,
    evaluateEvery: options.evaluateEvery ?? 1,
    scoreThreshold: options.scoreThreshold ?? 0.5,
    bestBy,
    patience: options.patience ?? null,
    limitHours: options.limitHours ?? null,
    saveEvery: options.saveEvery ?? null,
    saveEveryMinutes: options.saveEveryMinutes === undefined ? 10 : options.saveEveryMinutes,
  };
}

/** torchvision's tutorial: 0.005 for batches of 2. */
export const SGD_RATE_PER_IMAGE = 0.0025;

function resolveOptimizer(given: OptimizerOptions['type'] | OptimizerOptions): Required<OptimizerOptions> {
  const options: OptimizerOptions = typeof given === 'string' ? {type: given} : given;
  checkOptions(options, OPTIMIZERS[options.type], `train()'s optimizer '${options.type}'`);
  if (options.type === 'adamw') {
    const {betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01, normWeightDecay = weightDecay} = options;
    return {type: 'adamw', betas: [...betas], eps, weightDecay, normWeightDecay};
  }
  const {momentum = 0.9, nesterov = false, weightDecay = 0.0005, normWeightDecay = weightDecay} = options;
  if (nesterov && momentum === 0) {
    throw new MaskRcnnError('INVALID_OPTION', 'nesterov needs a momentum above 0, got 0.');
  }
  return {type: 'sgd', momentum, nesterov, weightDecay, normWeightDecay};
}

function resolveSchedule(given: ScheduleOptions['type'] | ScheduleOptions, epochs: number): ResolvedSchedule {
  const options = typeof given === 'string' ? ({type: given} as ScheduleOptions) : given;
  checkOptions(options, SCHEDULES[options.type], `train()'s schedule '${options.type}'`);
  switch (options.type) {
    case 'constant':
      return {type: 'constant'};
    case 'step':
      return {type: 'step', every: options.every ?? epochs / 3, gamma: options.gamma ?? 0.1};
    case 'multistep': {
      const {milestones = defaultMilestones(epochs), gamma = 0.1} = options;
      return {type: 'multistep', milestones: [...milestones], gamma};
    }
    case 'cosine':
      return {type: 'cosine', floor: options.floor ?? 0};
    case 'one-cycle': {
      const {rise = 0.3, start = 1 / 25, floor = 4e-6} = options;
      return {type: 'one-cycle', rise, start, floor};
    }
  }
}

function resolveEma(given: boolean | {decay?: number}): ResolvedTrainOptions['ema'] {
  if (given === false) return false;
  const {decay = 0.998} = given === true ? {} : given;
  checkOptions({decay}, EMA, "train()'s ema");
  if (given !== true) checkOptions(given, EMA, "train()'s ema");
  return {decay};
}
