import type {NativeOptimizerOptions, ParameterInfo} from '../binding.js';
import {augmentRule} from './augment/presets.js';
import {datasetRule} from './dataset-rule.js';
import {MaskRcnnError} from './errors.js';
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
} from './options-check.js';
import {defaultMilestones, defaultWarmupSteps, type ScheduleOptions} from './schedule.js';
import type {OptimizerOptions, ResolvedTrainOptions, TrainOptions} from './train-options.js';

const positive = number({above: 0});
const notNegative = number({min: 0});
const underOne = number({min: 0, below: 1});

/** An object with a `type`, whose other members are checked by a schema of their own. */
function typed(...types: string[]): Rule {
  return {
    expected: `an object with type ${types.map((type) => `'${type}'`).join(' or ')}`,
    accepts: (value) => typeof value === 'object' && value !== null && types.includes((value as {type: string}).type),
  };
}

const TRAIN: Schema = {
  data: required(datasetRule),
  validation: datasetRule,
  epochs: integer({min: 1}),
  batchSize: integer({min: 1}),
  optimizer: either(oneOf('sgd', 'adamw'), typed('sgd', 'adamw')),
  lr: positive,
  schedule: either(oneOf('constant', 'step', 'cosine'), typed('constant', 'step', 'cosine')),
  warmup: integer({min: 0}),
  clipNorm: either(positive, nothing),
  augment: augmentRule,
  seed: integer({min: 0}),
  output: text,
  evaluateEvery: integer({min: 1}),
  onStep: callback,
  onEpoch: callback,
  signal: instanceOf(AbortSignal),
  log: oneOf('auto', 'silent'),
};

const OPTIMIZERS: Record<OptimizerOptions['type'], Schema> = {
  sgd: {type: text, momentum: underOne, nesterov: bool, weightDecay: notNegative},
  adamw: {type: text, betas: listOf(underOne, {length: 2}), eps: positive, weightDecay: notNegative},
};

const SCHEDULES: Record<ScheduleOptions['type'], Schema> = {
  constant: {type: text},
  step: {type: text, milestones: listOf(notNegative), gamma: number({above: 0, max: 1})},
  cosine: {type: text, floor: number({min: 0, max: 1})},
};

/** Checks `options` and fills in the defaults. Throws INVALID_OPTION. */
export function resolveTrainOptions(options: TrainOptions): ResolvedTrainOptions {
  checkOptions(options, TRAIN, 'train()');
  const {epochs = 10, batchSize = 2, clipNorm = 10, augment = 'hflip', seed = 0, evaluateEvery = 1} = options;
  const stepsPerEpoch = Math.ceil(options.data.length / batchSize);
  const optimizer = resolveOptimizer(options.optimizer ?? 'sgd');
  return {
    epochs,
    batchSize,
    optimizer,
    lr: options.lr ?? (optimizer.type === 'sgd' ? 0.0025 * batchSize : 1e-4),
    schedule: resolveSchedule(options.schedule ?? 'step', epochs),
    warmup: options.warmup ?? defaultWarmupSteps(stepsPerEpoch),
    clipNorm,
    augment: typeof augment === 'string' ? augment : 'own',
    seed,
    evaluateEvery,
  };
}

function resolveOptimizer(given: 'sgd' | 'adamw' | OptimizerOptions): Required<OptimizerOptions> {
  const options: OptimizerOptions = typeof given === 'string' ? {type: given} : given;
  checkOptions(options, OPTIMIZERS[options.type], `train()'s optimizer '${options.type}'`);
  if (options.type === 'adamw') {
    const {betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01} = options;
    return {type: 'adamw', betas: [...betas], eps, weightDecay};
  }
  const {momentum = 0.9, nesterov = false, weightDecay = 0.0005} = options;
  if (nesterov && momentum === 0) {
    throw new MaskRcnnError('INVALID_OPTION', 'nesterov needs a momentum above 0, got 0.');
  }
  return {type: 'sgd', momentum, nesterov, weightDecay};
}

function resolveSchedule(given: NonNullable<TrainOptions['schedule']>, epochs: number): ScheduleOptions {
  const options: Exclude<TrainOptions['schedule'], string | undefined> =
    typeof given === 'string' ? {type: given} : given;
  checkOptions(options, SCHEDULES[options.type], `train()'s schedule '${options.type}'`);
  switch (options.type) {
    case 'constant':
      return {type: 'constant'};
    case 'step':
      return {
        type: 'step',
        milestones: [...(options.milestones ?? defaultMilestones(epochs))],
        gamma: options.gamma ?? 0.1,
      };
    case 'cosine':
      return {type: 'cosine', floor: options.floor ?? 0};
  }
}

/** The addon's optimiser for the trainable ones of `parameters`, all in one group. */
export function toNativeOptimizer(
  {weightDecay, ...optimizer}: Required<OptimizerOptions>,
  parameters: readonly ParameterInfo[],
): NativeOptimizerOptions {
  const names = parameters.filter(({trainable}) => trainable).map(({name}) => name);
  return {...optimizer, groups: [{parameters: names, lrMultiplier: 1, weightDecay}]};
}
