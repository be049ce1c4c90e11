import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import type {Part} from '../../../lib/datasets/annotated/annotations.js';
import {placedParts} from '../../../lib/datasets/annotated/placed-parts.js';
import {countsWithin} from '../../../lib/masks/placed-mask.js';

/** More pixels than run lengths can count. */
const large = {width: 120_000, height: 90_000};
/** Where a small image is in it. */
const [left, top] = [100_000, 80_000];
const small = {width: 90, height: 70};

const tenths = (min: number, max: number) => fc.integer({min: min * 10, max: max * 10}).map((value) => value / 10);
const ring = fc.array(fc.tuple(tenths(0, 90), tenths(0, 70)), {minLength: 3, maxLength: 6});

test('polygons have the same pixels in images of more pixels than run lengths can count', async (t) => {
  const binding = await loadBinding();
  await fc.assert(
    fc.asyncProperty(ring, async (points) => {
      const part = (dx: number, dy: number): Part => ({rings: [points.flatMap(([x, y]) => [x + dx, y + dy])]});
      const [there] = await placedParts([[part(left, top)]], large, binding);
      const [here] = await placedParts([[part(0, 0)]], small, binding);
      if (there instanceof RangeError || here instanceof RangeError) throw there;
      if (there!.mask === undefined || here!.mask === undefined) throw new Error('there must be masks');
      const counts = countsWithin(binding, there!.mask, {left, top, ...small});
      // An edge may pass exactly between two points of the grid. Which one it takes depends on where it is.
      const [both] = binding.rle.iou([counts], [here!.mask.rle.counts], new Uint8Array(1), small.width, small.height);
      if (here!.area > 0 && !(both! > 1 - 2 / here!.area)) throw new Error(`they overlap by ${both}`);
    }),
    {numRuns: 300, seed: 5},
  );
  t.pass();
});

test('bitmaps, boxes, and objects outside of such an image', async (t) => {
  const binding = await loadBinding();
  const bitmap = {left: 119_998, top: 89_999, width: 4, height: 1, data: new Uint8Array(4).fill(1)};
  const [cut, box, outside, faulty] = await placedParts(
    [
      [{bitmap}],
      [{boxAround: [119_990, 10, 120_010, 30]}],
      [{rings: [[-30, -30, -20, -30, -20, -20]]}],
      [{rings: [[0, 0, 1, 1]]}],
    ],
    large,
    binding,
  );
  t.like(cut, {box: [119_998, 89_999, 2, 1], area: 2});
  t.like(box, {box: [119_990, 10, 10, 20], area: 200, mask: undefined});
  t.like(outside, {area: 0});
  t.regex((faulty as RangeError).message, /three points or more/);
});
