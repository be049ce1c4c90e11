import test from 'ava';
import fc from 'fast-check';
import {mirrorRles} from '../../lib/masks/mirror-rle.js';
import {decodeRle} from '../../lib/masks/rle.js';
import {encodeRle} from '../../lib/masks/rle-operations.js';

/** The bitmap mirrored pixel by pixel. */
function mirrored(bitmap: Uint8Array, width: number, leftRight: boolean, topBottom: boolean): Uint8Array {
  const height = bitmap.length / width;
  return bitmap.map((_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return bitmap[(topBottom ? height - 1 - y : y) * width + (leftRight ? width - 1 - x : x)]!;
  });
}

const masks = fc
  .tuple(fc.integer({min: 1, max: 9}), fc.integer({min: 1, max: 9}))
  .chain(([width, height]) =>
    fc
      .uint8Array({minLength: width * height, maxLength: width * height, max: 1})
      .map((bitmap) => ({bitmap, width, height})),
  );

test('a mirrored mask is the mask of the mirrored bitmap, string for string', async (t) => {
  await fc.assert(
    fc.asyncProperty(masks, fc.boolean(), fc.boolean(), async ({bitmap, width, height}, leftRight, topBottom) => {
      const [found] = await mirrorRles([await encodeRle(bitmap, width, height)], {leftRight, topBottom});
      t.deepEqual(found, await encodeRle(mirrored(bitmap, width, leftRight, topBottom), width, height));
      t.deepEqual(decodeRle(found!), mirrored(bitmap, width, leftRight, topBottom));
    }),
    {numRuns: 500},
  );
});

test('empty and full masks stay what they are, and malformed ones are refused', async (t) => {
  for (const value of [0, 1]) {
    const mask = await encodeRle(new Uint8Array(12).fill(value), 4, 3);
    t.deepEqual(await mirrorRles([mask], {leftRight: true, topBottom: true}), [mask]);
  }
  const wrong = {size: [3, 4] as [number, number], counts: '1'};
  await t.throwsAsync(mirrorRles([wrong], {leftRight: true, topBottom: false}), {code: 'INVALID_MASK'});
});
