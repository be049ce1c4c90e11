import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {decode} from 'fast-png';
import {readMask} from '../../lib/image/read-mask.js';
import {writeGif} from './gif-writer.js';
import {writePng} from './png-writer.js';
import {writeTiff} from './tiff-writer.js';

// Sizes for which rows end within a byte, and Adam7 has empty passes.
const SIZES = [
  [1, 1],
  [7, 5],
  [33, 9],
] as const;

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-palettes-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

let files = 0;
async function read(bytes: Uint8Array) {
  const path = join(folder, `mask-${files++}`);
  await writeFile(path, bytes);
  return readMask(path);
}

const value = (x: number, y: number, bits: number) => (x * 37 + y * 11 + x * y) % 2 ** bits;
const grid = (width: number, height: number, bits: number) =>
  Array.from({length: width * height}, (_, i) => value(i % width, Math.floor(i / width), bits));

for (const kind of ['grey', 'palette'] as const) {
  for (const bits of [1, 2, 4, 8, 16] as const) {
    if (kind === 'palette' && bits === 16) continue; // there is none
    test(`PNG, ${kind}, ${bits} bits: values as stored, interlaced or not, with tRNS or not`, async (t) => {
      const tRNS = {type: 'tRNS', data: kind === 'grey' ? Buffer.from([0, 1]) : Buffer.from([0, 255])};
      for (const [width, height] of SIZES) {
        for (const interlaced of [false, true]) {
          for (const chunks of [[], [tRNS]]) {
            const spec = {width, height, bits, kind, interlaced, chunks};
            const png = writePng({...spec, value: (x, y) => value(x, y, bits)});
            const mask = await read(png);
            t.deepEqual([...mask.ids], grid(width, height, bits));
            t.like(mask, {width, height, bits, source: kind === 'palette' ? 'palette' : 'values'});
          }
        }
      }
    });
  }
}

test('PNG of 8 and 16 bits: as fast-png reads it', async (t) => {
  for (const bits of [8, 16] as const) {
    const png = writePng({width: 33, height: 9, bits, value: (x, y) => value(x, y, bits)});
    t.deepEqual([...(await read(png)).ids], [...decode(Uint8Array.from(png)).data]);
  }
});

test('PNG in colours of 16 bits: grey gives the values, others are numbered', async (t) => {
  const grey = writePng({width: 7, height: 5, bits: 16, kind: 'rgb', value: (x, y) => value(x, y, 16)});
  t.like(await read(grey), {source: 'values', bits: 16});
  t.deepEqual([...(await read(grey)).ids], grid(7, 5, 16));
  // The upper 8 bits are equal, the colours are not.
  const near = writePng({width: 3, height: 1, bits: 16, kind: 'rgb', value: (x, _, c) => (c === 0 ? 256 + x : 0)});
  t.deepEqual([...(await read(near)).ids], [1, 2, 3]);
});

for (const bits of [1, 2, 3, 4, 8] as const) {
  test(`GIF of ${bits} bits: indices, also those of a palette of the frame and a transparent one`, async (t) => {
    for (const local of [false, true]) {
      for (const transparent of [undefined, 1]) {
        const spec = {width: 33, height: 9, bits, local, ...(transparent !== undefined && {transparent})};
        const mask = await read(writeGif({...spec, index: (x, y) => value(x, y, bits)}));
        t.deepEqual([...mask.ids], grid(33, 9, bits));
        t.like(mask, {width: 33, height: 9, bits, source: 'palette'});
      }
    }
  });
}

for (const bits of [1, 2, 4, 8, 16] as const) {
  test(`TIFF of ${bits} bits: indices, and greys as stored, in both byte orders`, async (t) => {
    const [width, height] = [33, 9];
    const data = bits === 16 ? Uint16Array.from(grid(width, height, 16)) : packed(width, height, bits);
    for (const bigEndian of [false, true]) {
      for (const photometric of [0, 1, 3] as const) {
        const mask = await read(writeTiff({width, height, data, bits, photometric}, {bigEndian}));
        // A bitmap in which white is 0 is a scan: what is black is stored as 1.
        const inverted = bits === 1 && photometric === 0;
        t.deepEqual(
          [...mask.ids],
          grid(width, height, bits).map((id) => (inverted ? 1 - id : id)),
        );
        t.like(mask, {bits, source: photometric === 3 ? 'palette' : 'values'});
      }
    }
  });
}

function packed(width: number, height: number, bits: number): Uint8Array {
  const stride = Math.ceil((width * bits) / 8);
  const bytes = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * stride + Math.floor((x * bits) / 8);
      bytes[at]! |= value(x, y, bits) << (8 - bits - ((x * bits) % 8));
    }
  }
  return bytes;
}
