import test from 'ava';
import {resolveTrainOptions, toNativeOptimizer} from '../../lib/complete-train-options.js';
import {MaskRcnnError} from '../../lib/errors.js';
import type {TrainOptions} from '../../lib/train-options.js';

const data = {length: 9, classes: ['gland'], get: async () => ({}) as never};

test("nothing but data: torchvision's tutorial", (t) => {
  t.deepEqual(resolveTrainOptions({data}), {
    epochs: 10,
    batchSize: 2,
    optimizer: {type: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.0005},
    lr: 0.005,
    schedule: {type: 'step', milestones: [(16 / 26) * 10, (22 / 26) * 10], gamma: 0.1},
    warmup: 4,
    clipNorm: 10,
    augment: 'hflip',
    seed: 0,
    evaluateEvery: 1,
  });
});

test('the rate of SGD grows with the batch, that of AdamW does not', (t) => {
  t.is(resolveTrainOptions({data, batchSize: 8}).lr, 0.02);
  const adamw = resolveTrainOptions({data, batchSize: 8, optimizer: 'adamw'});
  t.is(adamw.lr, 1e-4);
  t.deepEqual(adamw.optimizer, {type: 'adamw', betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01});
});

test('objects refine optimizer and schedule', (t) => {
  const options = resolveTrainOptions({
    data,
    optimizer: {type: 'sgd', nesterov: true},
    schedule: {type: 'step', milestones: [3]},
    clipNorm: null,
    warmup: 0,
  });
  t.deepEqual(options.optimizer, {type: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0.0005});
  t.deepEqual(options.schedule, {type: 'step', milestones: [3], gamma: 0.1});
  t.is(options.clipNorm, null);
  t.is(options.warmup, 0);
  t.deepEqual(resolveTrainOptions({data, schedule: 'cosine'}).schedule, {type: 'cosine', floor: 0});
});

test('only trainable parameters are optimised', (t) => {
  const info = {shape: [1], dtype: 'float32' as const, kind: 'parameter' as const};
  const parameters = [
    {...info, name: 'a', trainable: true},
    {...info, name: 'b', trainable: false},
  ];
  t.deepEqual(toNativeOptimizer({type: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.1}, parameters), {
    type: 'sgd',
    momentum: 0.9,
    nesterov: false,
    groups: [{parameters: ['a'], lrMultiplier: 1, weightDecay: 0.1}],
  });
});

const faults: [options: Record<string, unknown>, message: string, hint?: string][] = [
  [{data: undefined}, "train() needs option 'data': a data set (length, classes, get)."],
  [{data: 'GlaS'}, "Option 'data' of train() must be a data set (length, classes, get), got 'GlaS'."],
  [{epoch: 3}, "train() has no option 'epoch'.", "Did you mean 'epochs'?"],
  [{epochs: 0}, "Option 'epochs' of train() must be a whole number at least 1, got 0."],
  [{lr: 0}, "Option 'lr' of train() must be a number above 0, got 0."],
  [
    {optimizer: 'adam'},
    "Option 'optimizer' of train() must be one of 'sgd', 'adamw', or an object with type 'sgd' or 'adamw', got 'adam'.",
    "Did you mean 'adamw'?",
  ],
  [
    {optimizer: {type: 'adamw', momentum: 0.9}},
    "train()'s optimizer 'adamw' has no option 'momentum'.",
    'Its options are type, betas, eps, weightDecay.',
  ],
  [{optimizer: {type: 'sgd', nesterov: true, momentum: 0}}, 'nesterov needs a momentum above 0, got 0.'],
  [
    {schedule: {type: 'cosine', floor: 2}},
    "Option 'floor' of train()'s schedule 'cosine' must be a number at least 0 and at most 1, got 2.",
  ],
  [{signal: {}}, "Option 'signal' of train() must be an instance of AbortSignal, got an object."],
];

for (const [options, message, hint] of faults) {
  test(`refused: ${JSON.stringify(options)}`, (t) => {
    const error = t.throws(() => resolveTrainOptions({data, ...options} as TrainOptions), {
      instanceOf: MaskRcnnError,
      code: 'INVALID_OPTION',
    });
    t.is(error.message.split('\n')[0], message);
    t.is(error.hint, hint);
  });
}
