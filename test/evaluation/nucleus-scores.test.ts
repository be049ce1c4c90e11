import test from 'ava';
import fc from 'fast-check';
import type {LabelMap} from '../../lib/evaluation/label-map.js';
import {compareNuclei, nucleiScores, summarizeNuclei} from '../../lib/evaluation/nucleus-scores.js';

/** A map of one row. */
const map = (...labels: number[]): LabelMap => ({width: labels.length, height: 1, labels: Int32Array.from(labels)});
const near = (a: number | null, b: number) => a !== null && Math.abs(a - b) < 1e-12;

test('two objects, one found by three quarters, one by a third', (t) => {
  const truth = map(1, 1, 1, 1, 0, 2, 2, 0, 0, 0);
  const predicted = map(1, 1, 1, 0, 0, 0, 2, 2, 0, 3);
  // Object 1 shares 3 of 4 pixels and object 2 shares 1 of 3. Prediction 3 matches nothing.
  const counts = compareNuclei(predicted, truth);
  t.deepEqual(counts, {intersection: 4, union: 4 + 3 + 1, matched: 1, iou: 3 / 4, predictedOnly: 2, trueOnly: 1});
  // One match out of 1 + (2 + 1) / 2 objects.
  t.deepEqual(nucleiScores(counts), {aji: 4 / 8, sq: 3 / 4, dq: 1 / 2.5, pq: (3 / 4) * (1 / 2.5)});
});

test('a predicted object that covers two true ones counts for both in AJI, for one at most in PQ', (t) => {
  const counts = compareNuclei(map(1, 1, 1, 1, 1, 1), map(1, 1, 1, 1, 2, 2));
  t.deepEqual(counts, {intersection: 4 + 2, union: 6 + 6, matched: 1, iou: 4 / 6, predictedOnly: 0, trueOnly: 1});
});

test('an IoU of exactly one half is no match', (t) => {
  t.like(compareNuclei(map(1, 0), map(1, 1)), {matched: 0, intersection: 1, union: 2});
});

test('empty sides', (t) => {
  t.deepEqual(nucleiScores(compareNuclei(map(0, 0), map(0, 0))), {aji: null, pq: null, sq: null, dq: null});
  for (const [a, b] of [
    [map(0, 0), map(1, 0)],
    [map(1, 0), map(0, 0)],
  ] as const) {
    t.deepEqual(nucleiScores(compareNuclei(a, b)), {aji: 0, pq: 0, sq: 0, dq: 0});
  }
  t.throws(() => compareNuclei(map(1), map(1, 1)), {instanceOf: RangeError, message: /one size, got 1 × 1 and 2 × 1/});
  t.throws(() => summarizeNuclei([]), {instanceOf: RangeError});
});

test('the mean over images, and all images together', (t) => {
  const images = [compareNuclei(map(1, 1, 1, 0), map(1, 1, 1, 1)), compareNuclei(map(0), map(1))];
  const {mean, pooled} = summarizeNuclei(images);
  t.true(near(mean.aji, 3 / 8) && near(mean.pq, 3 / 8));
  t.true(near(pooled.aji, 3 / 5) && near(pooled.sq, 3 / 4) && near(pooled.dq, 1 / 1.5));
});

/** A direct implementation, pixel by pixel and object by object. */
function naive(predicted: LabelMap, truth: LabelMap) {
  const pixels = (given: LabelMap, label: number) =>
    new Set([...given.labels.keys()].filter((i) => given.labels[i] === label));
  const objects = (given: LabelMap) => [...new Set(given.labels)].filter((label) => label > 0).sort((a, b) => a - b);
  const both = (a: Set<number>, b: Set<number>) => [...a].filter((i) => b.has(i)).length;
  let [intersection, union, iou, matched] = [0, 0, 0, 0];
  const used = new Set<number>();
  for (const label of objects(truth)) {
    const own = pixels(truth, label);
    const options = objects(predicted).map((other) => {
      const shared = both(own, pixels(predicted, other));
      const whole = own.size + pixels(predicted, other).size - shared;
      return {other, shared, whole, ratio: shared / whole};
    });
    const best = options.reduce<(typeof options)[number] | undefined>(
      (most, option) => (option.ratio > (most?.ratio ?? 0) ? option : most),
      undefined,
    );
    intersection += best?.shared ?? 0;
    union += best?.whole ?? own.size;
    if (best !== undefined) used.add(best.other);
    if ((best?.ratio ?? 0) > 0.5) {
      iou += best!.ratio;
      matched++;
    }
  }
  for (const label of objects(predicted)) if (!used.has(label)) union += pixels(predicted, label).size;
  const [all, found] = [objects(truth).length, objects(predicted).length];
  return {
    aji: union === 0 ? 1 : intersection / union,
    pq: all + found === 0 ? 1 : iou / (matched + (all + found - 2 * matched) / 2),
  };
}

test('any two maps: what the definitions say', (t) => {
  const labels = fc.array(fc.nat(4), {minLength: 24, maxLength: 24});
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      const [predicted, truth] = [map(...a), map(...b)];
      const {aji, pq} = nucleiScores(compareNuclei(predicted, truth));
      const expected = naive(predicted, truth);
      t.true(near(aji, expected.aji) && near(pq, expected.pq));
    }),
  );
});
