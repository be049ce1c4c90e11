import test from 'ava';
import type {Evaluation} from '../../lib/evaluation/evaluation.js';
import {judge, type Standing} from '../../lib/train/standing.js';
import {epoch, pixelScores} from '../run/records.js';

const START: Standing = {bestScore: null, sinceBest: 0};
const scored = (index: number, iou: number, ap: number | null = null) => {
  return epoch(index, {pixel: pixelScores(iou), segm: {ap}} as Evaluation);
};

test('the best score and the number of scores since then follow from the records', (t) => {
  let standing = START;
  const told = [0.2, 0.1, 0.2, 0.3, 0.3].map((iou, index) => {
    const judged = judge(standing, scored(index, iou), 'iou');
    standing = judged.standing;
    return [judged.isBest, standing.bestScore, standing.sinceBest];
  });
  t.deepEqual(told, [
    [true, 0.2, 0],
    [false, 0.2, 1],
    [false, 0.2, 2],
    [true, 0.3, 0],
    [false, 0.3, 1],
  ]);
});

test('a tie that mask AP breaks makes another epoch the best one, and is no progress', (t) => {
  const first = judge(START, scored(0, 0.2, 0.1), 'iou').standing;
  const {isBest, standing} = judge(first, scored(1, 0.2, 0.4), 'iou');
  t.true(isBest);
  t.deepEqual(standing, {bestScore: 0.2, bestTieBreak: {ap: 0.4, loss: 1}, sinceBest: 1});
});

test('an epoch that was cut, was not evaluated or has no finite loss changes nothing', (t) => {
  const before = judge(START, scored(0, 0.2), 'iou').standing;
  for (const [record, bestBy] of [
    [{...scored(1, 0.9), cut: true}, 'iou'],
    [{...scored(1, 0.9), cut: true}, 'loss'],
    [epoch(1), 'iou'],
    [{...epoch(1), loss: Number.NaN}, 'loss'],
  ] as const) {
    t.deepEqual(judge(before, record, bestBy), {standing: before, isBest: false});
    t.deepEqual(judge(START, record, bestBy), {standing: START, isBest: false});
  }
});

test('a state that was saved as JSON and read again judges alike', (t) => {
  const before = judge(START, {...scored(0, 0.2), loss: Number.NaN}, 'iou').standing;
  const next = scored(1, 0.2);
  t.true(judge(before, next, 'iou').isBest);
  t.deepEqual(judge(JSON.parse(JSON.stringify(before)), next, 'iou'), judge(before, next, 'iou'));
});
