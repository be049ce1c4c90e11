import test from 'ava';
import fc from 'fast-check';
import {countPixels, pixelScores, summarizePixels} from '../../lib/evaluation/pixel-scores.js';

test('counts and scores of a case that a person can check', (t) => {
  // 1 1 1 0 0 against 0 1 1 1 0: two shared, one predicted only, one true only.
  const counts = countPixels(Uint8Array.of(1, 1, 1, 0, 0), Uint8Array.of(0, 255, 1, 1, 0));
  t.deepEqual(counts, {both: 2, predictedOnly: 1, trueOnly: 1});
  t.deepEqual(pixelScores(counts), {iou: 2 / 4, f1: 4 / 6, precision: 2 / 3, recall: 2 / 3});
});

test('empty foregrounds: perfect when both are, worthless when one is', (t) => {
  const none = new Uint8Array(4);
  const some = Uint8Array.of(0, 1, 0, 0);
  t.deepEqual(pixelScores(countPixels(none, none)), {iou: 1, f1: 1, precision: 1, recall: 1});
  t.deepEqual(pixelScores(countPixels(some, none)), {iou: 0, f1: 0, precision: 0, recall: 1});
  t.deepEqual(pixelScores(countPixels(none, some)), {iou: 0, f1: 0, precision: 1, recall: 0});
});

test('foregrounds of different sizes are refused', (t) => {
  const error = t.throws(() => countPixels(new Uint8Array(3), new Uint8Array(4)), {instanceOf: RangeError});
  t.is(error.message, 'The foregrounds must have one size, got 3 and 4 pixels.');
});

test('the mean weighs images equally, the pool weighs pixels equally', (t) => {
  const summary = summarizePixels([
    {both: 1, predictedOnly: 0, trueOnly: 0},
    {both: 0, predictedOnly: 3, trueOnly: 6},
  ]);
  t.is(summary.images, 2);
  t.is(summary.mean.iou, 0.5);
  t.is(summary.pooled.iou, 0.1);
  t.is(summary.pooled.f1, 2 / 11);
  t.throws(() => summarizePixels([]), {instanceOf: RangeError});
});

test('f1 = 2·iou / (1 + iou) for every pair of foregrounds', (t) => {
  const bits = fc.array(fc.integer({min: 0, max: 1}), {minLength: 12, maxLength: 12});
  fc.assert(
    fc.property(bits, bits, (predicted, truth) => {
      const {iou, f1} = pixelScores(countPixels(Uint8Array.from(predicted), Uint8Array.from(truth)));
      return Math.abs(f1 - (2 * iou) / (1 + iou)) < 1e-12;
    }),
  );
  t.pass();
});
