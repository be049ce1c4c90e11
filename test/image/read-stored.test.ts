import {createHash} from 'node:crypto';
import {writeFile} from 'node:fs/promises';
import {pathToFileURL} from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import {readImage} from '../../lib/image/read-image.js';
import {isAsStored, readStored} from '../../lib/image/read-stored.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';
import {writeBmp} from './bmp-writer.js';
import {readFixture} from './pixel-fixture.js';
import {writePng} from './png-writer.js';
import {writeTiff} from './tiff-writer.js';

const name = 'The image';
const {files} = readFixture();

for (const {name: what, file, stored, cases} of files) {
  test(`${what}: the numbers that numpy reads`, async (t) => {
    const bytes = Buffer.from(file);
    for (const {page, sha1, ...expected} of stored) {
      const {data, width, height, ...image} = await readStored(bytes, {name, page});
      t.deepEqual(image, expected);
      t.like(cases[0], {width, height});
      const seen = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      t.is(createHash('sha1').update(seen).digest('hex'), sha1, `page ${page}`);
    }
    t.deepEqual(bytes, Buffer.from(file), 'the bytes of the caller are not changed');
  });
}

test('by hand: types, and how each is given', async (t) => {
  const read = (data: Uint8Array | Int8Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array) =>
    readStored(writeTiff({width: data.length, height: 1, data}), {name});
  t.deepEqual(await read(Uint8Array.of(0, 7, 255)), {
    data: Uint8Array.of(0, 7, 255),
    width: 3,
    height: 1,
    channels: 1,
    type: 'uint8',
  });
  t.like(await read(Int8Array.of(-128, 127)), {data: Float32Array.of(-128, 127), type: 'int8'});
  t.like(await read(Int16Array.of(-32768, 5)), {data: Float32Array.of(-32768, 5), type: 'int16'});
  // 2^24 + 1 is the first whole number that float32 lacks.
  t.like(await read(Uint32Array.of(2 ** 24, 2 ** 24 + 1)), {data: Float32Array.of(2 ** 24, 2 ** 24), type: 'uint32'});
  t.like(await read(Int32Array.of(-(2 ** 31), 9)), {data: Float32Array.of(-(2 ** 31), 9), type: 'int32'});
  // Numbers outside 0..1, which readImage() refuses without a range.
  t.like(await read(Float32Array.of(-2.5, NaN, 1e30)), {data: Float32Array.of(-2.5, NaN, 1e30), type: 'float32'});
  t.like(await read(Float64Array.of(0.1, -7)), {data: Float32Array.of(0.1, -7), type: 'float64'});
  t.like(await read(Uint8Array.of(9)), {data: Uint8Array.of(9), width: 1});
});

test('palettes give colours, grey gives one channel, alpha is left out', async (t) => {
  const palette: [number, number, number][] = [
    [1, 2, 3],
    [40, 50, 60],
  ];
  const colours = await readStored(writeBmp({width: 2, height: 1, bits: 8, pixel: (x) => 1 - x, palette}), {name});
  t.like(colours, {channels: 3, type: 'uint8', data: Uint8Array.of(40, 50, 60, 1, 2, 3)});
  const levels = {raw: {width: 2, height: 2, channels: 1}} as const;
  const grey = sharp(Uint8Array.of(1, 2, 3, 4), levels).toColourspace('b-w');
  t.like(await readStored(await grey.png().toBuffer(), {name}), {channels: 1, data: Uint8Array.of(1, 2, 3, 4)});
  t.is((await readStored(await grey.jpeg().toBuffer(), {name})).channels, 1);
  const rgba = writePng({width: 1, height: 1, bits: 8, kind: 'rgba', value: (_x, _y, c) => 10 * c});
  t.deepEqual((await readStored(rgba, {name})).data, Uint8Array.of(0, 10, 20));
});

test('grey of fewer than 8 bits is spread over 0..255', async (t) => {
  for (const bits of [1, 2, 4] as const) {
    const step = 255 / (2 ** bits - 1);
    const png = writePng({width: 2 ** bits, height: 1, bits, value: (x) => x});
    const expected = Uint8Array.from({length: 2 ** bits}, (_, x) => x * step);
    t.like(await readStored(png, {name}), {channels: 1, type: 'uint8', data: expected});
  }
  const tiff = writeTiff({width: 2, height: 1, bits: 4, data: Uint8Array.of(0x3f)});
  t.like(await readStored(tiff, {name}), {channels: 1, type: 'uint8', data: Uint8Array.of(51, 255)});
});

test('photos are turned upright', async (t) => {
  const raw = {raw: {width: 2, height: 1, channels: 3}} as const;
  const turned = await sharp(Uint8Array.of(1, 2, 3, 4, 5, 6), raw)
    .withMetadata({orientation: 6})
    .png()
    .toBuffer();
  t.like(await readStored(turned, {name}), {width: 1, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6)});
});

test('what readImage() has read is only taken for the stored numbers where it is', async (t) => {
  let same = 0;
  for (const {file, stored} of files) {
    const image = await readImage(file).catch(() => undefined);
    if (image === undefined || !isAsStored(image)) continue;
    t.is(createHash('sha1').update(image.data).digest('hex'), stored[0]!.sha1);
    same++;
  }
  t.true(same >= 3, String(same)); // PNG, WebP, BMP
  const png = writePng({width: 2, height: 1, bits: 8, kind: 'rgb', value: (x, _y, c) => x + c});
  t.true(isAsStored(await readImage(png)));
  for (const options of [{range: [0, 100]}, {channels: [2, 1, 0]}] as const) {
    t.false(isAsStored(await readImage(png, options)));
  }
  t.false(isAsStored(await readImage({data: new Uint8Array(3), width: 1, height: 1})));
});

test('what cannot be read is INVALID_IMAGE with the file', async (t) => {
  const file = `${temporaryFolder(t)}/a.tif`;
  const refused = (message: RegExp, page?: number) =>
    t.throwsAsync(readStored(pathToFileURL(file), {name, page}), {code: 'INVALID_IMAGE', message});
  await refused(/a\.tif cannot be read: there is no such file/);
  await writeFile(file, '');
  await refused(/a\.tif must be an image, got an empty file/);
  await writeFile(file, 'text');
  const error = await refused(/a\.tif must be a BMP, PNG/);
  t.like(error, {file});
  const tiff = writeTiff({width: 2, height: 2, data: new Uint16Array(4)});
  await writeFile(file, tiff);
  await refused(/a\.tif is not a readable TIFF image: it has one page, number 0, so there is no page 1/, 1);
  tiff.writeUInt32LE(1e6, tiff.readUInt32LE(4) + 2 + 5 * 12 + 8); // where the strip is
  await writeFile(file, tiff);
  await refused(/a\.tif is not a readable TIFF image: it is truncated/);
});
