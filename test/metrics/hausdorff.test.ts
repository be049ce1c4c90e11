import test from 'ava';
import fc from 'fast-check';
import type {LabelMap} from '../../lib/metrics/labels.js';
import {compareObjects, objectScores} from '../../lib/metrics/objects.js';
import {drawn} from './maps.js';

test('by hand', (t) => {
  const distance = (a: LabelMap, b: LabelMap) => objectScores(compareObjects(a, b)).hausdorff;
  t.is(distance(drawn('1.....'), drawn('.....1')), 5);
  t.is(distance(drawn('1...', '....', '....', '....'), drawn('....', '....', '....', '...1')), Math.sqrt(18));
  // The greatest distance is from inside the square to the ring around it, not from the square's boundary.
  const ring = drawn('1111111', '1.....1', '1.....1', '1.....1', '1.....1', '1.....1', '1111111');
  const square = drawn('1111111', '1111111', '1111111', '1111111', '1111111', '1111111', '1111111');
  t.is(distance(square, ring), 3);
  t.is(distance(ring, square), 3);
});

/** Straight from the definition of section 4.3 of the paper, object by object and pixel by pixel. */
function plainly(predicted: LabelMap, truth: LabelMap): {dice: number; hausdorff: number} {
  const objects = ({labels, width}: LabelMap) =>
    [...new Set(labels)]
      .filter((label) => label > 0)
      .map((label) => {
        const indices = [...labels.keys()].filter((i) => labels[i] === label);
        return {indices, points: indices.map((i) => [i % width, Math.floor(i / width)] as const)};
      });
  const [segmented, given] = [objects(predicted), objects(truth)];
  type Item = (typeof given)[number];
  const overlap = (a: Item, b: Item) => a.indices.filter((i) => b.indices.includes(i)).length;
  const furthest = (a: Item, b: Item) =>
    Math.max(...a.points.map(([x, y]) => Math.min(...b.points.map(([u, v]) => Math.hypot(x - u, y - v)))));
  const distance = (a: Item, b: Item) => Math.max(furthest(a, b), furthest(b, a));
  const side = (own: Item[], others: Item[]) => {
    const area = own.reduce((sum, {indices}) => sum + indices.length, 0);
    let [dice, hausdorff] = [0, 0];
    for (const object of own) {
      const weight = object.indices.length / area;
      const most = Math.max(...others.map((other) => overlap(object, other)));
      // Which of several equal partners is taken the paper leaves open: such maps are left out by the caller.
      const partner = others.find((other) => overlap(object, other) === most)!;
      if (most > 0) dice += (weight * 2 * most) / (object.indices.length + partner.indices.length);
      hausdorff +=
        weight * (most > 0 ? distance(object, partner) : Math.min(...others.map((o) => distance(object, o))));
    }
    return {dice, hausdorff};
  };
  const [a, b] = [side(given, segmented), side(segmented, given)];
  return {dice: (a.dice + b.dice) / 2, hausdorff: (a.hausdorff + b.hausdorff) / 2};
}

function hasTies(a: LabelMap, b: LabelMap): boolean {
  const counts = (own: LabelMap, other: LabelMap) =>
    [...new Set(own.labels)]
      .filter((label) => label > 0)
      .some((label) => {
        const by = new Map<number, number>();
        for (const [i, value] of own.labels.entries()) {
          const partner = other.labels[i]!;
          if (value === label && partner > 0) by.set(partner, (by.get(partner) ?? 0) + 1);
        }
        const most = Math.max(...by.values());
        return [...by.values()].filter((count) => count === most).length > 1;
      });
  return counts(a, b) || counts(b, a);
}

test('any two maps: as the definition says', (t) => {
  const map = fc
    .array(fc.integer({min: 0, max: 3}), {minLength: 56, maxLength: 56})
    .map((labels): LabelMap => ({width: 8, height: 7, labels: Int32Array.from(labels)}))
    .filter(({labels}) => labels.some((label) => label > 0));
  const sparse = fc
    .uniqueArray(fc.tuple(fc.integer({min: 0, max: 55}), fc.integer({min: 1, max: 3})), {minLength: 1, maxLength: 8})
    .map((pixels): LabelMap => {
      const labels = new Int32Array(56);
      for (const [at, label] of pixels) labels[at] = label;
      return {width: 8, height: 7, labels};
    });
  let compared = 0;
  fc.assert(
    fc.property(fc.oneof(map, sparse), fc.oneof(map, sparse), (predicted, truth) => {
      fc.pre(!hasTies(predicted, truth));
      compared++;
      const expected = plainly(predicted, truth);
      const {dice, hausdorff} = objectScores(compareObjects(predicted, truth));
      return Math.abs(dice - expected.dice) < 1e-9 && Math.abs(hausdorff - expected.hausdorff) < 1e-9;
    }),
    {numRuns: 300},
  );
  t.true(compared >= 300);
});
