import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {reasonOf} from '../../lib/image/bytes.js';
import {readImage} from '../../lib/image/read-image.js';
import {readMask} from '../../lib/image/read-mask.js';
import {openRegions} from '../../lib/image/regions/open-regions.js';
import {TAG, TiffFile} from '../../lib/image/tiff.js';
import {writeTiff} from './tiff-writer.js';

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tiff-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const data = Uint8Array.from({length: 64 * 64}, (_, i) => i % 7);
const page = {width: 64, height: 64, data};

const faulty: [name: string, bytes: () => Buffer, reason: RegExp, hint?: RegExp][] = [
  [
    'JPEG 2000',
    () => writeTiff({...page, compression: 34712}),
    /its compression JPEG 2000 \(34712\) is not supported\.$/,
    /LZW/,
  ],
  [
    'Zstandard',
    () => writeTiff({...page, compression: 50000}),
    /its block 0 of Zstandard data is damaged or cut off\.$/,
  ],
  [
    'pixels that are cut off',
    () => cutPixels(writeTiff(page)),
    /it is truncated: its pixels end at byte 8104 of \d+\.$/,
  ],
  [
    'a page that is cut off',
    () => writeTiff(page).subarray(0, 4110),
    /it is truncated: its first page is not there\.$/,
  ],
  ['the header alone', () => writeTiff(page).subarray(0, 8), /it is truncated: its first page is not there\.$/],
];

for (const [name, bytes, reason, hint] of faulty) {
  test(`${name}: one error with the file and the reason`, async (t) => {
    const path = join(folder, `${name}.tif`);
    await writeFile(path, bytes());
    for (const [read, code] of [
      [readImage, 'INVALID_IMAGE'],
      [readMask, 'INVALID_MASK'],
    ] as const) {
      const error = await t.throwsAsync<MaskRcnnError>(() => read(path), {instanceOf: MaskRcnnError});
      t.like(error, {code, file: path});
      const [sentence] = error!.message.split('\n');
      t.true(sentence!.startsWith(`${path} is not a readable TIFF `), sentence);
      t.regex(sentence!, reason);
      if (hint !== undefined) t.regex(error!.hint ?? '', hint);
    }
  });
}

/** The page with so many values of a tag, bytes that are all 0. */
async function withValues(tag: number, count: number): Promise<Buffer> {
  const tiff = writeTiff(page);
  const [first] = await new TiffFile(Uint8Array.from(tiff)).pages();
  const {entry} = first!.entries.get(tag)!;
  tiff.writeUInt16LE(1, entry + 2);
  tiff.writeUInt32LE(count, entry + 4);
  tiff.writeUInt32LE(tiff.length, entry + 8);
  return Buffer.concat([tiff, Buffer.alloc(count)]);
}

test('more values of a tag than images have are refused before they are looked at', async (t) => {
  const path = join(folder, 'values.tif');
  await writeFile(path, await withValues(TAG.stripOffsets, 2 ** 24 + 1));
  const strips = /values\.tif .*: its tag 273 has 16777217 numbers/;
  await t.throwsAsync(readImage(path), {code: 'INVALID_IMAGE', message: strips});
  await t.throwsAsync(readMask(path), {code: 'INVALID_MASK', message: strips});
  await t.throwsAsync(openRegions(path), {code: 'INVALID_IMAGE', message: strips});
  // White is 0, which is changed before it is decoded.
  await writeFile(path, await withValues(TAG.photometric, 65_536));
  const message = /values\.tif .*: its tag 262 has 65536 numbers/;
  await t.throwsAsync(readMask(path), {code: 'INVALID_MASK', message});
});

/** Moves the offset of the pixels, so that they end behind the file. */
function cutPixels(tiff: Buffer): Buffer {
  const entry = tiff.readUInt32LE(4) + 2 + 5 * 12;
  tiff.writeUInt32LE(4008, entry + 8);
  return tiff;
}

test('images of numbers that are not read are refused', async (t) => {
  const whole64 = new Uint32Array(8);
  for (const [samples, reason, hint] of [
    [
      Float32Array.of(-1, 0, 0.5, 812.5),
      /floating-point numbers from -1 to 812\.5, not in 0\.\.1/,
      /range: \[-1, 812\.5\]/,
    ],
    [Float32Array.of(0, 0, 0.5, Infinity), /from 0 to 0\.5, and infinite ones, not in 0\.\.1/, /range: 'percentile'/],
    [Float64Array.of(0, 0, 0, 1e300), /from 0 to 0, and infinite ones, not in 0\.\.1/, /range: 'percentile'/],
    [whole64, /it has 64 bits per sample, more than 32/, /floating-point numbers of 32 bits/],
  ] as const) {
    const bits = samples === whole64 ? {bits: 64} : {};
    const tiff = writeTiff({width: 4, height: 1, data: samples, ...bits});
    const error = await t.throwsAsync(readImage(tiff, {name: 'a.tif'}), {instanceOf: MaskRcnnError});
    t.regex(error!.message, reason);
    t.regex(error!.hint ?? '', hint);
  }
});

test('a reason that another image has taken away is not told as unknown', (t) => {
  t.is(reasonOf(new Error('Unknown error')), 'it cannot be decoded');
  t.is(reasonOf(new Error('first attempt\nbad header.')), 'bad header');
});

test('pages that point at each other are read once', async (t) => {
  const tiff = writeTiff([page, page]);
  const first = tiff.readUInt32LE(4);
  const second = tiff.readUInt32LE(first + 2 + 11 * 12);
  tiff.writeUInt32LE(first, second + 2 + 11 * 12);
  const path = join(folder, 'circle.tif');
  await writeFile(path, tiff);
  t.deepEqual([...(await readMask(path)).ids], [...data]);
});

test('damaged tiles and strips are refused, and never read as other pixels', async (t) => {
  const side = 96;
  const data = Uint8Array.from({length: side * side * 3}, (_, i) => (i * 7 + Math.floor(i / 300)) % 256);
  const labels = Uint8Array.from({length: side * side}, (_, i) => (i * 7 + Math.floor(i / 90)) % 256);
  const image = () => sharp(data, {raw: {width: side, height: side, channels: 3}});
  const mask = () => sharp(labels, {raw: {width: side, height: side, channels: 1}}).toColourspace('b-w');
  for (const compression of ['deflate', 'lzw'] as const) {
    for (const layout of [{tile: true, tileWidth: 32, tileHeight: 32}, {tileHeight: 16}]) {
      const options = {compression, predictor: 'none', ...layout} as const;
      for (const [read, picture] of [
        [(file: string) => readImage(file), image()],
        [(file: string) => readMask(file), mask()],
        [async (file: string) => readRegion(file, side), image()],
      ] as const) {
        const bytes = await picture.tiff(options).toBuffer();
        const file = join(folder, 'damaged.tif');
        await writeFile(file, bytes);
        await read(file);
        const middle = Math.floor(bytes.readUInt32LE(4) / 2);
        await writeFile(file, Buffer.from(bytes).fill(0xff, middle, middle + 300));
        await t.throwsAsync(read(file), {instanceOf: MaskRcnnError}, `${compression} ${JSON.stringify(layout)}`);
      }
    }
  }
});

async function readRegion(file: string, side: number): Promise<unknown> {
  const source = await openRegions(file);
  try {
    return await source.read({left: 0, top: 0, width: side, height: side});
  } finally {
    await source.close();
  }
}
