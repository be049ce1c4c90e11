import test from 'ava';
import {leaves, scalars} from '../../lib/run/scalars.js';

test('numbers by their path; lists, words and nothing are left out', (t) => {
  const record = {a: 1, b: {c: {d: 0.5}, e: [1, 2], f: new Float32Array(2)}, g: 'x', h: null, i: undefined, j: true};
  t.deepEqual(scalars(record), [
    ['a', 1],
    ['b.c.d', 0.5],
  ]);
  t.deepEqual(leaves({'x.y': {z: Number.NaN}}), [[['x.y', 'z'], Number.NaN]]);
  t.deepEqual(scalars(null), []);
  t.deepEqual(scalars(undefined), []);
});
