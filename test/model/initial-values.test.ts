import test from 'ava';
import {maskRcnn, type StateDict} from '../../lib/index.js';
import {wideModel} from '../tiny.js';

type Layer = {values: Float32Array; shape: readonly number[]};

function layer(dict: StateDict, name: string): Layer {
  const {data, shape} = dict.get(name)!;
  return {values: new Float32Array(Uint8Array.from(data).buffer), shape};
}

/** Numbers that go into one output, and out of one input: [K, C, ...] -> C and K times the size of the kernel. */
function fans({shape: [out, into, ...kernel]}: Layer): {in: number; out: number} {
  const size = kernel.reduce((product, side) => product * side, 1);
  return {in: into! * size, out: out! * size};
}

function deviation({values}: Layer): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** The formulas of torchvision's builders and of torch.nn's layers (torch/nn/init.py). */
const DEVIATIONS: Readonly<Record<string, (layer: Layer) => number>> = {
  'backbone.body.conv1.weight': (one) => Math.sqrt(2 / fans(one).out),
  'backbone.body.layer2.0.downsample.0.weight': (one) => Math.sqrt(2 / fans(one).out),
  'backbone.fpn.inner_blocks.0.0.weight': (one) => 1 / Math.sqrt(fans(one).in),
  'backbone.fpn.layer_blocks.3.0.weight': (one) => 1 / Math.sqrt(fans(one).in),
  'rpn.head.conv.0.0.weight': () => 0.01,
  'rpn.head.bbox_pred.weight': () => 0.01,
  'roi_heads.box_head.fc6.weight': (one) => 1 / Math.sqrt(3 * fans(one).in),
  'roi_heads.box_predictor.bbox_pred.weight': (one) => 1 / Math.sqrt(3 * fans(one).in),
  'roi_heads.mask_head.0.0.weight': (one) => Math.sqrt(2 / fans(one).out),
  'roi_heads.mask_predictor.conv5_mask.weight': (one) => Math.sqrt(2 / fans(one).out),
};

test('initial values have the spread of torchvision’s', async (t) => {
  await using model = await maskRcnn(wideModel);
  const dict = await model.stateDict();
  for (const [name, expected] of Object.entries(DEVIATIONS)) {
    const one = layer(dict, name);
    const ratio = deviation(one) / expected(one);
    // The standard error of the deviation of n numbers is below 1 / sqrt(2 n).
    const tolerance = 5 / Math.sqrt(2 * one.values.length);
    t.true(Math.abs(ratio - 1) < tolerance, `${name}: ${ratio}, ${tolerance}`);
  }
});

test('uniform values fill their range, biases are zero or in the range of their weights, norms are 1 and 0', async (t) => {
  await using model = await maskRcnn({...wideModel, backboneNorm: 'batch'});
  const dict = await model.stateDict();
  const most = (name: string) => layer(dict, name).values.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  const bound = 1 / Math.sqrt(fans(layer(dict, 'roi_heads.box_head.fc6.weight')).in);
  t.true(most('roi_heads.box_head.fc6.weight') <= bound && most('roi_heads.box_head.fc6.weight') > 0.999 * bound);
  t.true(most('roi_heads.box_head.fc6.bias') <= bound && most('roi_heads.box_head.fc6.bias') > 0.95 * bound);
  for (const zero of ['backbone.fpn.inner_blocks.0.0', 'rpn.head.cls_logits', 'roi_heads.mask_head.1.0']) {
    t.is(most(`${zero}.bias`), 0, zero);
  }
  for (const name of ['weight', 'running_var'])
    t.true(layer(dict, `backbone.body.bn1.${name}`).values.every((v) => v === 1));
  for (const name of ['bias', 'running_mean'])
    t.true(layer(dict, `backbone.body.bn1.${name}`).values.every((v) => v === 0));
});
