import test from 'ava';
import {loadBinding} from '../../../lib/addon/binding.js';
import type {Part} from '../../../lib/datasets/annotated/annotations.js';
import {decodeParts} from '../../../lib/datasets/annotated/decode-parts.js';
import {ellipseRing, rectangleRing, turnedRing} from '../../../lib/datasets/annotated/outlines.js';

const size = {width: 20, height: 16};

async function decode(parts: readonly Part[]) {
  const [mask] = await decodeParts([parts], size, {binding: await loadBinding(), crops: true});
  if (!(mask && 'crop' in mask)) throw mask;
  return mask;
}

test('a ring in a ring is a hole, and a ring in that is a part again', async (t) => {
  const rings = [rectangleRing(2, 2, 14, 14), rectangleRing(4, 4, 12, 12), rectangleRing(6, 6, 10, 10)];
  const mask = await decode([{rings}]);
  t.is(mask.area, 144 - 64 + 16);
  const at = (x: number, y: number) => mask.crop!.data[(y - 2) * 12 + (x - 2)];
  t.deepEqual([at(3, 3), at(5, 5), at(8, 8)], [1, 0, 1]);
  t.deepEqual(mask.box, [2, 2, 12, 12]);
});

test('parts are joined, though they overlap', async (t) => {
  const parts = [{rings: [rectangleRing(0, 0, 6, 6)]}, {rings: [rectangleRing(3, 3, 9, 9)]}];
  t.is((await decode(parts)).area, 36 + 36 - 9);
});

test('a bitmap is cut off at the border of the image, and joined with polygons', async (t) => {
  const bitmap = {left: 18, top: -1, width: 4, height: 3, data: new Uint8Array(12).fill(1)};
  t.is((await decode([{bitmap}])).area, 2 * 2);
  t.is((await decode([{bitmap}, {rings: [rectangleRing(0, 0, 3, 3)]}])).area, 4 + 9);
  t.is((await decode([{bitmap: {...bitmap, left: 40}}])).area, 0);
});

test('outlines of ellipses and turned rectangles have their areas', async (t) => {
  const circle = await decode([{rings: [ellipseRing(10, 8, [6, 4], 0.5)]}]);
  t.true(Math.abs(circle.area - Math.PI * 24) < 3, `${circle.area}`);
  const turned = await decode([{rings: [turnedRing(rectangleRing(6, 4, 14, 12), 10, 8, Math.PI / 2)]}]);
  t.is(turned.area, 64);
});

test('what cannot be decoded says what it must be', async (t) => {
  const binding = await loadBinding();
  const bad: readonly Part[][] = [
    [],
    [{rings: [[0, 0, 1, 1]]}],
    [{rings: [[0, 0, 5, 0, Number.NaN, 5]]}],
    [{rings: [[0, 0, 5, 0, 5]]}],
  ];
  const errors = await decodeParts(bad, size, {binding, crops: true});
  t.deepEqual(
    errors.map((error) => (error as RangeError).message),
    [
      'one polygon or bitmap or more, got none',
      'made of three points or more, got 2',
      'made of finite numbers',
      'made of three points or more, got 2',
    ],
  );
});
