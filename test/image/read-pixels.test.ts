import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {Random} from '../../lib/basics/random.js';
import type {PixelOptions} from '../../lib/image/pixel-options.js';
import {type RgbImage, readImage, readImageSize} from '../../lib/image/read-image.js';
import {readMask} from '../../lib/image/read-mask.js';
import {writeBmp} from './bmp-writer.js';
import {writeGif} from './gif-writer.js';
import {readFixture} from './pixel-fixture.js';
import {writePng} from './png-writer.js';
import {writeTiff} from './tiff-writer.js';

const fixture = new Map(readFixture().files.map(({name, file}) => [name, file]));
const file = (name: string) => fixture.get(name)!;

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-pixels-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

async function told(bytes: Uint8Array, options = {}): Promise<[kind: string, what: string][]> {
  const {notices = []} = await readImage(bytes, options);
  return notices.map(({kind, what}) => [kind, what]);
}

const grey = (width: number, height: number, value = 0) => ({
  width,
  height,
  data: new Uint8Array(width * height).fill(value),
});

test('channels that are left out are told, unless channels are chosen', async (t) => {
  const name = 'uint8, 5 channels, chunky';
  t.deepEqual(await told(file(name)), [['channels', 'has 5 channels, of which the first three are read']]);
  t.deepEqual(await told(file(name), {channels: [0, 1, 2]}), []);
  const two = await readImage(file('uint8, 2 channels, planar'));
  t.like(two.notices![0], {what: 'has 2 channels, of which the first is read', advice: {channels: [0, 1]}});
  const cmyk = 'has the colours of CMYK, converted to RGB';
  for (const image of ['TIFF, CMYK', 'JPEG, CMYK']) {
    for (const options of [{}, {range: [0, 200]}]) t.deepEqual(await told(file(image), options), [['channels', cmyk]]);
    t.deepEqual(await told(file(image), {channels: [3, 0, 1]}), []);
  }
  t.like(await readImage(file('RGB of 8 bits, planar')), {notices: undefined, stored: {channels: 3, pages: 1}});
});

test('alpha is told where it is not opaque, in 8 and in 16 bits', async (t) => {
  const what = 'has an alpha channel that is not opaque everywhere, read without it';
  for (const bits of [8, 16] as const) {
    for (const kind of ['greyAlpha', 'rgba'] as const) {
      const most = 2 ** bits - 1;
      const alpha = kind === 'rgba' ? 3 : 1;
      const png = (least: number) =>
        writePng({width: 4, height: 4, bits, kind, value: (x, y, c) => (c === alpha && x + y === 6 ? least : most)});
      const ofAlpha = async (bytes: Uint8Array, options = {}) =>
        (await told(bytes, options)).filter((notice) => notice[0] === 'channels');
      t.deepEqual(await ofAlpha(png(most - 1)), [['channels', what]], `${kind} of ${bits} bits`);
      t.deepEqual(await ofAlpha(png(most)), []);
      t.deepEqual(await ofAlpha(png(0), {channels: [0]}), []);
    }
  }
});

test('NaN is told with a number, and is black', async (t) => {
  const tiff = writeTiff({width: 4, height: 1, data: Float32Array.of(NaN, 0.5, NaN, 1)});
  const {data, notices, stored} = await readImage(tiff, {range: [0.5, 0.75]});
  t.deepEqual([...data], [0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255]);
  t.deepEqual(
    notices?.map(({kind, what}) => [kind, what]),
    [['nan', 'has 2 values that are NaN']],
  );
  t.deepEqual(stored, {type: 'float32', channels: 1, pages: 1, values: [0.5, 1]});
});

test('images of one number: nothing to stretch, and nothing to say of it', async (t) => {
  for (const value of [0, 7, 65535]) {
    const tiff = writeTiff({width: 3, height: 2, data: new Uint16Array(6).fill(value)});
    const image = await readImage(tiff, {range: 'percentile'});
    t.deepEqual([image.data.every((level) => level === 0), image.notices], [true, undefined]);
  }
  const nothing = writeTiff({width: 2, height: 1, data: Float32Array.of(NaN, NaN)});
  t.is((await readImage(nothing, {range: 'percentile'})).stored!.values, undefined);
  const pixel = writeTiff({width: 1, height: 1, data: Int16Array.of(-5)});
  t.deepEqual([...(await readImage(pixel, {range: [-10, 0]})).data], [128, 128, 128]);
});

test('a page is read with its own size, and the choice is no notice', async (t) => {
  const path = join(folder, 'pages.tif');
  await writeFile(path, writeTiff([grey(4, 2, 1), grey(6, 5, 2), grey(3, 3, 3)]));
  for (const [page, size] of [
    [0, [4, 2]],
    [1, [6, 5]],
    [2, [3, 3]],
  ] as const) {
    const {data, width, height, notices, stored} = await readImage(path, {page});
    t.deepEqual([width, height, data[0], notices, stored!.pages], [...size, page + 1, undefined, 3]);
    const {width: w, height: h} = await readImageSize(path, {page});
    t.deepEqual([w, h], [...size]);
  }
  t.like((await readImage(path)).notices![0], {kind: 'pages', advice: {page: 1}});
  await t.throwsAsync(readImageSize(path, {page: 3}), {
    message: /it has 3 pages, numbers 0 to 2, so there is no page 3/,
  });
  const one = file('ImageJ, one page');
  t.like((await readImage(one)).notices![1], {kind: 'pages', what: 'has 4 pages'});
});

test('a frame of a GIF and of a WebP', async (t) => {
  const gif = writeGif({width: 4, height: 2, bits: 2, index: (x) => x, frames: 3});
  t.like(await readImage(gif, {page: 2}), {width: 4, height: 2, notices: undefined});
  const raw = Uint8Array.from({length: 4 * 6 * 3}, (_, i) => i);
  const frames = sharp(raw, {raw: {width: 4, height: 6, channels: 3, pageHeight: 2}});
  const webp = await frames.webp({lossless: true}).toBuffer();
  t.deepEqual([...(await readImage(webp, {page: 1})).data], [...raw.subarray(24, 48)]);
});

const oneChannel = writePng({width: 2, height: 2, bits: 16, value: () => 9});

for (const [name, bytes, options, message] of [
  ['a page of a PNG', oneChannel, {page: 1}, /it has one page, number 0, so there is no page 1/],
  ['a page of a BMP', writeBmp({width: 2, height: 2, bits: 24, pixel: () => 9}), {page: 2}, /there is no page 2/],
  ['a slice of ImageJ', file('ImageJ, one page'), {page: 4}, /it has 4 pages, numbers 0 to 3, so there is no page 4/],
  ['a channel of grey', oneChannel, {channels: [0, 1]}, /it has one channel, number 0, so there is no channel 1/],
  [
    'a channel of CMYK',
    file('JPEG, CMYK'),
    {channels: [4]},
    /it has 4 channels, numbers 0 to 3, so there is no channel 4/,
  ],
] as const) {
  test(`${name} that is not there is one error with the file`, async (t) => {
    const path = join(folder, `${name}.img`);
    await writeFile(path, bytes);
    const error = await t.throwsAsync<MaskRcnnError>(readImage(path, options), {instanceOf: MaskRcnnError, message});
    t.like(error, {code: 'INVALID_IMAGE', file: path});
  });
}

for (const [options, message] of [
  [{range: 'auto'}, /'range' .* must be one of 'full', 'percentile', or \[low, high\] with low < high, got 'auto'/],
  [{range: [5, 5]}, /with low < high, got \[5, 5\]/],
  [{range: [0, Number.NaN]}, /with low < high/],
  [{page: -1}, /'page' of readImage must be an integer >= 0, got -1/],
  [{channels: []}, /'channels' of readImage must be an array of 1 to 3 items, each an integer >= 0, got \[\]/],
  [{channels: [0, 1, 2, 3]}, /an array of 1 to 3 items/],
] as const) {
  test(`wrong options: ${JSON.stringify(options)}`, async (t) => {
    const error = await t.throwsAsync<MaskRcnnError>(readImage(oneChannel, options as object), {message});
    t.is(error!.code, 'INVALID_OPTION');
  });
}

test('what is cut off is an error, also where channels are stored each on its own', async (t) => {
  for (const name of ['uint16, 7 channels, planar', 'tiles, planar, zstd', 'tiles, chunky, zstd', '32 bits, >']) {
    const whole = file(name);
    for (let length = 8; length < whole.length - 1; length += 37) {
      const read = readImage(whole.slice(0, length), {range: 'percentile', name: 'cut.tif'});
      const outcome = await read.catch((error) => error);
      // What is behind the pixels may be missing.
      if (!('data' in outcome)) t.like(outcome, {code: 'INVALID_IMAGE'});
    }
    await t.throwsAsync(readImage(whole.slice(0, 300), {range: 'percentile'}), {instanceOf: MaskRcnnError});
  }
});

test('a photo is turned upright, whatever is read of it', async (t) => {
  const photo = await sharp(
    Uint8Array.from({length: 6}, (_, i) => i * 40),
    {raw: {width: 3, height: 2, channels: 1}},
  )
    .withMetadata({orientation: 6})
    .tiff({compression: 'none'})
    .toBuffer();
  const upright = await readImage(photo);
  t.like(upright, {width: 2, height: 3});
  t.deepEqual((await readImage(photo, {channels: [0]})).data, upright.data);
  t.like(await readImage(photo, {channels: [0], exifOrientation: false}), {width: 3, height: 2});
});

test('grey of 16 bits in which white is 0: inverted, and told with the stored values', async (t) => {
  const data = Uint16Array.of(0, 256, 1000, 4095);
  const tiff = writeTiff({width: 4, height: 1, photometric: 0, data});
  const full = await readImage(tiff);
  t.deepEqual(
    [...full.data.filter((_, i) => i % 3 === 0)],
    [...data].map((value) => (65535 - value) >> 8),
  );
  t.regex(full.notices![0]!.what, /values 0 to 4095 of 65535: read as 240 to 255 of 255/);
  const stretched = await readImage(tiff, {range: [0, 4095]});
  t.deepEqual([...stretched.data.filter((_, i) => i % 3 === 0)], [255, 239, 193, 0]);
});

test('planes of colours that are no numbers are refused, because they would be mixed up', async (t) => {
  const planes = Buffer.from(file('RGB of 8 bits, planar'));
  const entries = planes.readUInt16LE(planes.readUInt32LE(4));
  const photometric = Array.from({length: entries}, (_, i) => planes.readUInt32LE(4) + 2 + i * 12).find(
    (at) => planes.readUInt16LE(at) === 262,
  )!;
  for (const colours of [5, 6, 8]) {
    planes.writeUInt16LE(colours, photometric + 8);
    await t.throwsAsync(readImage(planes), {message: /its channels are stored each on its own, in a form that is not/});
  }
});

test('a mask in Zstandard is read, one with planes is refused', async (t) => {
  const masks = {zstd: '16 bits, zstd, predictor 2', lzw: '16 bits, lzw, predictor 2'};
  const [zstd, lzw] = await Promise.all(
    Object.entries(masks).map(async ([name, kind]) => {
      await writeFile(join(folder, `${name}.tif`), file(kind));
      return readMask(join(folder, `${name}.tif`));
    }),
  );
  t.true(new Set(zstd!.ids).size > 10);
  t.deepEqual(zstd, lzw);
  await writeFile(join(folder, 'planes.tif'), file('RGB of 8 bits, planar'));
  await t.throwsAsync(readMask(join(folder, 'planes.tif')), {message: /its channels are stored each on its own/});
});

test('damaged files never do worse than INVALID_IMAGE, and never give pixels of another size', async (t) => {
  const random = new Random(3);
  const files = [...fixture];
  const options = [{}, {range: 'percentile'}, {range: [0, 100], channels: [0]}, {page: 1}] as PixelOptions[];
  for (let i = 0; i < 600; i++) {
    const [name, bytes] = files[random.integer(files.length)]!;
    const damaged = Uint8Array.from(bytes);
    // In the first bytes are the numbers of the page.
    for (let k = 0; k < 3; k++) damaged[random.integer(Math.min(400, damaged.length))] = random.integer(256);
    const read = readImage(damaged, options[i % options.length]);
    const outcome: RgbImage | MaskRcnnError = await read.catch((error) => error);
    if (outcome instanceof MaskRcnnError) {
      t.is(outcome.code, 'INVALID_IMAGE');
      t.notRegex(outcome.message, /undefined|NaN/, name);
    } else t.is(outcome.data.length, outcome.width * outcome.height * 3, name);
  }
});
