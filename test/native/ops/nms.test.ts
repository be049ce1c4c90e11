import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {decodeFloats, decodeIntegers, readCases} from '../fixture.js';
import {naiveNms} from '../oracles/nms.js';

const {ops} = await loadBinding();

const threeBoxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 6, 20, 20, 30, 30);

test('of two boxes with IoU 0.6 the better one is kept, the distant one always', (t) => {
  t.deepEqual([...ops.nms(threeBoxes, Float32Array.of(0.8, 0.9, 0.1), 0.5)], [1, 2]);
  t.deepEqual([...ops.nms(threeBoxes, Float32Array.of(0.9, 0.8, 1), 0.5)], [2, 0]);
  t.deepEqual([...ops.nms(threeBoxes, Float32Array.of(0.9, 0.8, 1), 0.7)], [2, 0, 1]);
});

test('a box is dropped only above the threshold, compared in double precision', (t) => {
  const scores = Float32Array.of(3, 2, 1);
  const iou = Math.fround(0.6); // slightly above 0.6
  t.deepEqual([...ops.nms(threeBoxes, scores, iou)], [0, 1, 2]);
  t.deepEqual([...ops.nms(threeBoxes, scores, 0.6)], [0, 2]);
});

test('equal scores keep the order of the boxes', (t) => {
  const boxes = Float32Array.of(0, 0, 4, 4, 0, 0, 4, 4, 8, 8, 9, 9, 8, 8, 9, 9);
  t.deepEqual([...ops.nms(boxes, Float32Array.of(1, 1, 1, 1), 0.5)], [0, 2]);
});

test('groups do not suppress each other', (t) => {
  const boxes = Float32Array.of(0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 4, 4);
  const scores = Float32Array.of(0.1, 0.2, 0.3);
  t.deepEqual([...ops.batchedNms(boxes, scores, Int32Array.of(7, -1, 7), 0.5)], [2, 1]);
});

test('no boxes give no indices; boxes without area are kept', (t) => {
  t.deepEqual([...ops.nms(new Float32Array(0), new Float32Array(0), 0.5)], []);
  t.deepEqual([...ops.batchedNms(new Float32Array(0), new Float32Array(0), new Int32Array(0), 0.5)], []);
  t.deepEqual([...ops.nms(Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1), Float32Array.of(1, 2), 0.5)], [1, 0]);
});

test('agrees with the naive implementation, with ties of score and of IoU', (t) => {
  const box = fc
    .tuple(fc.nat(20), fc.nat(20), fc.integer({min: 1, max: 12}), fc.integer({min: 1, max: 12}))
    .map(([x, y, width, height]) => [x, y, x + width, y + height]);
  const entry = fc.record({box, score: fc.nat(9), group: fc.nat(2)});
  fc.assert(
    fc.property(fc.array(entry, {maxLength: 80}), fc.constantFrom(0, 0.3, 0.5, 2 / 3, 1), (entries, threshold) => {
      const boxes = Float32Array.from(entries.flatMap((e) => e.box));
      const scores = Float32Array.from(entries, (e) => e.score);
      const groups = Int32Array.from(entries, (e) => e.group);
      t.deepEqual([...ops.nms(boxes, scores, threshold)], naiveNms(boxes, scores, threshold));
      t.deepEqual([...ops.batchedNms(boxes, scores, groups, threshold)], naiveNms(boxes, scores, threshold, groups));
    }),
  );
});

type NmsCase = {
  iouThreshold: number;
  boxes: string;
  scores: string;
  groups: string;
  kept: string;
  keptInGroups: string;
};

test("keeps torchvision's boxes in torchvision's order, below and above its limit of 1000 boxes", (t) => {
  for (const {iouThreshold, ...arrays} of readCases<NmsCase>('nms')) {
    const [boxes, scores] = [decodeFloats(arrays.boxes), decodeFloats(arrays.scores)];
    const groups = decodeIntegers(arrays.groups);
    t.deepEqual(ops.nms(boxes, scores, iouThreshold), decodeIntegers(arrays.kept));
    t.deepEqual(ops.batchedNms(boxes, scores, groups, iouThreshold), decodeIntegers(arrays.keptInGroups));
  }
});
