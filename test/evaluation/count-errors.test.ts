import test from 'ava';
import {countObjects, summarizeCounts} from '../../lib/evaluation/count-errors.js';
import type {Instance} from '../../lib/index.js';

const classes = ['round', 'square'];
const mask = {left: 0, top: 0, width: 1, height: 1, data: Uint8Array.of(1)};
const instance = (label: number): Instance => ({label, box: [0, 0, 1, 1], mask});

/** The counts of an image with objects and detections of these labels. */
const counts = (truth: number[], detected: number[]) =>
  countObjects({instances: truth.map(instance)}, {labels: Int32Array.from(detected)}, classes);

test('each class of an image: detections minus objects', (t) => {
  t.deepEqual(counts([1, 1, 2], [1, 2, 2, 2]), [
    {name: 'round', truth: 2, predicted: 1, error: -1},
    {name: 'square', truth: 1, predicted: 3, error: 2},
  ]);
});

test('bias and absolute error are means over all images; confused classes do not change the sum', (t) => {
  const summary = summarizeCounts([counts([1, 1, 2], [1, 2, 2, 2]), counts([1], [2]), counts([], []), counts([], [1])]);
  t.deepEqual(summary, {
    images: 4,
    ...{truth: 4, predicted: 6, meanError: (1 + 0 + 0 + 1) / 4, meanAbsoluteError: (1 + 0 + 0 + 1) / 4},
    classes: [
      {name: 'round', truth: 3, predicted: 2, meanError: (-1 - 1 + 0 + 1) / 4, meanAbsoluteError: (1 + 1 + 0 + 1) / 4},
      {name: 'square', truth: 1, predicted: 4, meanError: (2 + 1) / 4, meanAbsoluteError: (2 + 1) / 4},
    ],
  });
  t.throws(() => summarizeCounts([]), {instanceOf: RangeError});
});
