import test from 'ava';
import {encodeLzw} from '../../lib/image/tiff-codecs.js';

/** The codes of nine bits that end at this bit, the last one first. */
function lastCodes(encoded: Uint8Array, end: number, count: number): number[] {
  return Array.from({length: count}, (_, i) => {
    const start = end - 9 * (i + 1);
    const at = Math.floor(start / 8);
    return (((encoded[at]! << 8) | encoded[at + 1]!) >> (7 - (start % 8))) & 511;
  });
}

test('LZW of more bits than 2^31 keeps its codes', async (t) => {
  const length = 238_500_000;
  const bytes = new Uint8Array(length);
  for (let i = 1; i <= 200; i++) bytes[length - i] = i;
  const encoded = await encodeLzw(bytes);
  const codes = length + Math.ceil(length / 250) + 1;
  t.true(codes * 9 > 2 ** 31);
  t.is(encoded.length, Math.ceil((codes * 9) / 8));
  const expected = [257, ...Array.from({length: 200}, (_, i) => i + 1), 0];
  t.deepEqual(lastCodes(encoded, codes * 9, expected.length), expected);
});
