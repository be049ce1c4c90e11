import test from 'ava';
import {adaptPredictors} from '../../lib/weights/adapt-predictors.js';
import {toFloat32} from '../../lib/weights/float-tensor.js';
import {type StateDict, toStateDict} from '../../lib/weights/state-dict.js';
import {floats, values} from './files.js';

/** Predictors with `classes` outputs over two features. The values identify the tensor, row and column. */
function predictors(classes: number, base: number): StateDict {
  const numbers = (count: number, start: number) => Array.from({length: count}, (_, i) => base + start + i);
  const box = 'roi_heads.box_predictor';
  const mask = 'roi_heads.mask_predictor';
  return toStateDict([
    floats('backbone.x', [1], [base]),
    floats(`${box}.cls_score.weight`, [classes, 2], numbers(classes * 2, 100)),
    floats(`${box}.cls_score.bias`, [classes], numbers(classes, 200)),
    floats(`${box}.bbox_pred.weight`, [classes * 4, 2], numbers(classes * 8, 300)),
    floats(`${box}.bbox_pred.bias`, [classes * 4], numbers(classes * 4, 400)),
    floats(`${mask}.conv5_mask.weight`, [1], [base + 500]),
    floats(`${mask}.mask_fcn_logits.weight`, [classes, 2, 1, 1], numbers(classes * 2, 600)),
    floats(`${mask}.mask_fcn_logits.bias`, [classes], numbers(classes, 700)),
  ]);
}

const read = (dict: StateDict, name: string) => values(dict.get(name)!);

test('equal class lists keep everything', (t) => {
  const dict = predictors(3, 0);
  const result = adaptPredictors(dict, {fromClasses: ['a', 'b'], toClasses: ['a', 'b'], initial: predictors(3, 1000)});
  t.is(result.tensors, dict);
  t.is(result.kept.length, 6);
  t.deepEqual([result.replaced, result.copiedClasses], [[], []]);
});

test('other classes begin anew; the rest, conv5_mask included, is kept', (t) => {
  const initial = predictors(2, 1000);
  const result = adaptPredictors(predictors(3, 0), {fromClasses: ['a', 'b'], toClasses: ['gland'], initial});
  t.deepEqual(result.copiedClasses, []);
  t.deepEqual(result.kept, []);
  t.is(result.replaced.length, 6);
  for (const name of result.replaced) t.deepEqual(result.tensors.get(name), initial.get(name));
  t.deepEqual(read(result.tensors, 'backbone.x'), [0]);
  t.deepEqual(read(result.tensors, 'roi_heads.mask_predictor.conv5_mask.weight'), [500]);
});

test('classes of both lists take their rows along, and the background too', (t) => {
  const result = adaptPredictors(predictors(3, 0), {
    fromClasses: ['__background__', 'a', 'b'],
    toClasses: ['new', 'b', 'N/A'],
    initial: predictors(4, 1000),
  });
  t.deepEqual(result.copiedClasses, ['b']);
  t.deepEqual(read(result.tensors, 'roi_heads.box_predictor.cls_score.weight'), [
    ...[100, 101],
    ...[1102, 1103],
    ...[104, 105],
    ...[1106, 1107],
  ]);
  t.deepEqual(read(result.tensors, 'roi_heads.box_predictor.bbox_pred.bias'), [
    ...[400, 401, 402, 403],
    ...[1404, 1405, 1406, 1407],
    ...[408, 409, 410, 411],
    ...[1412, 1413, 1414, 1415],
  ]);
  t.deepEqual(read(result.tensors, 'roi_heads.mask_predictor.mask_fcn_logits.bias'), [700, 1701, 702, 1703]);
});

test('the same classes in another order change places', (t) => {
  const result = adaptPredictors(predictors(3, 0), {
    fromClasses: ['a', 'b'],
    toClasses: ['b', 'a'],
    initial: predictors(3, 1000),
  });
  t.deepEqual(result.copiedClasses, ['b', 'a']);
  t.deepEqual(read(result.tensors, 'roi_heads.box_predictor.cls_score.bias'), [200, 202, 201]);
});

test('without names the number of classes decides', (t) => {
  const options = {fromClasses: undefined, toClasses: ['x', 'y']};
  t.is(adaptPredictors(predictors(3, 0), {...options, initial: predictors(3, 1000)}).kept.length, 6);
  const replaced = adaptPredictors(predictors(4, 0), {...options, initial: predictors(3, 1000)});
  t.is(replaced.replaced.length, 6);
  t.deepEqual(read(replaced.tensors, 'roi_heads.box_predictor.cls_score.bias'), [1200, 1201, 1202]);
});

test('a checkpoint without the rows of its own classes is refused', (t) => {
  const options = {fromClasses: ['a', 'b', 'c'], toClasses: ['a'], initial: predictors(2, 0)};
  t.throws(() => adaptPredictors(predictors(3, 0), options), {
    code: 'STATE_DICT_MISMATCH',
    message:
      'roi_heads.box_predictor.cls_score.weight has 3 rows, expected 4 for the 3 classes of the weights and the background.',
  });
});

test('half floats are widened exactly', (t) => {
  const half = (dtype: 'float16' | 'bfloat16', bits: number[]) => [
    ...toFloat32({name: 'h', dtype, shape: [bits.length], data: new Uint8Array(Uint16Array.from(bits).buffer)}),
  ];
  t.deepEqual(half('float16', [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000]), [
    1,
    -2,
    2 ** -24,
    65504,
    Infinity,
    -0,
  ]);
  t.deepEqual(half('bfloat16', [0x3f80, 0xc000, 0x4049]), [1, -2, 3.140625]);
  t.throws(() => toFloat32({name: 'i', dtype: 'int64', shape: [], data: new Uint8Array(8)}), {
    code: 'INVALID_OPTION',
    message: 'tensor i is of dtype int64, expected a floating-point one.',
  });
});
