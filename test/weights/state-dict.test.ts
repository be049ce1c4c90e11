import test from 'ava';
import {compareStateDict, requireMatchingStateDict} from '../../lib/weights/state-dict.js';
import {zeros} from './files.js';

const parameters = [
  {name: 'a', shape: [2, 3]},
  {name: 'b', shape: []},
  {name: 'c', shape: [4]},
];

test('a dict is compared by names and shapes', (t) => {
  t.deepEqual(compareStateDict(zeros({a: [2, 3], b: [], c: [4]}), parameters), {
    missing: [],
    unexpected: [],
    mismatched: [],
  });
  t.deepEqual(compareStateDict(zeros({a: [3, 2], b: [1], d: [4]}), parameters), {
    missing: ['c'],
    unexpected: ['d'],
    mismatched: [
      {name: 'a', expected: [2, 3], found: [3, 2]},
      {name: 'b', expected: [], found: [1]},
    ],
  });
});

test('a mismatch lists all three kinds', (t) => {
  t.notThrows(() => requireMatchingStateDict(zeros({c: [4], b: [], a: [2, 3]}), parameters, {source: 'x.pth'}));
  t.throws(() => requireMatchingStateDict(zeros({a: [3, 2], b: [], d: [4]}), parameters, {source: 'x.pth'}), {
    code: 'STATE_DICT_MISMATCH',
    message:
      "x.pth does not have the model's 3 tensors: 1 missing (c); 1 unexpected (d); " +
      '1 of another shape (a is [3,2] where the model has [2,3]).\n' +
      'Build the model with the `backbone`, `version`, `backboneNorm` and `classes` that the weights were made with.',
  });
});

test('long lists are shortened', (t) => {
  const many = Object.fromEntries(Array.from({length: 20}, (_, i) => [`t${i}`, [1]]));
  t.throws(() => requireMatchingStateDict(zeros(many), [], {source: 'x.pth'}), {
    code: 'STATE_DICT_MISMATCH',
    message: /: 20 unexpected \(t0, t1, t2, t3, t4, t5, t6, t7, and 12 more\)\.\n/,
  });
});
