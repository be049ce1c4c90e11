import test from 'ava';
import fc from 'fast-check';
import type {LabelMap} from '../../lib/evaluation/label-map.js';
import {compareObjects, objectScores} from '../../lib/evaluation/object-scores.js';
import {drawn} from './maps.js';

test('by hand', (t) => {
  const distance = (a: LabelMap, b: LabelMap) => objectScores(compareObjects(a, b)).hausdorff;
  t.is(distance(drawn('1.....'), drawn('.....1')), 5);
  t.is(distance(drawn('1...', '....', '....', '....'), drawn('....', '....', '....', '...1')), Math.sqrt(18));
  // The greatest distance is from the inside of the square to the ring around it, not from the boundary of the square.
  const ring = drawn('1111111', '1.....1', '1.....1', '1.....1', '1.....1', '1.....1', '1111111');
  const square = drawn('1111111', '1111111', '1111111', '1111111', '1111111', '1111111', '1111111');
  t.is(distance(square, ring), 3);
  t.is(distance(ring, square), 3);
});

/** Implements the definition in section 4.3 of the paper directly, object by object and pixel by pixel. */
function plainly(predicted: LabelMap, truth: LabelMap): {dice: number; hausdorff: number} {
  const objects = ({labels, width}: LabelMap) =>
    [...new Set(labels)]
      .filter((label) => label > 0)
      .sort((a, b) => a - b)
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
      // The paper does not say which of several equal partners counts. MATLAB's mode() takes the lowest label.
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

test('any two maps: as the definition says, whichever of them is the truth', (t) => {
  const [width, height] = [8, 7];
  const map = fc
    .array(fc.integer({min: 0, max: 3}), {minLength: width * height, maxLength: width * height})
    .map((labels): LabelMap => ({width, height, labels: Int32Array.from(labels)}))
    .filter(({labels}) => labels.some((label) => label > 0));
  const sparse = fc
    .uniqueArray(fc.tuple(fc.integer({min: 0, max: width * height - 1}), fc.integer({min: 1, max: 3})), {
      minLength: 1,
      maxLength: 8,
    })
    .map((pixels): LabelMap => {
      const labels = new Int32Array(width * height);
      for (const [at, label] of pixels) labels[at] = label;
      return {width, height, labels};
    });
  const either = fc.oneof(map, sparse);
  fc.assert(fc.property(either, either, agrees), {numRuns: 300});
  t.pass();
});

test('any rectangles, which have insides and lie apart: as the definition says', (t) => {
  const [width, height] = [24, 18];
  const rectangle = fc.record({
    left: fc.integer({min: 0, max: width - 1}),
    top: fc.integer({min: 0, max: height - 1}),
    across: fc.integer({min: 1, max: 9}),
    down: fc.integer({min: 1, max: 9}),
  });
  const map = fc.array(rectangle, {minLength: 1, maxLength: 6}).map((rectangles): LabelMap => {
    const labels = new Int32Array(width * height);
    for (const [index, {left, top, across, down}] of rectangles.entries()) {
      for (let y = top; y < Math.min(height, top + down); y++) {
        labels.fill(index + 1, y * width + left, y * width + Math.min(width, left + across));
      }
    }
    return {width, height, labels};
  });
  fc.assert(fc.property(map, map, agrees), {numRuns: 60});
  t.pass();
});

function agrees(a: LabelMap, b: LabelMap): boolean {
  const near = (x: number, y: number) => Math.abs(x - y) < 1e-9;
  const expected = plainly(a, b);
  return [objectScores(compareObjects(a, b)), objectScores(compareObjects(b, a))].every(
    ({dice, hausdorff}) => near(dice!, expected.dice) && near(hausdorff!, expected.hausdorff),
  );
}
