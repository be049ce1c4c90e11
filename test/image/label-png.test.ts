import test from 'ava';
import {faultOfPng, labelPng} from '../../lib/image/label-png.js';
import {maskOfBytes} from '../../lib/image/read-mask.js';

test('numbers of 16 and 32 bits are written as they are', async (t) => {
  const values = [0, 1, 255, 256, 32_768, 65_535];
  for (const Numbers of [Uint16Array, Int32Array, Uint32Array]) {
    const {ids} = await maskOfBytes(await labelPng(Numbers.from(values), 3, 2), 'labels.png');
    t.deepEqual([...ids], values, Numbers.name);
  }
});

test('a number that 16 bits cannot hold is an error, not another number', async (t) => {
  for (const Numbers of [Int32Array, Uint32Array]) {
    await t.throwsAsync(labelPng(Numbers.from([1, 65_536]), 2, 1), {
      code: 'INVALID_MASK',
      message: 'A label in 16 bits must be at most 65535, got 65536.',
    });
  }
  t.is(faultOfPng(65_535, 'a.png'), undefined);
  t.is(faultOfPng(65_536, 'a.png'), 'A label mask of 16 bits holds 65535 objects, got 65536 on a.png.');
});
