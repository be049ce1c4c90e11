import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {checkTrainOptions} from '../../lib/train/check-options.js';
import {completeTrainOptions} from '../../lib/train/complete-options.js';
import type {TrainOptions} from '../../lib/train/options.js';

const data = {length: 9, classes: ['gland'], get: async () => ({}) as never};

test("nothing but data: torchvision's tutorial", (t) => {
  t.deepEqual(completeTrainOptions({data}), {
    epochs: 10,
    batchSize: 2,
    processes: 1,
    syncBatchNorm: false,
    accumulate: 1,
    optimizer: {type: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.0005, normWeightDecay: 0.0005},
    lr: 0.005,
    backboneLrMultiplier: 1,
    schedule: {type: 'multistep', milestones: [(16 / 26) * 10, (22 / 26) * 10], gamma: 0.1},
    warmup: 4,
    clipNorm: 10,
    ema: false,
    freeze: [],
    augment: 'hflip',
    groupByAspectRatio: false,
    balance: 'none',
    balanceThreshold: 0.001,
    unreadable: 'error',
    prefetch: 2,
    activationCheckpointing: false,
    skipNonFinite: 0,
    seed: 0,
    evaluateEvery: 1,
    scoreThreshold: 0.5,
    bestBy: 'loss',
    patience: null,
    limitHours: null,
    saveEvery: null,
    saveEveryMinutes: 10,
  });
});

test('the rate of SGD grows with the batch, that of AdamW does not', (t) => {
  t.is(completeTrainOptions({data, batchSize: 8}).lr, 0.02);
  t.is(completeTrainOptions({data, batchSize: 2, accumulate: 4}).lr, 0.02);
  const adamw = completeTrainOptions({data, batchSize: 8, optimizer: 'adamw'});
  t.is(adamw.lr, 1e-4);
  t.deepEqual(adamw.optimizer, {
    type: 'adamw',
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0.01,
    normWeightDecay: 0.01,
  });
});

test('objects refine optimizer and schedule', (t) => {
  const options = completeTrainOptions({
    data,
    optimizer: {type: 'sgd', nesterov: true},
    schedule: {type: 'multistep', milestones: [3]},
    clipNorm: null,
    warmup: 0,
  });
  t.deepEqual(options.optimizer, {
    type: 'sgd',
    momentum: 0.9,
    nesterov: true,
    weightDecay: 0.0005,
    normWeightDecay: 0.0005,
  });
  t.deepEqual(options.schedule, {type: 'multistep', milestones: [3], gamma: 0.1});
  t.is(options.clipNorm, null);
  t.is(options.warmup, 0);
  t.deepEqual(completeTrainOptions({data, schedule: 'cosine'}).schedule, {type: 'cosine', floor: 0});
  t.deepEqual(completeTrainOptions({data, schedule: 'step', epochs: 6}).schedule, {type: 'step', every: 2, gamma: 0.1});
  const cycle = completeTrainOptions({data, schedule: {type: 'one-cycle', rise: 0.2}});
  t.deepEqual(cycle.schedule, {type: 'one-cycle', rise: 0.2, start: 0.04, floor: 4e-6});
  t.is(cycle.warmup, 0);
});

test('warm-up is counted in steps, not in batches', (t) => {
  t.is(completeTrainOptions({data, batchSize: 1}).warmup, 8);
  t.is(completeTrainOptions({data, batchSize: 1, accumulate: 2}).warmup, 4);
});

test('the best is chosen by pixel IoU where there is a validation', (t) => {
  t.is(completeTrainOptions({data, validation: data}).bestBy, 'iou');
  t.is(completeTrainOptions({data, validation: data, bestBy: 'objectF1'}).bestBy, 'objectF1');
});

test('short forms', (t) => {
  t.deepEqual(completeTrainOptions({data, ema: true}).ema, {decay: 0.998});
  t.deepEqual(completeTrainOptions({data, ema: {decay: 0.9}}).ema, {decay: 0.9});
  t.deepEqual(completeTrainOptions({data, freeze: 'backbone'}).freeze, ['backbone']);
  t.is(completeTrainOptions({data, augment: [(sample) => sample]}).augment, 'own');
});

const faults: [options: Record<string, unknown>, message: string, hint?: string][] = [
  [{data: undefined}, "train() needs option 'data': a data set (length, classes, get)."],
  [{data: 'GlaS'}, "Option 'data' of train() must be a data set (length, classes, get), got 'GlaS'."],
  [{epoch: 3}, "train() has no option 'epoch'.", "Did you mean 'epochs'?"],
  [{epochs: 0}, "Option 'epochs' of train() must be an integer >= 1, got 0."],
  [{lr: 0}, "Option 'lr' of train() must be a number > 0, got 0."],
  [
    {optimizer: 'adam'},
    "Option 'optimizer' of train() must be one of 'sgd', 'adamw', or an object with type 'sgd' or 'adamw', got 'adam'.",
    "Did you mean 'adamw'?",
  ],
  [
    {optimizer: {type: 'adamw', momentum: 0.9}},
    "train()'s optimizer 'adamw' has no option 'momentum'.",
    'Its options are type, betas, eps, weightDecay, normWeightDecay.',
  ],
  [{optimizer: {type: 'sgd', nesterov: true, momentum: 0}}, 'nesterov needs a momentum above 0, got 0.'],
  [
    {schedule: {type: 'cosine', floor: 2}},
    "Option 'floor' of train()'s schedule 'cosine' must be a number >= 0 and <= 1, got 2.",
  ],
  [
    {schedule: {type: 'step', milestones: [1]}},
    "train()'s schedule 'step' has no option 'milestones'.",
    'Its options are type, every, gamma.',
  ],
  [{ema: {decay: 1}}, "Option 'decay' of train()'s ema must be a number >= 0 and < 1, got 1."],
  [{ema: {decai: 0.9}}, "train()'s ema has no option 'decai'.", "Did you mean 'decay'?"],
  [
    {bestBy: 'f2'},
    "Option 'bestBy' of train() must be one of 'ap', 'ap50', 'boxAp', 'iou', 'f1', 'objectF1', 'objectDice', 'loss', got 'f2'.",
    "Did you mean 'f1'?",
  ],
  [{bestBy: 'f1'}, "Option 'bestBy' of train() as 'f1' needs option 'validation'."],
  [{resume: true}, "Option 'resume' of train() needs option 'output': the run's folder."],
  [{resume: 'yes'}, "Option 'resume' of train() must be true or false, or one of 'auto', got 'yes'."],
  [{accumulate: 0}, "Option 'accumulate' of train() must be an integer >= 1, got 0."],
  [{limitHours: 0}, "Option 'limitHours' of train() must be a number > 0, or null, got 0."],
  [{signal: {}}, "Option 'signal' of train() must be an instance of AbortSignal, got an object."],
];

for (const [options, message, hint] of faults) {
  test(`refused: ${JSON.stringify(options)}`, (t) => {
    const given = {data, ...options} as TrainOptions;
    const resolve = () => {
      checkTrainOptions(given);
      completeTrainOptions(given);
    };
    const error = t.throws(resolve, {
      instanceOf: MaskRcnnError,
      code: 'INVALID_OPTION',
    });
    t.is(error.message.split('\n')[0], message);
    t.is(error.hint, hint);
  });
}
