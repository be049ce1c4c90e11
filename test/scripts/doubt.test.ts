import test from 'ava';
import {CANDIDATES} from '../../scripts/doubt/candidates.js';
import {meansOfQuarters, rankCorrelation} from '../../scripts/doubt/ranks.js';

test('rank correlation asks for the order alone, and equal values share their ranks', (t) => {
  t.is(rankCorrelation([1, 2, 30], [-5, 0, 0.1]), 1);
  t.is(rankCorrelation([1, 2, 30], [3, 2, 1]), -1);
  // Ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3: their products sum up to 4.5, their squares to 4.5 and 5.
  t.true(Math.abs(rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4]) - 4.5 / Math.sqrt(4.5 * 5)) < 1e-12);
  t.is(rankCorrelation([1, 1, 1], [1, 2, 3]), Number.NaN);
});

test('quarters are those of the largest and of the smallest keys', (t) => {
  t.deepEqual(meansOfQuarters([3, 1, 4, 2, 9, 7, 8, 6], [30, 10, 40, 20, 90, 70, 80, 60]), [85, 50, 15]);
});

test('no definition of doubt finds any where views are sure and agree', async (t) => {
  const view = {
    width: 4,
    height: 2,
    boxes: Float32Array.of(0, 0, 2, 2),
    labels: Int32Array.of(1),
    classNames: ['gland'],
    scores: Float32Array.of(1),
    masks: [{size: [2, 4] as [number, number], counts: '044'}],
  };
  for (const [name, candidate] of Object.entries(CANDIDATES)) {
    t.is(await candidate({views: [view, view], edges: 0}), 0, name);
  }
});
