import test from 'ava';
import type {LabelMap} from '../../lib/evaluation/label-map.js';
import {compareObjects, objectScores, summarizeObjects} from '../../lib/evaluation/object-scores.js';
import {drawn} from './maps.js';

/** A map in which every digit is an object of its own. */
function labels(...rows: string[]): LabelMap {
  let objects = 0;
  const pixels = Int32Array.from(rows.join(''), (character) => (/\d/.test(character) ? ++objects : 0));
  return {width: rows[0]!.length, height: rows.length, labels: pixels};
}

const near = (a: number | null, b: number) => a !== null && Math.abs(a - b) < 1e-12;

test('equal maps are perfect, whatever the numbers', (t) => {
  const truth = drawn('11..2', '11..2', '.....', '333..');
  const predicted = drawn('77..5', '77..5', '.....', '111..');
  t.deepEqual(objectScores(compareObjects(predicted, truth)), {f1: 1, precision: 1, recall: 1, dice: 1, hausdorff: 0});
});

test('by hand: one object found in part, one split, one missed, one invented', (t) => {
  const truth = drawn(
    '1111......', //
    '1111......',
    '........22',
    '........22',
    '3.........',
  );
  const predicted = drawn(
    '..11......', // 4 of the 8 pixels of true 1: half, which is enough
    '..11......',
    '........2.', // 2 of the 4 pixels of true 2
    '........2.',
    '.......4..', // none
  );
  const counts = compareObjects(predicted, truth);
  t.is(counts.truth, 3);
  t.is(counts.predicted, 3);
  t.is(counts.truePositives, 2);
  t.is(counts.trueArea, 13);
  t.is(counts.predictedArea, 7);
  const [diceOne, diceTwo] = [(2 * 4) / (8 + 4), (2 * 2) / (4 + 2)];
  t.true(near(counts.dice.truth, 8 * diceOne + 4 * diceTwo));
  t.true(near(counts.dice.predicted, 4 * diceOne + 2 * diceTwo));
  // True 1 extends 2 pixels further left, and true 2 one pixel further right. For true 3 at (0, 4), predicted 1 is
  // nearest: its pixel (3, 0) is 5 away. For predicted 4 at (7, 4), true 2 is nearest: its pixel (9, 2) is √8 away.
  t.true(near(counts.hausdorff.truth, 8 * 2 + 4 * 1 + 1 * 5));
  t.true(near(counts.hausdorff.predicted, 4 * 2 + 2 * 1 + 1 * Math.sqrt(8)));

  const scores = objectScores(counts);
  t.true(near(scores.f1, 2 / 3) && near(scores.precision, 2 / 3) && near(scores.recall, 2 / 3));
  t.true(near(scores.dice, ((8 * diceOne + 4 * diceTwo) / 13 + (4 * diceOne + 2 * diceTwo) / 7) / 2));
  t.true(near(scores.hausdorff, (25 / 13 + (10 + Math.sqrt(8)) / 7) / 2));
});

test('of two halves of one object one is a hit', (t) => {
  const counts = compareObjects(drawn('1122'), drawn('1111'));
  t.like(counts, {truth: 1, predicted: 2, truePositives: 1});
  t.true(near(objectScores(counts).f1, 2 / 3));
});

test('one object over two true ones hits the one that it overlaps most', (t) => {
  t.like(compareObjects(drawn('111111'), drawn('1122.3')), {truth: 3, predicted: 1, truePositives: 1});
  // It covers true 1 completely, but it overlaps true 2 more, and it covers less than half of true 2.
  t.like(compareObjects(drawn('1111....'), drawn('1.222222')), {truth: 2, predicted: 1, truePositives: 0});
});

test('of several that are overlapped equally the one of the lowest number is the partner, wherever it is', (t) => {
  // It shares two pixels with each: all of the smaller object, and less than half of the larger one.
  const predicted = drawn('.1111....');
  t.like(compareObjects(predicted, drawn('.1122222.')), {truePositives: 1});
  t.like(compareObjects(predicted, drawn('.2211111.')), {truePositives: 0});
  t.true(near(compareObjects(predicted, drawn('.1122222.')).dice.predicted, 4 * (4 / 6)));
  t.true(near(compareObjects(predicted, drawn('.2211111.')).dice.predicted, 4 * (4 / 9)));
});

test('less than half is no hit', (t) => {
  const counts = compareObjects(drawn('11...'), drawn('11111'));
  t.is(counts.truePositives, 0);
  t.is(objectScores(counts).f1, 0);
  t.true(near(objectScores(counts).dice, 4 / 7));
});

test('sides without objects', (t) => {
  const [none, one] = [drawn('....', '....', '....'), drawn('11..', '....', '....')];
  t.deepEqual(objectScores(compareObjects(none, none)), {
    f1: null,
    precision: null,
    recall: null,
    dice: null,
    hausdorff: null,
  });
  // The diagonal of 4 × 3 is 5.
  t.deepEqual(objectScores(compareObjects(none, one)), {f1: 0, precision: null, recall: 0, dice: 0, hausdorff: 5});
  t.deepEqual(objectScores(compareObjects(one, none)), {f1: 0, precision: 0, recall: null, dice: 0, hausdorff: 5});
});

test('a summary has the mean over images, and the scores of all objects together', (t) => {
  const perfect = compareObjects(drawn('1.2.3.'), drawn('1.2.3.'));
  const half = compareObjects(drawn('11....'), drawn('1111..'));
  const {mean, pooled, ...rest} = summarizeObjects([perfect, half]);
  t.deepEqual(rest, {
    ...{images: 2, truth: 4, predicted: 4, truePositives: 4, dropped: 0},
    ...{emptyImages: 0, falseAlarmsPerEmptyImage: null},
  });
  t.true(near(mean.f1, 1) && near(mean.dice, (1 + 2 / 3) / 2) && near(mean.hausdorff, 1));
  t.true(near(pooled.dice, ((3 + 4 * (2 / 3)) / 7 + (3 + 2 * (2 / 3)) / 5) / 2));
  t.true(near(pooled.hausdorff, ((4 * 2) / 7 + (2 * 2) / 5) / 2));
  t.throws(() => summarizeObjects([]), {instanceOf: RangeError});
});

test('maps of different sizes are refused', (t) => {
  t.throws(() => compareObjects(drawn('1.'), drawn('1..')), {
    message: 'The maps must have one size, got 2 × 1 and 3 × 1.',
  });
});

test('images without objects tell of false alarms, and are left out of the mean', (t) => {
  const found = compareObjects(drawn('1.2.'), drawn('1.2.'));
  const missed = compareObjects(drawn('....'), drawn('1...'));
  const [quiet, alarmed] = [compareObjects(drawn('....'), drawn('....')), compareObjects(drawn('1.22'), drawn('....'))];
  const summary = summarizeObjects([found, missed, quiet, alarmed]);
  t.like(summary, {images: 4, emptyImages: 2, falseAlarmsPerEmptyImage: 1});
  t.is(summary.mean.f1, (1 + 0) / 2);
  t.is(summary.mean.precision, 1); // of the one image on which something is predicted
  t.is(summary.pooled.precision, 2 / 4);
  // Finding nothing used to score 1 on every empty image.
  t.is(summarizeObjects([missed, quiet, quiet]).mean.f1, 0);
  t.is(summarizeObjects([quiet, quiet]).mean.f1, null);
});

test('counted by hand: of three fragments of one object one is a hit, or none', (t) => {
  const truth = drawn('1111111111');
  // Six, two and two of ten pixels: one true positive among three predicted objects.
  const oneLarge = compareObjects(drawn('1111112233'), truth);
  t.like(oneLarge, {truth: 1, predicted: 3, truePositives: 1});
  t.like(objectScores(oneLarge), {precision: 1 / 3, recall: 1, f1: (2 * 1) / (3 + 1)});
  // None covers half.
  const allSmall = compareObjects(drawn('1111222333'), truth);
  t.like(objectScores(allSmall), {precision: 0, recall: 0, f1: 0});
  // Two cover exactly half each. Two true positives would be a recall of 2.
  t.like(objectScores(compareObjects(drawn('1111122222'), truth)), {precision: 1 / 2, recall: 1, f1: 2 / 3});
});

test('counted by hand: ten of twenty detections lie on the background', (t) => {
  const objects = '0.1.2.3.4.5.6.7.8.9.';
  const truth = labels(objects, '....................');
  const predicted = labels(objects, objects);
  const counts = compareObjects(predicted, truth);
  t.like(counts, {truth: 10, predicted: 20, truePositives: 10});
  t.like(objectScores(counts), {precision: 10 / 20, recall: 1, f1: (2 * 10) / (10 + 20)});
  // If the ten lie on another image, which has no objects, the mean leaves them out. The tally and `pooled` do not.
  const [full, empty] = [labels(objects), labels('....................')];
  const {mean, pooled, ...rest} = summarizeObjects([compareObjects(full, full), compareObjects(full, empty)]);
  t.is(mean.precision, 1);
  t.is(pooled.precision, 10 / 20);
  t.like(rest, {truth: 10, predicted: 20, truePositives: 10, emptyImages: 1, falseAlarmsPerEmptyImage: 10});
});

test('detections that are not in the map are counted as dropped', (t) => {
  const map = drawn('1.2.');
  t.is(compareObjects(map, map).dropped, 0);
  const counts = compareObjects(map, map, 5);
  t.like(counts, {predicted: 2, dropped: 3});
  t.is(summarizeObjects([counts, counts]).dropped, 6);
});
