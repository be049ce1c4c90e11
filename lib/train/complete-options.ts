import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions} from '../basics/schema.js';
import {BALANCE_THRESHOLD} from '../datasets/repeat-factors.js';
import {distributedOptions} from '../distributed/options.js';
import {EMA, OPTIMIZERS, SCHEDULES} from './check-options.js';
import type {OptimizerOptions, ResolvedTrainOptions, TrainOptions} from './options.js';
import {defaultMilestones, defaultWarmupSteps, type ResolvedSchedule, type ScheduleOptions} from './schedule.js';

/**
 * Fills in the defaults of `options`, which must have been checked, for a network with or without masks, and for a
 * number of processes that each batch is divided among. `syncBatchNorm` is that of a run that is resumed. Throws
 * INVALID_OPTION.
 */
export function completeTrainOptions(
  options: TrainOptions & {syncBatchNorm?: boolean},
  masks: 'instance' | 'none' = 'instance',
  processes = 1,
): ResolvedTrainOptions {
  const {data, epochs = 10, batchSize = 2, accumulate = 1, augment = 'hflip', ema = false, freeze = []} = options;
  const stepsPerEpoch = Math.ceil(data.length / (batchSize * processes) / accumulate);
  const optimizer = resolveOptimizer(options.optimizer ?? 'sgd');
  const schedule = resolveSchedule(options.schedule ?? 'multistep', epochs);
  const {validation, bestBy = validation === undefined ? 'loss' : masks === 'none' ? 'boxAp' : 'iou'} = options;
  if (validation === undefined && bestBy !== 'loss') {
    throw new MaskRcnnError('INVALID_OPTION', `Option 'bestBy' of train() as '${bestBy}' needs option 'validation'.`);
  }
  if (masks === 'none' && (bestBy === 'ap' || bestBy === 'ap50')) {
    const got = `got '${bestBy}', which is of masks`;
    throw new MaskRcnnError('INVALID_OPTION', `Option 'bestBy' of train() must fit a network without masks, ${got}.`, {
      hint: "Choose 'boxAp'.",
    });
  }
  return {
    epochs,
    batchSize,
    processes,
    syncBatchNorm: distributedOptions(options.distributed).syncBatchNorm ?? options.syncBatchNorm ?? false,
    accumulate,
    optimizer,
    lr: options.lr ?? (optimizer.type === 'sgd' ? SGD_RATE_PER_IMAGE * batchSize * accumulate * processes : 1e-4),
    backboneLrMultiplier: options.backboneLrMultiplier ?? 1,
    schedule,
    warmup: options.warmup ?? (schedule.type === 'one-cycle' ? 0 : defaultWarmupSteps(stepsPerEpoch)),
    clipNorm: options.clipNorm === undefined ? 10 : options.clipNorm,
    ema: resolveEma(ema),
    freeze: [freeze].flat(),
    augment: typeof augment === 'string' ? augment : 'own',
    groupByAspectRatio: options.groupByAspectRatio ?? false,
    balance: options.balance ?? 'none',
    balanceThreshold: options.balanceThreshold ?? BALANCE_THRESHOLD,
    unreadable: options.unreadable ?? 'error',
    prefetch: options.prefetch ?? 2,
    activationCheckpointing: options.activationCheckpointing ?? false,
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

/** From torchvision's tutorial, which uses 0.005 for batches of 2. */
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
