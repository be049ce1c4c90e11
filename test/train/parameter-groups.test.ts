import test from 'ava';
import type {ParameterInfo} from '../../binding.js';
import {toNativeOptimizer, trainedNames} from '../../lib/train/parameter-groups.js';

function parameter(name: string, shape: number[], rest: Partial<ParameterInfo> = {}): ParameterInfo {
  return {name, shape, dtype: 'float32', kind: 'parameter', trainable: true, ...rest};
}

const parameters = [
  parameter('backbone.body.conv1.weight', [8, 3, 3, 3], {trainable: false}),
  parameter('backbone.body.layer1.conv.weight', [8, 8, 3, 3]),
  parameter('backbone.body.layer1.bn.weight', [8]),
  parameter('backbone.body.layer1.bn.running_mean', [8], {kind: 'buffer', trainable: false}),
  parameter('backbone.fpn.inner.weight', [8, 8, 1, 1]),
  parameter('rpn.head.conv.weight', [8, 8, 3, 3]),
  parameter('rpn.head.conv.bias', [8]),
];

const optimizer = {type: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.1, normWeightDecay: 0.1} as const;

test('only trainable parameters are optimised, in one group where nothing tells them apart', (t) => {
  t.deepEqual(toNativeOptimizer({optimizer, backboneLrMultiplier: 1}, parameters), {
    type: 'sgd',
    momentum: 0.9,
    nesterov: false,
    groups: [
      {
        parameters: [
          'backbone.body.layer1.conv.weight',
          'backbone.body.layer1.bn.weight',
          'backbone.fpn.inner.weight',
          'rpn.head.conv.weight',
          'rpn.head.conv.bias',
        ],
        lrMultiplier: 1,
        weightDecay: 0.1,
      },
    ],
  });
});

test('the body has a rate, norms and biases have a weight decay of their own', (t) => {
  const options = {optimizer: {...optimizer, normWeightDecay: 0}, backboneLrMultiplier: 0.1};
  t.deepEqual(toNativeOptimizer(options, parameters).groups, [
    {parameters: ['backbone.body.layer1.conv.weight'], lrMultiplier: 0.1, weightDecay: 0.1},
    {parameters: ['backbone.body.layer1.bn.weight'], lrMultiplier: 0.1, weightDecay: 0},
    {parameters: ['backbone.fpn.inner.weight', 'rpn.head.conv.weight'], lrMultiplier: 1, weightDecay: 0.1},
    {parameters: ['rpn.head.conv.bias'], lrMultiplier: 1, weightDecay: 0},
  ]);
});

test('names and their beginnings up to a dot are frozen', (t) => {
  t.deepEqual(trainedNames(parameters, ['backbone', 'rpn.head.conv.bias']), ['rpn.head.conv.weight']);
  t.deepEqual(trainedNames(parameters, ['backbone.', 'rpn.head.conv.weight']), ['rpn.head.conv.bias']);
  t.is(trainedNames(parameters, []).length, 5);
});

test('what names nothing, and what leaves nothing, is refused', (t) => {
  const unknown = t.throws(() => trainedNames(parameters, ['backbone.bdy']), {code: 'INVALID_OPTION'});
  t.is(
    unknown!.message,
    "Option 'freeze' of train() must name parameters of the model, got 'backbone.bdy'.\nDid you mean 'backbone.body'?",
  );
  const part = t.throws(() => trainedNames(parameters, ['rpn.he']), {code: 'INVALID_OPTION'});
  t.regex(part!.message, /got 'rpn\.he'/);
  const all = t.throws(() => trainedNames(parameters, ['backbone', 'rpn']), {code: 'INVALID_OPTION'});
  t.is(all!.message, "Option 'freeze' of train() must leave parameters to train, got all of them.");
});
