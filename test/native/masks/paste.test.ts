import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {decodeFloats, largestDifference, pattern, readCases} from '../fixture.js';
import {naivePaste} from '../oracles/paste.js';

const {ops} = await loadBinding();

type Box = [number, number, number, number];

test('a mask of ones fills the inside of its box and fades to the widened border', (t) => {
  const ones = new Float32Array(16).fill(1);
  // A side of 4 is padded to 6, so the box 4..8 becomes 3..9, which gives 7 pixels for 6 mask cells.
  const image = ops.pasteMask(ones, 4, Float32Array.of(4, 4, 8, 8), 12, 12);
  const row = [...image.subarray(6 * 12, 7 * 12)];
  t.deepEqual(row.slice(5, 8), [1, 1, 1]);
  t.is(row[2], 0);
  t.is(row[10], 0);
  t.true(Math.abs(row[4]! - (1.5 * 6) / 7 + 0.5) < 1e-6); // (1 + 0.5) · 6/7 - 0.5 cells from the centre of the padding
  t.is(row[3], 0);
});

test('a box outside of the image leaves it empty', (t) => {
  const ones = new Float32Array(4).fill(1);
  t.true(ops.pasteMask(ones, 2, Float32Array.of(40, 40, 50, 50), 8, 6).every((value) => value === 0));
  t.true(ops.pasteMask(ones, 2, Float32Array.of(-50, 0, -40, 5), 8, 6).every((value) => value === 0));
});

test('agrees with the naive implementation', (t) => {
  const coordinate = fc.integer({min: -40, max: 100}).map((quarters) => quarters / 4);
  fc.assert(
    // For these sides the padding is exact, and so is the rounding to whole pixels.
    fc.property(fc.constantFrom(1, 2, 4), fc.tuple(coordinate, coordinate, coordinate, coordinate), (side, corners) => {
      const [a, b, c, d] = corners;
      const box: Box = [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
      const mask = pattern(side * side);
      const image = ops.pasteMask(mask, side, Float32Array.from(box), 13, 11);
      const expected = image.map((_, i) => naivePaste(mask, side, box, i % 13, Math.floor(i / 13)));
      t.true(largestDifference(image, expected) < 1e-5);
    }),
  );
});

type PasteCase = {side: number; box: Box; width: number; height: number; pasted: string};

test("equals torchvision's paste_masks_in_image", (t) => {
  for (const {side, box, width, height, pasted} of readCases<PasteCase>('paste')) {
    const image = ops.pasteMask(pattern(side * side), side, Float32Array.from(box), width, height);
    t.true(largestDifference(image, decodeFloats(pasted)) < 2e-6, `box ${box}`);
  }
});
