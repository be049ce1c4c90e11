import {join} from 'node:path';
import test from 'ava';
import {partOf, shardFolder, shardOf, shardRule} from '../../../lib/cli/prediction/shard.js';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

test('the parts have all items together, each once, and differ in length by at most one', (t) => {
  for (const of of [1, 2, 3, 7]) {
    const parts = Array.from({length: of}, (_, i) => partOf(names, {number: i + 1, of}));
    t.deepEqual(parts.flat().sort(), names);
    const lengths = parts.map(({length}) => length);
    t.true(Math.max(...lengths) - Math.min(...lengths) <= 1);
  }
  t.is(partOf(names, undefined), names);
});

test('a part without an image is refused', (t) => {
  t.throws(() => partOf(['a'], {number: 2, of: 2}), {
    code: 'INVALID_OPTION',
    message: /^Part 2 of 2 must have an image/,
  });
});

test('a part is given as K/N, and has a folder of its own', (t) => {
  t.deepEqual(shardOf('3/8'), {number: 3, of: 8});
  t.is(shardFolder('runs/predict', shardOf('3/8')), join('runs/predict', 'part-3-of-8'));
  t.is(shardFolder('runs/predict', undefined), 'runs/predict');
  t.true(shardRule.accepts('1/1'));
  for (const wrong of ['0/8', '9/8', '3', '3/0', '3 / 8', 3, undefined])
    t.false(shardRule.accepts(wrong), String(wrong));
});
