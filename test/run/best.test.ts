import test from 'ava';
import type {Evaluation} from '../../lib/evaluation/evaluation.js';
import {bestEpoch, isBetter, tieBreakOf} from '../../lib/run/best.js';
import type {EpochRecord} from '../../lib/run/history.js';
import {epoch} from './records.js';

const tie = (ap: number | null, loss: number) => ({ap, loss});

test('a higher score is better, whatever the rest', (t) => {
  t.true(isBetter([0.1, tie(0, 9)], [0, tie(1, 1)]));
  t.false(isBetter([0, tie(1, 1)], [0.1, tie(0, 9)]));
  t.true(isBetter([0, tie(null, 9)], [null, undefined]), 'the first one');
});

test('ties go to the higher mask AP, then to the lower training loss', (t) => {
  t.true(isBetter([0, tie(0.2, 9)], [0, tie(0.1, 1)]));
  t.false(isBetter([0, tie(0.1, 1)], [0, tie(0.2, 9)]));
  t.true(isBetter([0, tie(0, 1.6)], [0, tie(0, 3.1)]));
  t.true(isBetter([0, tie(null, 1.6)], [0, tie(null, 3.1)]));
  t.true(isBetter([0, tie(0, 3.1)], [0, tie(null, 1.6)]), 'an AP is better than none');
  t.false(isBetter([0, tie(0, 3.1)], [0, tie(0, 3.1)]), 'the earlier one stays');
  t.false(isBetter([0, tie(0, Number.NaN)], [0, tie(0, 3.1)]));
  t.true(isBetter([0, tie(0, 3.1)], [0, JSON.parse('{"ap":0,"loss":null}')]), 'a loss that was not finite');
});

test('without what breaks the tie, as in an older state, the earlier epoch stays', (t) => {
  t.false(isBetter([0, tie(1, 1)], [0, undefined]));
  t.true(isBetter([0.1, tie(0, 9)], [0, undefined]));
});

test('what breaks ties is taken from the epoch', (t) => {
  t.deepEqual(tieBreakOf({...epoch(0), loss: 2}), {ap: null, loss: 2});
  t.deepEqual(tieBreakOf(epoch(0, {segm: {ap: 0.25}} as Evaluation)), {ap: 0.25, loss: 1});
});

test('the best epoch is the one that training keeps', (t) => {
  const scored = (index: number, iou: number | null, ap: number, loss = 1) => {
    const validation = {pixel: {mean: {iou}}, segm: {ap}} as unknown as Evaluation;
    return {...epoch(index, validation), loss};
  };
  const best = (epochs: EpochRecord[]) => bestEpoch(epochs, 'iou')?.epoch;
  t.is(best([scored(0, 0.5, 0), scored(1, 0.7, 0), epoch(2), scored(3, 0.6, 1)]), 1);
  t.is(best([scored(0, 0.7, 0.1), scored(1, 0.7, 0.3), scored(2, 0.7, 0.2)]), 1, 'a tie goes to the higher AP');
  t.is(best([scored(0, 0.7, 0.1, 3), scored(1, 0.7, 0.1, 2), scored(2, 0.7, 0.1, 2)]), 1, 'then to the lower loss');
  t.is(best([epoch(0), scored(1, null, 0)]), undefined);
  t.is(best([]), undefined);
});
