import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {Random} from '../../../lib/basics/random.js';
import {type Matching, naiveMatches} from '../oracles/matcher.js';

const {ops} = await loadBinding();

const rpn: Matching = {highThreshold: 0.7, lowThreshold: 0.3, allowLowQuality: true};
const heads: Matching = {highThreshold: 0.5, lowThreshold: 0.5, allowLowQuality: false};
const floats = (...values: number[]) => Float32Array.from(values);

test('a box is matched from the high threshold on, ignored below it, and background below the low one', (t) => {
  const boxes = floats(0, 0, 10, 10, 0, 0, 10, 8, 0, 0, 10, 5, 0, 0, 10, 2, 50, 50, 60, 60);
  const instances = floats(0, 0, 10, 10);
  t.deepEqual([...ops.matchBoxes(instances, boxes, {...rpn, allowLowQuality: false})], [0, 0, -2, -1, -1]);
  t.deepEqual([...ops.matchBoxes(instances, boxes, heads)], [0, 0, 0, -1, -1]);
});

test('of instances with the same IoU, the first is matched', (t) => {
  const twice = floats(90, 90, 99, 99, 0, 0, 10, 10, 0, 0, 10, 10);
  t.deepEqual([...ops.matchBoxes(twice, floats(0, 0, 10, 9), heads)], [1]);
});

test('all boxes that overlap an instance most are matched, to the instance that each overlaps most', (t) => {
  // Boxes 0 and 1 are equally good for instance 0. Box 2 is the best for instance 1, but overlaps instance 2 more.
  const instances = floats(0, 0, 10, 10, 40, 40, 60, 60, 44, 40, 70, 60);
  const boxes = floats(0, 0, 10, 1, 0, 9, 10, 10, 45, 40, 75, 60, 80, 80, 90, 90);
  t.deepEqual([...ops.matchBoxes(instances, boxes, rpn)], [0, 0, 2, -1]);
});

test('an instance that no box meets matches all boxes that meet nothing better, as in torchvision', (t) => {
  const instances = floats(0, 0, 10, 10, 500, 500, 510, 510);
  t.deepEqual([...ops.matchBoxes(instances, floats(0, 0, 10, 10, 20, 20, 30, 30), rpn)], [0, 0]);
});

test('no boxes have no matches; instances without boxes or an instance are refused', (t) => {
  t.deepEqual([...ops.matchBoxes(floats(0, 0, 1, 1), floats(), rpn)], []);
  t.throws(() => ops.matchBoxes(floats(), floats(0, 0, 1, 1), rpn), {instanceOf: RangeError, message: /an instance/});
  t.throws(() => ops.matchBoxes(floats(0, 0, 1), floats(), rpn), {instanceOf: RangeError, message: /multiple of 4/});
});

/** Boxes on a coarse grid, so that there are many ties. Some are doubled, and some have no area or a negative side. */
const box = fc
  .tuple(fc.integer({min: -3, max: 40}), fc.integer({min: -3, max: 40}), fc.integer({min: -1, max: 9}), fc.nat(9))
  .map(([x, y, width, height]) => [x, y, x + width, y + height]);
const fine = fc.tuple(
  ...[0, 0, 60, 60].map((least) => fc.float({min: least as 0, max: (least + 50) as 50, noNaN: true})),
);
const boxesOf = (minLength: number, maxLength: number) =>
  fc.array(fc.oneof(box, fine), {minLength, maxLength}).map((list) => Float32Array.from(list.flat()));
const matching = fc.record({
  highThreshold: fc.constantFrom(0.5, 0.7, 1),
  lowThreshold: fc.constantFrom(0, 0.3, 0.5),
  allowLowQuality: fc.boolean(),
});

test('agrees with the definition, also for boxes without area, by the kernel and by operators in blocks', (t) => {
  fc.assert(
    fc.property(boxesOf(1, 12), boxesOf(1, 40), matching, fc.integer({min: 1, max: 99}), (given, boxes, how, pairs) => {
      const expected = naiveMatches(given, boxes, how);
      t.deepEqual([...ops.matchBoxes(given, boxes, how)], expected);
      t.deepEqual([...ops.matchBoxes(given, boxes, {...how, pairsAtOnce: pairs})], expected);
    }),
    {numRuns: 500},
  );
});

/** Anchors as the network has them: row by row, several at each cell. */
function anchors(side: number, stride: number, sizes: readonly number[]): number[] {
  const corners: number[] = [];
  for (let y = 0; y < side; y += stride) {
    for (let x = 0; x < side; x += stride) {
      for (const size of sizes) corners.push(x - size / 2, y - size, x + size / 2, y + size);
    }
  }
  return corners;
}

test('agrees with the operators on a grid of anchors of several blocks, with many instances', (t) => {
  const random = new Random(3);
  const grid = Float32Array.from([...anchors(256, 4, [8, 11.3, 16]), ...anchors(256, 16, [32, 45.3, 64])]);
  for (const count of [1, 7, 400]) {
    for (const size of [2, 30, 250]) {
      const corners = Array.from({length: count}, () => {
        const [width, height] = [1 + size * random.next(), 1 + Math.round(size * random.next())];
        const [x, y] = [Math.round((256 - width) * random.next()), (256 - height) * random.next()];
        return [x, y, x + width, y + height];
      });
      const rows = Float32Array.from([...corners, corners[0]!].flat());
      for (const how of [rpn, heads]) {
        const expected = ops.matchBoxes(rows, grid, {...how, pairsAtOnce: 2 ** 31});
        t.deepEqual(ops.matchBoxes(rows, grid, how), expected, `${count} instances of ${size}`);
        t.deepEqual(ops.matchBoxes(rows, grid, {...how, pairsAtOnce: 100_000}), expected);
      }
    }
  }
});
