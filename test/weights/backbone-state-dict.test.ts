import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import type {ParameterInfo} from '../../binding.js';
import {toBackboneStateDict} from '../../lib/weights/backbone-state-dict.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {zeros} from './files.js';

function parametersOf(shapes: Record<string, number[]>): ParameterInfo[] {
  return Object.entries(shapes).map(([name, shape]) => ({
    name,
    shape,
    dtype: 'float32',
    trainable: true,
    kind: 'parameter',
  }));
}

const resnet = parametersOf({
  'backbone.body.conv1.weight': [4],
  'backbone.body.bn1.running_mean': [1],
  'backbone.body.layer1.0.conv1.weight': [2],
  'backbone.fpn.inner_blocks.0.0.weight': [3],
});

test('a ResNet classifier loses its last layer, unused stages and counters of frozen norm', (t) => {
  const dict = zeros({
    'conv1.weight': [4],
    'bn1.running_mean': [1],
    'bn1.num_batches_tracked': [],
    'layer1.0.conv1.weight': [2],
    'layer4.0.conv1.weight': [9],
    'fc.weight': [5],
  });
  const {tensors, ignored} = toBackboneStateDict(dict, {backbone: 'resnet18', parameters: resnet});
  t.deepEqual(
    tensors,
    zeros({
      'backbone.body.conv1.weight': [4],
      'backbone.body.bn1.running_mean': [1],
      'backbone.body.layer1.0.conv1.weight': [2],
    }),
  );
  t.deepEqual(ignored, ['layer4.0.conv1.weight', 'fc.weight', 'bn1.num_batches_tracked']);
});

test('anything else is a mismatch that names the classifier expected', (t) => {
  const dict = zeros({'conv1.weight': [5], 'layer1.0.conv1.weight': [2], 'layer1.0.conv9.weight': [2]});
  t.throws(() => toBackboneStateDict(dict, {backbone: 'resnet18', parameters: resnet, source: 'r18.pth'}), {
    code: 'STATE_DICT_MISMATCH',
    message:
      "r18.pth does not have the model's 3 tensors: 1 missing (backbone.body.bn1.running_mean); " +
      '1 unexpected (backbone.body.layer1.0.conv9.weight); ' +
      '1 of another shape (backbone.body.conv1.weight is [5] where the model has [4]).\n' +
      'Expected the state dict of torchvision.models.resnet18.',
  });
  const mobilenet = zeros({'features.0.0.weight': [4]});
  t.throws(() => toBackboneStateDict(mobilenet, {backbone: 'resnet18', parameters: resnet}), {
    code: 'STATE_DICT_MISMATCH',
    message: /1 unexpected \(backbone\.body\.features\.0\.0\.weight\)/,
  });
});

test('a MobileNet classifier: features become the body', (t) => {
  const parameters = parametersOf({'backbone.body.0.0.weight': [4], 'backbone.body.1.conv.0.0.weight': [2]});
  const dict = zeros({
    'features.0.0.weight': [4],
    'features.1.conv.0.0.weight': [2],
    'features.18.0.weight': [1],
    'classifier.1.weight': [5],
  });
  const {tensors, ignored} = toBackboneStateDict(dict, {backbone: 'mobilenet_v2', parameters});
  t.deepEqual([...tensors.keys()], ['backbone.body.0.0.weight', 'backbone.body.1.conv.0.0.weight']);
  t.deepEqual(ignored, ['features.18.0.weight', 'classifier.1.weight']);
  t.throws(() => toBackboneStateDict(zeros({'conv1.weight': [4]}), {backbone: 'mobilenet_v2', parameters}), {
    code: 'STATE_DICT_MISMATCH',
    message: /2 missing \(backbone\.body\.0\.0\.weight, .*; 1 unexpected \(conv1\.weight\)/,
  });
});

test('a detector in place of a backbone is told as that', (t) => {
  const parameters = parametersOf({'backbone.body.conv1.weight': [4]});
  const dict = zeros({'backbone.body.conv1.weight': [4], 'rpn.head.conv.weight': [1]});
  t.throws(() => toBackboneStateDict(dict, {backbone: 'resnet18', parameters}), {
    code: 'STATE_DICT_MISMATCH',
    message: /\nIt holds a whole detector: give it as `weights` instead\.$/,
  });
});

test('a real MobileNetV2: 260 tensors of the body, with folded batch norm', async (t) => {
  const file = fileURLToPath(new URL('../../../shared/weights/mobilenet_v2-imagenet.safetensors', import.meta.url));
  if (!existsSync(file)) {
    t.log('skipped: the shared weights are not beside this checkout');
    t.pass();
    return;
  }
  const {tensors: dict} = await readWeights(file);
  t.is(dict.size, 314);
  const names = [...dict.keys()].filter(
    (name) => name.startsWith('features.') && !name.endsWith('num_batches_tracked'),
  );
  const body = names.map((name) => [name.replace('features.', 'backbone.body.'), dict.get(name)!.shape] as const);
  const {tensors, ignored} = toBackboneStateDict(dict, {
    backbone: 'mobilenet_v2',
    parameters: parametersOf(Object.fromEntries(body)),
  });
  t.is(tensors.size, 260);
  t.is(ignored.length, 54);
  const variance = tensors.get('backbone.body.0.1.running_var')!;
  t.deepEqual(new Set(new Float32Array(variance.data.buffer)), new Set([1]));
});
