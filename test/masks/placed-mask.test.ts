import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../lib/addon/binding.js';
import {Turn} from '../../lib/basics/turns.js';
import {decodeRle, encodeRle, type PlacedMask, wholeImageRle} from '../../lib/index.js';
import {unionOf} from '../../lib/masks/placed-mask.js';
import {bitmapOf, randomMask} from './random-masks.js';

const place = fc.integer({min: 0, max: 9});

test('the whole image has the same pixels, in their place', async (t) => {
  await fc.assert(
    fc.asyncProperty(randomMask, place, place, place, place, async (part, left, top, right, bottom) => {
      const [width, height] = [left + part.width + right, top + part.height + bottom];
      const mask = {left, top, rle: await encodeRle(part.pixels, part.width, part.height)};
      const rle = await wholeImageRle(mask, width, height);
      const expected = bitmapOf(width, height, (x, y) => {
        const [u, v] = [x - left, y - top];
        return u >= 0 && v >= 0 && u < part.width && v < part.height && part.pixels[v * part.width + u] === 1;
      }).pixels;
      t.deepEqual(decodeRle(rle), expected);
      t.deepEqual(rle, await encodeRle(expected, width, height)); // the same text, too
    }),
  );
});

test('an image of 40,000 × 50,000 pixels takes no bitmap', async (t) => {
  const rle = await encodeRle(Uint8Array.of(1, 1, 1, 1), 2, 2);
  const whole = await wholeImageRle({left: 39_998, top: 49_998, rle}, 40_000, 50_000);
  t.deepEqual(whole.size, [50_000, 40_000]);
  t.true(whole.counts.length < 30);
});

test('masks outside of the image, malformed masks and images without end are refused', async (t) => {
  const rle = await encodeRle(Uint8Array.of(1, 1, 1, 1), 2, 2);
  const refused = (mask: PlacedMask, width: number, height: number, message: RegExp) =>
    t.throwsAsync(wholeImageRle(mask, width, height), {code: 'INVALID_MASK', message});
  await refused({left: 9, top: 0, rle}, 10, 10, /2 × 2 pixels at \(9, 0\) is not inside the image of 10 × 10/);
  await refused({left: 0, top: -1, rle}, 10, 10, /not inside/);
  await refused({left: 0, top: 0, rle: {...rle, counts: '?'}}, 10, 10, /./);
  await refused({left: 0, top: 0, rle}, 100_000, 100_000, /at most 2147483647 pixels, got an image of 100000 × 100000/);
});

test('a union has the pixels of its masks, and lets the event loop run between any two of them', async (t) => {
  const rle = await encodeRle(Uint8Array.of(1, 0, 1, 1), 2, 2);
  const masks = Array.from({length: 5}, (_, i) => ({left: 10 + 3 * i, top: 20, rle}));
  const turn = new Turn();
  let turns = 0;
  turn.isOver = () => true;
  turn.next = async () => {
    turns++;
  };
  const union = await unionOf(await loadBinding(), masks, {left: 10, top: 20, width: 14, height: 2}, turn);
  const expected = bitmapOf(14, 2, (x, y) => x % 3 === 0 || (x % 3 === 1 && y === 1)).pixels;
  t.deepEqual([union.left, union.top], [10, 20]);
  t.deepEqual(decodeRle(union.rle), expected);
  t.is(turns, 5 + 3 + 2 + 1, 'to place five masks, and to merge five, three and two');
});
