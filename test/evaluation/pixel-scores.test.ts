import test from 'ava';
import fc from 'fast-check';
import {countPixels, pixelScores, summarizePixels} from '../../lib/evaluation/pixel-scores.js';

test('counts and scores of a case that a person can check', (t) => {
  // 1 1 1 0 0 against 0 1 1 1 0: two shared, one predicted only, one true only.
  const counts = countPixels(Uint8Array.of(1, 1, 1, 0, 0), Uint8Array.of(0, 255, 1, 1, 0));
  t.deepEqual(counts, {both: 2, predictedOnly: 1, trueOnly: 1});
  t.deepEqual(pixelScores(counts), {iou: 2 / 4, f1: 4 / 6, precision: 2 / 3, recall: 2 / 3});
});

test('empty foregrounds: no score when both are, 0 when one is', (t) => {
  const none = new Uint8Array(4);
  const some = Uint8Array.of(0, 1, 0, 0);
  t.deepEqual(pixelScores(countPixels(none, none)), {iou: null, f1: null, precision: null, recall: null});
  t.deepEqual(pixelScores(countPixels(some, none)), {iou: 0, f1: 0, precision: 0, recall: null});
  t.deepEqual(pixelScores(countPixels(none, some)), {iou: 0, f1: 0, precision: null, recall: 0});
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

test('images without ground truth are left out of the mean, and count in the pool', (t) => {
  const [found, missed] = [
    {both: 4, predictedOnly: 0, trueOnly: 0},
    {both: 0, predictedOnly: 0, trueOnly: 4},
  ];
  const [quiet, alarmed] = [
    {both: 0, predictedOnly: 0, trueOnly: 0},
    {both: 0, predictedOnly: 8, trueOnly: 0},
  ];
  const summary = summarizePixels([found, missed, quiet, alarmed]);
  t.is(summary.emptyImages, 2);
  t.is(summary.mean.iou, 1 / 2);
  t.is(summary.mean.precision, 1);
  t.is(summary.pooled.iou, 4 / 16);
  t.is(summarizePixels([missed, quiet]).mean.iou, 0); // it was 0.5 when empty images counted as found
});

test('f1 = 2·iou / (1 + iou) for every pair of foregrounds', (t) => {
  const bits = fc.array(fc.integer({min: 0, max: 1}), {minLength: 12, maxLength: 12});
  fc.assert(
    fc.property(bits, bits, (predicted, truth) => {
      const {iou, f1} = pixelScores(countPixels(Uint8Array.from(predicted), Uint8Array.from(truth)));
      if (iou === null) return f1 === null;
      return Math.abs(f1! - (2 * iou) / (1 + iou)) < 1e-12;
    }),
  );
  t.pass();
});
