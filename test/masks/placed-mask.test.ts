import test from 'ava';
import fc from 'fast-check';
import {decodeRle, encodeRle, type PlacedMask, wholeImageRle} from '../../lib/index.js';
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
