import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {loadBinding} from '../../../lib/addon/binding.js';
import {Random} from '../../../lib/basics/random.js';
import {freeDiscarded} from '../../../lib/image/discard.js';
import {CACHE_BYTES} from '../../../lib/image/regions/tiff-blocks.js';
import type {RgbImage} from '../../../lib/image/rgb-image.js';
import {cut, pattern, using} from './regions.js';

/** An image with more pixels than the cache keeps, in both kinds of blocks. */
const SIDE = 5300;
const encoders = {
  tiles: {tile: true, tileWidth: 256, tileHeight: 256, compression: 'none'},
  strips: {tile: false, tileHeight: 40, compression: 'none'},
} as const;

/** A pattern of 530 × 530 pixels in each of 10 × 10 places, a little brighter from place to place. */
function large(): RgbImage {
  const part = pattern(SIDE / 10, SIDE / 10);
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let column = 0; column < 10; column++) {
      const row = part.data.subarray((y % part.height) * part.width * 3, ((y % part.height) + 1) * part.width * 3);
      const more = 10 * Math.floor(y / part.height) + column;
      data.set(
        row.map((value) => value + more),
        (y * SIDE + column * part.width) * 3,
      );
    }
  }
  return {data, width: SIDE, height: SIDE};
}

test.serial('pixels that the cache forgets are discarded, and no read misses any', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-discarded-test-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const whole = large();
  t.true(whole.data.length > CACHE_BYTES);
  let discarded = 0;
  const {freeBytes} = await loadBinding();
  freeDiscarded((memory) => {
    // The small TIFFs that blocks are decoded from are discarded, too.
    const start = Buffer.from(memory.buffer, memory.byteOffset, 4).toString('latin1');
    if (start !== 'II*\0') discarded += memory.byteLength;
    freeBytes(memory as Uint8Array);
    t.is(memory.byteLength, 0);
  });
  t.teardown(() => freeDiscarded(freeBytes as Parameters<typeof freeDiscarded>[0]));
  for (const [name, encoder] of Object.entries(encoders)) {
    const file = join(folder, `${name}.tif`);
    await sharp(whole.data, {raw: {width: SIDE, height: SIDE, channels: 3}})
      .tiff(encoder)
      .toFile(file);
    discarded = 0;
    await using(file, {}, async (source) => {
      const random = new Random(1);
      for (let round = 0; round < 8; round++) {
        // Some at a time, and once one that needs more blocks than the cache keeps.
        const rects = Array.from({length: 4}, (_, i) => {
          const side = round === 4 && i === 0 ? 5000 : 1 + Math.floor(random.next() * 1500);
          const place = () => Math.floor(random.next() * (SIDE - side));
          return {left: place(), top: place(), width: side, height: side};
        });
        const parts = await Promise.all(rects.map((rect) => source.read(rect)));
        for (const [i, {data}] of parts.entries()) t.is(Buffer.compare(data, cut(whole, rects[i]!)), 0, name);
      }
    });
    t.log(`${name}: ${Math.round(discarded / 1e6)} MB`);
    t.true(discarded > whole.data.length - CACHE_BYTES, `${name}: ${discarded} bytes`);
  }
});
