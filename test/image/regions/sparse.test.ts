import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp, {type Sharp} from 'sharp';
import {constantJpeg} from '../../../lib/image/constant-jpeg.js';
import {readImage} from '../../../lib/image/read-image.js';
import {maskOfBytes} from '../../../lib/image/read-mask.js';
import {readStored} from '../../../lib/image/read-stored.js';
import {openRegions} from '../../../lib/image/regions/open-regions.js';
import type {RgbImage} from '../../../lib/image/rgb-image.js';
import {TAG, TiffFile} from '../../../lib/image/tiff.js';
import {blockTags} from '../../../lib/image/tiff-channels.js';
import {encodeLzw, encodePackBits, encodeZstandard} from '../../../lib/image/tiff-codecs.js';
import {fillBytes, filledSegment} from '../../../lib/image/tiff-fill.js';
import {leaveOut} from '../leave-out.js';
import {readFixture} from '../pixel-fixture.js';
import {writeTiff} from '../tiff-writer.js';
import {pattern, sameAs, using} from './regions.js';

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-sparse-test-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const whole = pattern(150, 110);
const image = () => sharp(whole.data, {raw: {width: whole.width, height: whole.height, channels: 3}});
const tile = {tile: true, tileWidth: 64, tileHeight: 48} as const;
const rows = {tile: false, tileHeight: 7} as const;
/** A JPEG has whole groups of 16 rows, where colours have half of the pixels. */
const jpegRows = {tile: false, tileHeight: 16, compression: 'jpeg'} as const;

/** Three by three tiles, or strips of seven or sixteen rows. Of white on black, and of inks, 0 is white. */
const files: Record<string, [encoder: Sharp, fill: number]> = {
  none: [image().tiff({...tile, compression: 'none'}), 0],
  lzw: [image().tiff({...tile, compression: 'lzw', predictor: 'none'}), 0],
  'lzw, predictor': [image().tiff({...tile, compression: 'lzw', predictor: 'horizontal'}), 0],
  'deflate, BigTIFF': [image().tiff({...tile, compression: 'deflate', bigtiff: true}), 0],
  packbits: [image().tiff({...tile, compression: 'packbits'}), 0],
  'jpeg, YCbCr': [image().tiff({...tile, compression: 'jpeg', quality: 80}), 0],
  'jpeg, RGB': [image().tiff({...tile, compression: 'jpeg', quality: 100}), 0],
  'jpeg, grey': [
    image()
      .greyscale()
      .tiff({...tile, compression: 'jpeg'}),
    0,
  ],
  'rows, none': [image().tiff({...rows, compression: 'none'}), 0],
  'rows, lzw': [image().tiff({...rows, compression: 'lzw'}), 0],
  'rows, jpeg, YCbCr': [image().tiff({...jpegRows, quality: 80}), 0],
  'rows, jpeg, RGB': [image().tiff({...jpegRows, quality: 100}), 0],
  'rows, jpeg, grey': [image().greyscale().tiff(jpegRows), 0],
  '16 bits': [
    image()
      .toColourspace('rgb16')
      .tiff({...tile, compression: 'deflate'}),
    0,
  ],
  alpha: [
    image()
      .ensureAlpha(0.5)
      .tiff({...tile, compression: 'deflate'}),
    0,
  ],
  cmyk: [
    image()
      .toColourspace('cmyk')
      .tiff({...tile, compression: 'lzw'}),
    255,
  ],
};

/** The first row of tiles but the last one, or some strips, painted. */
function painted({data, ...size}: RgbImage, name: string, fill: number): RgbImage {
  const copy = Uint8Array.from(data);
  const isTiled = !name.startsWith('rows');
  const {tileHeight} = isTiled ? tile : name.includes('jpeg') ? jpegRows : rows;
  for (let y = 0; y < size.height; y++) {
    const row = Math.floor(y / tileHeight);
    const [from, to] = isTiled ? (row === 0 ? [64, 150] : [0, 0]) : row === 1 || row === 2 ? [0, 150] : [0, 0];
    copy.fill(fill, (y * size.width + from) * 3, (y * size.width + to) * 3);
  }
  return {data: copy, ...size};
}

for (const [name, [encoder, fill]] of Object.entries(files)) {
  test(`tiles or strips that are left out are 0, in the whole image and in regions: ${name}`, async (t) => {
    const bytes = await encoder.toBuffer();
    const sparse = await leaveOut(bytes, [1, 2]);
    const expected = painted(await readImage(bytes), name, fill);
    t.deepEqual((await readImage(sparse)).data, expected.data);
    const file = join(folder, `${name}.tif`);
    await writeFile(file, sparse);
    await using(file, {}, (source) => sameAs(t, source, expected, name));
  });
}

test('an image of which nothing is there is 0 everywhere', async (t) => {
  const all = {
    'lzw, tiles': [image().tiff({...tile, compression: 'lzw'}), 9],
    'lzw, rows': [image().tiff({...rows, compression: 'lzw'}), 16],
    'jpeg, tiles': [image().tiff({...tile, compression: 'jpeg'}), 9],
    // The last strip is lower than the others.
    'jpeg, rows': [image().tiff(jpegRows), 7],
  } as const;
  for (const [name, [encoder, count]] of Object.entries(all)) {
    const sparse = await leaveOut(await encoder.toBuffer(), [...Array(count).keys()]);
    const black = {...whole, data: new Uint8Array(whole.data.length)};
    t.deepEqual((await readImage(sparse)).data, black.data, name);
    const file = join(folder, `${name}-nothing.tif`);
    await writeFile(file, sparse);
    await using(file, {}, (source) => sameAs(t, source, black, name));
  }
});

test('the numbers of all types, predictors and planes are 0 where strips or tiles are left out', async (t) => {
  let compared = 0;
  for (const {name, file: bytes, stored} of readFixture().files) {
    if (stored.length !== 1 || (bytes[0] !== 0x49 && bytes[0] !== 0x4d)) continue;
    const tiff = new TiffFile(Uint8Array.from(bytes));
    const [page] = await tiff.pages();
    const offsets = tiff.values(page!, blockTags(page!)[0]);
    if (offsets.length < 2) continue;
    const file = join(folder, `fixture-${compared}.tif`);
    await writeFile(file, await leaveOut(bytes, [1]));
    const [full, sparse] = [await readStored(bytes, {name}), await readStored(file, {name})];
    // The second block: rows or columns, of all channels or of one.
    const {width, height, channels} = full;
    const isTiled = page!.entries.has(TAG.tileOffsets);
    const isPlanar = channels > 1 && tiff.value(page!, TAG.planar) === 2;
    const perStrip = tiff.value(page!, TAG.rowsPerStrip) ?? height;
    const isOutside = (x: number, y: number, channel: number) => {
      if (isTiled) return y < 16 && x >= 16 && !(isPlanar && channel > 0);
      const perPlane = Math.ceil(height / perStrip);
      const [plane, strip] = isPlanar ? [Math.floor(1 / perPlane), 1 % perPlane] : [0, 1];
      return Math.floor(y / perStrip) === strip && (!isPlanar || channel === plane);
    };
    const expected = full.data.slice();
    for (let i = 0; i < expected.length; i++) {
      const pixel = Math.floor(i / channels);
      if (isOutside(pixel % width, Math.floor(pixel / width), i % channels)) expected[i] = 0;
    }
    t.deepEqual(sparse.data, expected, name);
    const range: [number, number] = [-200, 5000];
    const image = await readImage(file, {range});
    await using(file, {range}, (source) => sameAs(t, source, image, name));
    compared++;
  }
  t.true(compared >= 20, `${compared} files`);
});

test('a mask has no object where a tile is left out', async (t) => {
  const data = new Uint8Array(128 * 64).fill(7);
  const mask = await sharp(data, {raw: {width: 128, height: 64, channels: 1}})
    .toColourspace('b-w')
    .tiff({tile: true, tileWidth: 64, tileHeight: 64, compression: 'lzw'})
    .toBuffer();
  const {ids} = await maskOfBytes(await leaveOut(mask, [1]), 'mask.tif');
  t.true(ids.every((id, i) => id === (i % 128 < 64 ? 7 : 0)));
});

test('the size of a single strip need not be stated', async (t) => {
  const [width, height] = [60, 40];
  const data = Uint8Array.from({length: width * height}, (_, i) => i % 251);
  const expected = await readImage(writeTiff({width, height, data}));
  const strips = {
    none: {data, compression: 1},
    lzw: {data: await encodeLzw(data), compression: 5},
    packbits: {data: await encodePackBits(data), compression: 32_773},
    zstandard: {data: await encodeZstandard(data), compression: 50_000},
  };
  for (const [name, strip] of Object.entries(strips)) {
    const file = new TiffFile(Uint8Array.from(writeTiff({width, height, ...strip})));
    const [page] = await file.pages();
    file.setValue(page!, TAG.stripBytes, 0);
    await writeFile(join(folder, `${name}, zero.tif`), file.bytes);
    file.hide(page!, TAG.stripBytes);
    // The tag itself: `hide()` only changes its type.
    file.bytes.set([0xe9, 0xfd], page!.entries.get(TAG.stripBytes)!.entry);
    await writeFile(join(folder, `${name}, without.tif`), file.bytes);
    file.setValue(page!, TAG.stripOffsets, 0);
    await writeFile(join(folder, `${name}, nothing.tif`), file.bytes);
    for (const size of ['zero', 'without']) {
      const path = join(folder, `${name}, ${size}.tif`);
      t.deepEqual((await readImage(path)).data, expected.data, path);
      await using(path, {}, (source) => sameAs(t, source, expected, path));
    }
    t.true((await readImage(join(folder, `${name}, nothing.tif`))).data.every((value) => value === 0));
  }
});

test('a strip that begins behind the end of the file is not there, whether its size is stated or not', async (t) => {
  const data = await encodeLzw(new Uint8Array(60 * 40));
  const tiff = Uint8Array.from(writeTiff({width: 60, height: 40, data, compression: 5}));
  const [page] = await new TiffFile(tiff).pages();
  for (const size of [0, data.length]) {
    for (const beyond of [0, 3, 100]) {
      const file = new TiffFile(Uint8Array.from(tiff));
      file.setValue(page!, TAG.stripBytes, size);
      file.setValue(page!, TAG.stripOffsets, tiff.length + beyond);
      const path = join(folder, `behind-${size}-${beyond}.tif`);
      await writeFile(path, file.bytes);
      const read = () => using(path, {}, (source) => source.read({left: 0, top: 0, width: 60, height: 40}));
      await t.throwsAsync(read, {code: 'INVALID_IMAGE', message: /it is truncated/}, path);
      await t.throwsAsync(readImage(path), {code: 'INVALID_IMAGE'}, path);
    }
  }
});

test('of the tags of a block, only the first values are read', async (t) => {
  const data = Uint8Array.from({length: 60 * 40}, (_, i) => i % 251);
  const tiff = Uint8Array.from(writeTiff({width: 60, height: 40, data}));
  const expected = await readImage(tiff);
  // More values than any file has, of which the first two are in the file.
  const [page] = await new TiffFile(tiff).pages();
  const {entry} = page!.entries.get(TAG.rowsPerStrip)!;
  const bytes = Buffer.concat([tiff, Buffer.from([40, 0, 0, 0, 0, 0, 0, 0])]);
  bytes.writeUInt32LE(2 ** 30, entry + 4);
  bytes.writeUInt32LE(tiff.length, entry + 8);
  const path = join(folder, 'many-values.tif');
  await writeFile(path, bytes);
  await using(path, {}, (source) => sameAs(t, source, expected, path));
});

test('a stack of ImageJ has no more strips than the memory holds', async (t) => {
  const description = 'ImageJ=1.53t\nimages=100000\n';
  const tiff = writeTiff({width: 8, height: 8, data: new Uint8Array(64), description});
  const [page] = await new TiffFile(Uint8Array.from(tiff)).pages();
  const bytes = Buffer.concat([tiff, Buffer.alloc(4 * 1000)]);
  for (const tag of [TAG.stripOffsets, TAG.stripBytes]) {
    const {entry} = page!.entries.get(tag)!;
    bytes.writeUInt32LE(1000, entry + 4);
    bytes.writeUInt32LE(tiff.length, entry + 8);
  }
  const path = join(folder, 'stack.tif');
  await writeFile(path, bytes);
  const message = /stack\.tif .*its 100000 images have 100000000 strips/;
  await t.throwsAsync(openRegions(path), {code: 'INVALID_IMAGE', message});
});

test('the bits of a block are in the order of the file', async (t) => {
  const filled = (...more: [number, number][]) =>
    filledSegment({
      tags: new Map(([[TAG.width, 3], [TAG.height, 1], [TAG.bits, 8], ...more] as const).map(([tag, x]) => [tag, [x]])),
      ...{nodata: '3', isLittle: true},
    });
  t.deepEqual([...(await filled())], [3, 3, 3]);
  t.deepEqual([...(await filled([TAG.fillOrder, 2]))], [0xc0, 0xc0, 0xc0]);
  // A byte says that three bytes follow.
  t.deepEqual([...(await filled([TAG.compression, 32_773]))], [2, 3, 3, 3]);
  t.deepEqual([...(await filled([TAG.compression, 32_773], [TAG.fillOrder, 2]))], [0x40, 0xc0, 0xc0, 0xc0]);
});

test('compressions whose blocks cannot be made are refused by both readers', async (t) => {
  const fax = await image().greyscale().tiff({bitdepth: 1, compression: 'deflate'}).toBuffer();
  const file = new TiffFile(await leaveOut(fax, [0]));
  const [page] = await file.pages();
  file.setValue(page!, TAG.compression, 4);
  const path = join(folder, 'fax.tif');
  await writeFile(path, file.bytes);
  const message = /it leaves out strips or tiles, which is not read with its compression \(4\)/;
  await t.throwsAsync(readImage(path), {code: 'INVALID_IMAGE', message});
  await t.throwsAsync(
    using(path, {}, (source) => source.read({left: 0, top: 0, width: 1, height: 1})),
    {code: 'INVALID_IMAGE', message},
  );
});

test('the fill value is GDAL_NODATA, if the type has such a number', (t) => {
  const fill = (nodata: string, bits: number, format: number, isLittle = true) => [
    ...fillBytes({
      tags: new Map([
        [TAG.bits, [bits]],
        [TAG.sampleFormat, [format]],
      ]),
      ...{nodata, isLittle},
    }),
  ];
  t.deepEqual(fill('', 8, 1), [0]);
  t.deepEqual(fill('255', 8, 1), [255]);
  t.deepEqual(fill('-9999', 8, 1), [0]);
  t.deepEqual(fill('256', 8, 1), [0]);
  t.deepEqual(fill('-1', 8, 2), [255]);
  t.deepEqual(fill(' 513 ', 16, 1), [1, 2]);
  t.deepEqual(fill('513', 16, 1, false), [2, 1]);
  t.deepEqual(fill('-2', 16, 2), [254, 255]);
  t.deepEqual(fill('1.5', 32, 3), [0, 0, 0xc0, 0x3f]);
  t.deepEqual(fill('-9999', 64, 3, false), [...new Uint8Array(Float64Array.of(-9999).buffer)].reverse());
  t.true(Number.isNaN(Buffer.from(fill('nan', 32, 3)).readFloatLE()));
  t.deepEqual(fill('nothing', 32, 3), [0, 0, 0, 0]);
  t.deepEqual(fill('1', 1, 1), [255]);
});

test('a JPEG of one value has exactly this value', async (t) => {
  for (let value = 0; value < 256; value++) {
    for (const [channels, isYcbcr, across, down] of [
      [1, false, 1, 1],
      [3, false, 1, 1],
      [3, true, 2, 2],
      [3, true, 2, 1],
    ] as const) {
      const jpeg = constantJpeg({width: 40, height: 24, channels, value, isYcbcr, across, down});
      const {data, info} = await sharp(jpeg).raw().toBuffer({resolveWithObject: true});
      t.deepEqual([info.width, info.height], [40, 24]);
      if (!data.every((each) => each === value)) return t.fail(`${value} in ${channels} channels`);
    }
  }
});
