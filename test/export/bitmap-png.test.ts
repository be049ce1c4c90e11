import {inflateSync} from 'node:zlib';
import test from 'ava';
import {decode} from 'fast-png';
import sharp from 'sharp';
import {Random} from '../../lib/basics/random.js';
import {Turn} from '../../lib/basics/turns.js';
import {bitmapPng, deflated} from '../../lib/export/bitmap-png.js';

test('pixels that are set are opaque, for libpng and for fast-png, of any width and of many pixels', async (t) => {
  const random = new Random(4);
  for (const [width, height] of [
    [1, 1],
    [7, 5],
    [8, 3],
    [9, 2],
    [640, 401],
  ] as const) {
    const data = Uint8Array.from({length: width * height}, () => random.integer(2));
    const png = await bitmapPng({left: 0, top: 0, width, height, data}, new Turn());
    const {data: alpha, info} = await sharp(png)
      .ensureAlpha()
      .extractChannel(3)
      .raw()
      .toBuffer({resolveWithObject: true});
    t.deepEqual([info.width, info.height], [width, height]);
    t.true(alpha.every((value, i) => value === 255 * data[i]!));
    const {depth, palette} = decode(png);
    t.deepEqual([depth, palette!.length], [1, 2]);
    t.deepEqual(inflateSync(await deflated(png)), png);
  }
});
