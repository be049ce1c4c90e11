import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {encode as encodePng} from 'fast-png';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {Random} from '../../lib/basics/random.js';
import {readMask} from '../../lib/image/read-mask.js';
import {writeBmp} from './bmp-writer.js';
import {writeTiff} from './tiff-writer.js';

const width = 7;
const height = 5;
const ids = Uint8Array.from({length: width * height}, (_, i) => (i * 5) % 4);

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-mask-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

let files = 0;
async function read(bytes: Uint8Array) {
  const path = join(folder, `mask-${files++}`);
  await writeFile(path, bytes);
  return readMask(path);
}

test('8-bit grey PNG and BMP give their values', async (t) => {
  const png = await read(encodePng({width, height, channels: 1, data: ids}));
  t.deepEqual([png.width, png.height, png.source], [width, height, 'values']);
  t.deepEqual([...png.ids], [...ids]);
  const bmp = await read(writeBmp({width, height, bits: 8, pixel: (x, y) => ids[y * width + x]!}));
  t.deepEqual([...bmp.ids], [...ids]);
});

test('16-bit PNG is exact', async (t) => {
  const data = Uint16Array.from(ids, (id) => id * 20001);
  t.deepEqual([...(await read(encodePng({width, height, channels: 1, depth: 16, data}))).ids], [...data]);
});

test('a palette gives indices, not colours', async (t) => {
  const palette = [
    [0, 0, 0],
    [128, 0, 0],
    [0, 128, 0],
    [128, 128, 0],
  ];
  const png = await read(encodePng({width, height, channels: 1, data: ids, palette}));
  t.is(png.source, 'palette');
  t.deepEqual([...png.ids], [...ids]);
  for (const bits of [1, 4, 8] as const) {
    const index = (x: number, y: number) => ids[y * width + x]! % (1 << bits);
    const colours: [number, number, number][] =
      bits === 1
        ? [
            [255, 0, 0],
            [0, 0, 255],
          ]
        : (palette as []);
    const bmp = await read(writeBmp({width, height, bits, pixel: index, palette: colours}));
    t.deepEqual(
      [...bmp.ids],
      [...ids].map((id) => id % (1 << bits)),
      `${bits} bits`,
    );
    t.is(bmp.source, 'palette');
  }
});

test('a palette of 1, 2 and 4 bits is unpacked', async (t) => {
  for (const colours of [2, 4, 16]) {
    const expected = Uint8Array.from({length: width * height}, (_, i) => (i * 3) % colours);
    const data = Uint8Array.from({length: expected.length * 3}, (_, i) => expected[Math.floor(i / 3)]! * 16);
    const grey = await sharp(data, {raw: {width, height, channels: 3}})
      .png({palette: true, colours, dither: 0})
      .toBuffer();
    const {ids: read_, source} = await read(grey);
    t.is(source, 'palette');
    // The encoder may reorder its palette, so equal ids must stay equal and different ids different.
    const pairs = new Set([...expected].map((id, i) => `${id}:${read_[i]}`));
    t.is(pairs.size, colours);
  }
});

test('8-, 16- and 32-bit TIFF are exact', async (t) => {
  const tiff = await sharp(ids, {raw: {width, height, channels: 1}})
    .tiff({compression: 'lzw'})
    .toBuffer();
  t.deepEqual([...(await read(tiff)).ids], [...ids]);
  const wide = Uint16Array.from(ids, (id) => id * 300);
  t.deepEqual([...(await read(writeTiff({data: wide, width, height}))).ids], [...wide]);
  const wider = Uint32Array.from(ids, (id) => id * 1_000_003);
  t.deepEqual([...(await read(writeTiff({data: wider, width, height}))).ids], [...wider]);
});

test('lossless WebP is exact; grey stored as colour gives the values', async (t) => {
  const data = Uint8Array.from({length: ids.length * 3}, (_, i) => ids[Math.floor(i / 3)]!);
  const webp = await sharp(data, {raw: {width, height, channels: 3}})
    .webp({lossless: true})
    .toBuffer();
  t.like(await read(webp), {source: 'values'});
  t.deepEqual([...(await read(webp)).ids], [...ids]);
  t.deepEqual([...(await read(encodePng({width, height, channels: 3, data}))).ids], [...ids]);
});

test('colours are numbered by first appearance, and black is the background', async (t) => {
  const data = new Uint8Array([255, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 9, 9, 9, 0, 0, 255]);
  const mask = await read(encodePng({width: 6, height: 1, channels: 3, data}));
  t.is(mask.source, 'colours');
  t.deepEqual([...mask.ids], [1, 0, 2, 1, 3, 2]);
});

test('alpha is ignored', async (t) => {
  const data = new Uint8Array([3, 0, 4, 255]);
  t.deepEqual([...(await read(encodePng({width: 2, height: 1, channels: 2, data}))).ids], [3, 4]);
});

async function fails(t: {is: (a: unknown, b: unknown) => unknown}, bytes: Uint8Array): Promise<string> {
  const path = join(folder, `bad-${files++}`);
  await writeFile(path, bytes);
  try {
    await readMask(path);
  } catch (error) {
    t.is((error as MaskRcnnError).code, 'INVALID_MASK');
    t.is((error as MaskRcnnError).file, path);
    return (error as Error).message.replace(path, 'FILE');
  }
  return 'nothing was thrown';
}

test('lossy formats are refused', async (t) => {
  const source = () => sharp(ids, {raw: {width, height, channels: 1}});
  const jpeg = await fails(t, await source().jpeg().toBuffer());
  t.regex(jpeg, /^FILE must be a mask stored without loss, got JPEG\.\nLossy compression changes the values/);
  t.regex(await fails(t, await source().webp().toBuffer()), /got lossy WebP\./);
  t.regex(await fails(t, await source().avif().toBuffer()), /got AVIF\./);
});

test('a picture is no mask', async (t) => {
  const random = new Random(1);
  const data = Uint8Array.from({length: 100 * 100 * 3}, () => random.integer(256));
  t.regex(
    await fails(t, encodePng({width: 100, height: 100, channels: 3, data})),
    /more than 4096 colours, so it is probably a picture/,
  );
});

test('empty, foreign and damaged files are refused by name', async (t) => {
  t.is(await fails(t, new Uint8Array(0)), 'FILE must be a mask, got an empty file (0 bytes).');
  t.regex(await fails(t, Buffer.from('hello')), /must be a PNG, BMP, TIFF, GIF or lossless WebP mask, got 5 bytes/);
  const png = encodePng({width, height, channels: 1, data: ids});
  for (let length = 8; length < png.length; length++) {
    t.regex(await fails(t, png.subarray(0, length)), /^FILE is not a readable PNG mask: /);
  }
  const damaged = png.slice();
  damaged[png.length - 20]! ^= 255; // within the compressed pixels, so that the checksum fails
  t.regex(await fails(t, damaged), /^FILE is not a readable PNG mask: /);
  const huge = png.slice();
  huge.set([0x7f, 0xff, 0xff, 0xff], 16);
  t.regex(await fails(t, huge), /is more than 268402689 pixels/);
  const missing = join(folder, 'missing.png');
  t.like(await t.throwsAsync(readMask(missing), {instanceOf: MaskRcnnError}), {
    code: 'INVALID_MASK',
    message: `${missing} cannot be read: there is no such file.`,
  });
});
