import test from 'ava';
import fc from 'fast-check';
import {crop} from '../../lib/draw/canvas.js';
import {cropRle, decodeRle, pixelsOf} from '../../lib/masks/rle.js';
import {encodeRle} from '../../lib/masks/rle-operations.js';
import {randomMask} from './random-masks.js';

// The counts below were written by pycocotools 2.0.
test('a rectangle of rows 2..5 and columns 3..8 in 10 × 12', (t) => {
  const bitmap = decodeRle({size: [10, 12], counts: 'P146000000000l0'});
  const expected = Array.from({length: 120}, (_, i) => {
    const [x, y] = [i % 12, Math.floor(i / 12)];
    return Number(y >= 2 && y <= 5 && x >= 3 && x <= 8);
  });
  t.deepEqual([...bitmap], expected);
});

test('long runs, falling counts and the last pixel', (t) => {
  const bitmap = decodeRle({size: [300, 200], counts: '0X6T3000hb0iIV^h10'});
  const on = (x: number, y: number) => (x < 3 && y < 200) || (x === 5 && y === 0) || (x === 199 && y === 299);
  t.true(bitmap.every((value, i) => value === Number(on(i % 200, Math.floor(i / 200)))));
});

test('noise', (t) => {
  const bitmap = decodeRle({size: [7, 9], counts: '021O0010O141MNO011OO01011NO0021OOO00023'});
  t.is(bitmap.join(''), '100011111110101011000011101111100110011010100101011010000100000');
});

test('all background and all object', (t) => {
  t.deepEqual([...decodeRle({size: [3, 3], counts: '9'})], new Array(9).fill(0));
  t.deepEqual([...decodeRle({size: [3, 3], counts: '09'})], new Array(9).fill(1));
});

test('the pixels of an object, column by column', (t) => {
  // Runs 4, 2, 1, 2 of 3 × 3 pixels: the lower two pixels of columns 1 and 2.
  t.deepEqual(pixelsOf({size: [3, 3], counts: '4210'}), Int32Array.of(4, 7, 5, 8));
  t.deepEqual(pixelsOf({size: [3, 3], counts: '9'}), new Int32Array(0));
  t.throws(() => pixelsOf({size: [3, 3], counts: '8'}), {instanceOf: RangeError, message: /add up to 9 pixels, got 8/});
});

test('the object in its bounding box is what is cut out of the bitmap', async (t) => {
  await fc.assert(
    fc.asyncProperty(randomMask, async ({width, height, pixels}) => {
      t.deepEqual(cropRle(await encodeRle(pixels, width, height)), crop(pixels, width));
    }),
  );
  t.deepEqual(cropRle({size: [3, 3], counts: '9'}), crop(new Uint8Array(9), 3));
  t.throws(() => cropRle({size: [3, 3], counts: '8'}), {instanceOf: RangeError, message: /add up to 9 pixels, got 8/});
});

test('counts that do not fit are refused', (t) => {
  t.throws(() => decodeRle({size: [3, 3], counts: '8'}), {
    instanceOf: RangeError,
    message: /add up to 9 pixels, got 8/,
  });
  t.throws(() => decodeRle({size: [3, 3], counts: 'P1'}), {message: /add up to 9 pixels, got more/});
  t.throws(() => decodeRle({size: [3, 3], counts: 'P'}), {message: /must be complete, got 'P'/});
  t.throws(() => decodeRle({size: [3, 3], counts: ' 9'}), {message: /must be complete/});
});
