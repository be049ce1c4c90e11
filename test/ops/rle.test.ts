import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../lib/binding.js';
import {naiveRunLengths, naiveUnpack} from '../oracles/rle.js';
import {decodeBytes, readCases} from './fixture.js';

const {ops} = await loadBinding();

test('runs go down the columns and start with 0', (t) => {
  // 0 1
  // 1 1: down the columns 0 1 1 1, so runs of 1 and 3.
  t.is(ops.rleEncode(Uint8Array.of(0, 1, 1, 1), 2, 2), '13');
  t.deepEqual([...ops.rleDecode('13', 2, 2)], [0, 1, 1, 1]);
  t.is(ops.rleEncode(Uint8Array.of(1, 0), 1, 2), '011');
  t.is(ops.rleEncode(new Uint8Array(6), 3, 2), '6');
});

test('any byte but 0 counts as 1', (t) => {
  t.is(ops.rleEncode(Uint8Array.of(0, 255, 7, 1), 2, 2), '13');
});

test('lengths over 15 take more characters, from the fourth on differences are stored', (t) => {
  // 16 = 0b10000 needs a second character, since its top bit would be the sign.
  t.is(ops.rleEncode(new Uint8Array(16), 16, 1), '`0');
  // Runs 5 2 1 4: the last is stored as 4 - 2.
  t.is(ops.rleEncode(Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1), 1, 12), '5212');
});

test('encodes and decodes every bitmap, with the run lengths of the naive implementation', (t) => {
  const bitmaps = fc
    .tuple(fc.integer({min: 1, max: 70}), fc.integer({min: 1, max: 20}), fc.double({min: 0, max: 1, noNaN: true}))
    .chain(([width, height, density]) => {
      const pixel = fc.double({min: 0, max: 1, noNaN: true}).map((value) => (value < density ? 1 : 0));
      const pixels = fc.array(pixel, {minLength: width * height, maxLength: width * height});
      return fc.record({width: fc.constant(width), height: fc.constant(height), pixels});
    });
  fc.assert(
    fc.property(bitmaps, ({width, height, pixels}) => {
      const bitmap = Uint8Array.from(pixels);
      const counts = ops.rleEncode(bitmap, width, height);
      t.deepEqual(naiveUnpack(counts), naiveRunLengths(bitmap, width, height));
      t.deepEqual(ops.rleDecode(counts, width, height), bitmap);
    }),
  );
});

type RleCase = {width: number; height: number; bits: string; counts: string};

test("equals pycocotools' strings character for character", (t) => {
  for (const {width, height, bits, counts} of readCases<RleCase>('rle')) {
    const packed = decodeBytes(bits);
    const bitmap = Uint8Array.from({length: width * height}, (_, i) => (packed[i >> 3]! >> (7 - (i & 7))) & 1);
    t.is(ops.rleEncode(bitmap, width, height), counts);
    t.deepEqual(ops.rleDecode(counts, width, height), bitmap);
  }
});

test('empty runs in the middle are read', (t) => {
  // Runs 1 0 1 0 2: two pixels of 0 with nothing between them, and two more.
  t.deepEqual([...ops.rleDecode('10101', 2, 2)], [0, 0, 0, 0]);
});
