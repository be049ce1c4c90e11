import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {crc32} from 'node:zlib';
import test from 'ava';
import {encode as encodePng} from 'fast-png';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {readImage} from '../../lib/image/read-image.js';
import {writeBmp} from './bmp-writer.js';

const width = 9;
const height = 6;
/** A gradient, which lossy formats preserve approximately. */
const rgb = Uint8Array.from({length: width * height * 3}, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
  return [x * 25, y * 40, 100][i % 3]!;
});
const picture = () => sharp(rgb, {raw: {width, height, channels: 3}});

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-image-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

test('lossless formats come back exactly, whatever the file is called', async (t) => {
  const encoded = {
    'a.png': await picture().png().toBuffer(),
    'a.webp': await picture().webp({lossless: true}).toBuffer(),
    'a.tif': await picture().tiff({compression: 'lzw'}).toBuffer(),
    'a.gif': await picture().gif().toBuffer(),
    'png-called.jpg': await picture().png().toBuffer(),
    'a.bmp': writeBmp({
      width,
      height,
      bits: 24,
      pixel: (x, y) => Buffer.from(rgb).readUIntBE((y * width + x) * 3, 3),
    }),
  };
  for (const [name, bytes] of Object.entries(encoded)) {
    const image = await readImage(await file(name, bytes));
    t.deepEqual([image.width, image.height, image.data.length], [width, height, width * height * 3], name);
    if (name !== 'a.gif') t.deepEqual(image.data, rgb, name);
  }
});

test('lossy formats come back nearly', async (t) => {
  for (const bytes of [
    await picture().jpeg({quality: 95}).toBuffer(),
    await picture().avif({quality: 90}).toBuffer(),
  ]) {
    const {data} = await readImage(bytes);
    const error = data.reduce((sum, value, i) => sum + Math.abs(value - rgb[i]!), 0) / data.length;
    t.true(error < 8, `${error}`);
  }
});

test('a path, a file URL and bytes give the same', async (t) => {
  const bytes = await picture().png().toBuffer();
  const path = await file('same.png', bytes);
  const expected = await readImage(path);
  t.deepEqual(await readImage(pathToFileURL(path)), expected);
  t.deepEqual(await readImage(bytes), expected);
});

test('16 bits become the upper 8, in grey and in colour', async (t) => {
  const grey = encodePng({width: 2, height: 1, channels: 1, depth: 16, data: new Uint16Array([0xffff, 0x1234])});
  t.deepEqual([...(await readImage(grey)).data], [255, 255, 255, 0x12, 0x12, 0x12]);
  const data = new Uint16Array([0xffff, 0x8000, 0, 256, 512, 768]);
  const colour = encodePng({width: 2, height: 1, channels: 3, depth: 16, data});
  t.deepEqual([...(await readImage(colour)).data], [255, 128, 0, 1, 2, 3]);
});

test('alpha is dropped, palettes and grey are expanded', async (t) => {
  const rgba = encodePng({width: 2, height: 1, channels: 4, data: new Uint8Array([10, 20, 30, 0, 40, 50, 60, 128])});
  t.deepEqual([...(await readImage(rgba)).data], [10, 20, 30, 40, 50, 60]);
  const greyAlpha = encodePng({width: 1, height: 1, channels: 2, data: new Uint8Array([77, 3])});
  t.deepEqual([...(await readImage(greyAlpha)).data], [77, 77, 77]);
  const palette = [
    [1, 2, 3],
    [200, 100, 50],
  ];
  const indexed = encodePng({width: 2, height: 1, channels: 1, data: new Uint8Array([1, 0]), palette});
  t.deepEqual([...(await readImage(indexed)).data], [200, 100, 50, 1, 2, 3]);
  const bmp = writeBmp({
    width: 2,
    height: 1,
    bits: 4,
    pixel: (x) => x,
    palette: [
      [9, 8, 7],
      [6, 5, 4],
    ],
  });
  t.deepEqual([...(await readImage(bmp)).data], [9, 8, 7, 6, 5, 4]);
});

test('CMYK JPEG becomes RGB', async (t) => {
  const cmyk = await sharp({create: {width: 8, height: 8, channels: 3, background: {r: 200, g: 30, b: 30}}})
    .toColourspace('cmyk')
    .jpeg({quality: 95})
    .toBuffer();
  t.is((await sharp(cmyk).metadata()).space, 'cmyk');
  const {data} = await readImage(cmyk);
  t.is(data.length, 8 * 8 * 3);
  t.true(data[0]! > 150 && data[1]! < 90 && data[2]! < 90, [...data.subarray(0, 3)].join());
});

test('photos are turned upright unless told otherwise', async (t) => {
  const sideways = await picture().jpeg().withMetadata({orientation: 6}).toBuffer();
  const upright = await readImage(sideways);
  t.deepEqual([upright.width, upright.height], [height, width]);
  const stored = await readImage(sideways, {exifOrientation: false});
  t.deepEqual([stored.width, stored.height], [width, height]);
});

test('raw pixels: RGB is taken as it is, grey and RGBA are converted', async (t) => {
  const image = await readImage({data: rgb, width, height});
  t.is(image.data.buffer, rgb.buffer);
  t.deepEqual([...(await readImage({data: new Uint8Array([5]), width: 1, height: 1})).data], [5, 5, 5]);
  const canvas = {data: new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 0]), width: 2, height: 1};
  t.deepEqual([...(await readImage(canvas)).data], [1, 2, 3, 4, 5, 6]);
});

const refused: [string, () => unknown, RegExp][] = [
  ['an unknown source', () => 7, /^The image must be a path, a URL, .* got 7\.$/],
  ['null', () => null, /got null\.$/],
  [
    'floats',
    () => ({data: new Float32Array(3), width: 1, height: 1}),
    /Uint8Array .* got \[0, 0, 0\]\.\nOne byte a channel/,
  ],
  [
    'too few bytes',
    () => ({data: new Uint8Array(5), width: 2, height: 1}),
    /must have 1, 3 or 4 bytes .* 2 × 1 .* got 5 bytes/,
  ],
  [
    'other channels',
    () => ({data: rgb, width, height, channels: 4}),
    /must have 4 bytes for each of 9 × 6 pixels, got 162/,
  ],
  ['no width', () => ({data: rgb, height}), /a whole width and height, got undefined × 6/],
  ['no pixels', () => ({data: rgb, width: 0, height}), /got its size is 0 × 6/],
  ['an empty buffer', () => new Uint8Array(0), /^The image must be an image, got an empty file/],
  ['text', () => Buffer.from('not an image at all'), /must be a BMP, PNG, .* got 19 bytes of another kind/],
  ['SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /bytes of another kind/],
];

for (const [name, source, message] of refused) {
  test(`refuses ${name}`, async (t) => {
    const error = await t.throwsAsync(readImage(source() as string), {instanceOf: MaskRcnnError});
    t.is(error!.code, 'INVALID_IMAGE');
    t.regex(error!.message, message);
  });
}

test('names a file that is missing, a folder, or empty', async (t) => {
  const missing = join(folder, 'missing.png');
  t.like(await t.throwsAsync(readImage(missing)), {
    code: 'INVALID_IMAGE',
    file: missing,
    message: `${missing} cannot be read: there is no such file.`,
  });
  t.like(await t.throwsAsync(readImage(folder)), {message: `${folder} cannot be read: it is a folder.`});
  const empty = await file('empty.png', new Uint8Array(0));
  t.like(await t.throwsAsync(readImage(empty)), {
    code: 'INVALID_IMAGE',
    message: `${empty} must be an image, got an empty file (0 bytes).`,
  });
});

test('unknown options are refused', async (t) => {
  const error = await t.throwsAsync(readImage(rgb, {exif: true} as object), {instanceOf: MaskRcnnError});
  t.is(error!.code, 'INVALID_OPTION');
});

test('every truncation of a file is an error that names it', async (t) => {
  const noise = Uint8Array.from({length: 40 * 30 * 3}, (_, i) => (i * 7919) % 251);
  const source = () => sharp(noise, {raw: {width: 40, height: 30, channels: 3}});
  const encoded = {
    jpeg: await source().jpeg().toBuffer(),
    png: await source().png().toBuffer(),
    webp: await source().webp({lossless: true}).toBuffer(),
    tiff: await source().tiff({compression: 'lzw'}).toBuffer(),
    bmp: Buffer.from(writeBmp({width: 40, height: 30, bits: 24, pixel: (x, y) => x * y})),
  };
  for (const [name, bytes] of Object.entries(encoded)) {
    for (const share of [0.02, 0.2, 0.5, 0.8, 0.95]) {
      const part = bytes.subarray(0, Math.floor(bytes.length * share));
      const error = await t.throwsAsync(
        readImage(part, {name: `half.${name}`}),
        {instanceOf: MaskRcnnError},
        `${name} at ${share}`,
      );
      t.is(error?.code, 'INVALID_IMAGE');
      t.regex(error!.message, new RegExp(`^half\\.${name} .*\\.$`, 'm'));
    }
  }
});

test('garbage behind a good signature is an error, not a crash', async (t) => {
  for (const signature of [
    [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10],
    [0xff, 0xd8, 0xff, 0xe0],
    [0x49, 0x49, 42, 0],
  ]) {
    const garbage = Uint8Array.from({length: 300}, (_, i) => signature[i] ?? (i * 131) % 256);
    const error = await t.throwsAsync(readImage(garbage), {instanceOf: MaskRcnnError});
    t.is(error!.code, 'INVALID_IMAGE');
  }
});

test('an image of too many pixels is refused before it is decoded', async (t) => {
  const bomb = Buffer.from(encodePng({width: 1, height: 1, channels: 1, data: new Uint8Array(1)}));
  bomb.writeUInt32BE(20_000, 16);
  bomb.writeUInt32BE(14_000, 20);
  bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
  const error = await t.throwsAsync(readImage(bomb, {name: 'bomb.png'}), {instanceOf: MaskRcnnError});
  t.regex(error!.message, /^bomb\.png is not a readable PNG image: 20000 × 14000 is more than 268402689 pixels\./);
  t.regex(error!.hint!, /in tiles/);

  // A TIFF, whose size is in the values of its tags 256 and 257.
  const tiff = await sharp({create: {width: 1, height: 1, channels: 3, background: 'red'}})
    .tiff()
    .toBuffer();
  const [start, count] = [tiff.readUInt32LE(4), tiff.readUInt16LE(tiff.readUInt32LE(4))];
  for (let entry = start + 2; entry < start + 2 + 12 * count; entry += 12) {
    if (![256, 257].includes(tiff.readUInt16LE(entry))) continue;
    tiff.writeUInt16LE(4, entry + 2); // LONG
    tiff.writeUInt32LE(20_000, entry + 8);
  }
  await t.throwsAsync(readImage(tiff, {name: 'slide.tif'}), {
    message: /^slide\.tif is not a readable TIFF image: 20000 × 20000 is more than .*in tiles/s,
  });
});

test('options of reading are refused for raw pixels', async (t) => {
  const raw = {data: new Uint8Array(12), width: 2, height: 2, file: 'canvas'};
  for (const options of [{range: 'percentile' as const}, {page: 0}, {channels: [0]}]) {
    const [name] = Object.keys(options);
    const error = await t.throwsAsync<MaskRcnnError>(readImage(raw, options), {instanceOf: MaskRcnnError});
    t.is(error!.code, 'INVALID_OPTION');
    t.true(error!.message.startsWith(`Option '${name}' of readImage is for image files, got raw pixels: canvas.\n`));
  }
  t.is((await readImage(raw, {name: 'x', exifOrientation: false})).width, 2);
});
