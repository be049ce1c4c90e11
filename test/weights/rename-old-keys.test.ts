import test from 'ava';
import {renameOldKeys} from '../../lib/weights/rename-old-keys.js';
import {zeros} from './files.js';

const named = (...names: string[]) => names.map((name) => ({name}));

test("torchvision's old names become the present ones", (t) => {
  const old = zeros({
    'backbone.fpn.inner_blocks.0.weight': [1],
    'backbone.fpn.layer_blocks.3.bias': [1],
    'rpn.head.conv.weight': [1],
    'rpn.head.conv.bias': [1],
    'rpn.head.cls_logits.weight': [1],
    'roi_heads.mask_head.mask_fcn1.weight': [1],
    'roi_heads.mask_head.mask_fcn4.bias': [1],
    'roi_heads.mask_predictor.mask_fcn_logits.weight': [1],
  });
  const {tensors, renamed} = renameOldKeys(old, []);
  const names = [
    'backbone.fpn.inner_blocks.0.0.weight',
    'backbone.fpn.layer_blocks.3.0.bias',
    'rpn.head.conv.0.0.weight',
    'rpn.head.conv.0.0.bias',
    'rpn.head.cls_logits.weight',
    'roi_heads.mask_head.0.0.weight',
    'roi_heads.mask_head.3.0.bias',
    'roi_heads.mask_predictor.mask_fcn_logits.weight',
  ];
  t.deepEqual([...tensors.keys()], names);
  t.deepEqual(
    Array.from(tensors.values(), ({name}) => name),
    names,
  );
  t.is(renamed.length, 6);
  t.deepEqual(renamed[4], ['roi_heads.mask_head.mask_fcn1.weight', 'roi_heads.mask_head.0.0.weight']);
});

test('present names stay', (t) => {
  const present = zeros({
    'backbone.fpn.inner_blocks.0.0.weight': [1],
    'backbone.fpn.inner_blocks.0.1.weight': [1],
    'rpn.head.conv.1.0.weight': [1],
    'roi_heads.mask_head.0.0.weight': [1],
  });
  t.deepEqual(renameOldKeys(present, []), {tensors: present, renamed: [], dropped: [], added: []});
});

test('batch norm counters follow the kind of norm that the model has', (t) => {
  const layer = {'bn.weight': [1], 'bn.running_mean': [1], 'bn.running_var': [1]};
  const counter = 'bn.num_batches_tracked';
  const frozen = named(...Object.keys(layer));
  const trained = named(...Object.keys(layer), counter);

  const dropped = renameOldKeys(zeros({...layer, [counter]: []}), frozen);
  t.deepEqual([...dropped.tensors.keys()], Object.keys(layer));
  t.deepEqual(dropped.dropped, [counter]);

  const added = renameOldKeys(zeros(layer), trained);
  t.deepEqual(added.added, [counter]);
  t.deepEqual(added.tensors.get(counter), {name: counter, dtype: 'int64', shape: [], data: new Uint8Array(8)});

  // Nothing is dropped from a layer that the model lacks, so that the strict check can report it.
  const foreign = renameOldKeys(zeros({'other.num_batches_tracked': []}), frozen);
  t.deepEqual([...foreign.tensors.keys()], ['other.num_batches_tracked']);
});
