import {mkdir, mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp, {type Sharp} from 'sharp';
import type {PixelOptions} from '../../../lib/image/pixel-options.js';
import {readImage} from '../../../lib/image/read-image.js';
import {openRegions} from '../../../lib/image/regions/open-regions.js';
import {TAG, TiffFile} from '../../../lib/image/tiff.js';
import {writeBmp} from '../bmp-writer.js';
import {writeTiff} from '../tiff-writer.js';
import {cut, pattern, rects, sameAs, using} from './regions.js';

const whole = pattern(421, 307);
const {width, height} = whole;
let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-regions-test-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const image = () => sharp(whole.data, {raw: {width, height, channels: 3}});
const file = (name: string) => join(folder, name);

async function written(name: string, encoder: Sharp): Promise<string> {
  await encoder.toFile(file(name));
  return file(name);
}

const tile = {tile: true, tileWidth: 64, tileHeight: 48} as const;

test('regions of lossless TIFFs are the pixels that were written', async (t) => {
  const files = {
    tiled: image().tiff({...tile, compression: 'none'}),
    lzw: image().tiff({...tile, compression: 'lzw', predictor: 'horizontal'}),
    deflate: image().tiff({...tile, compression: 'deflate', bigtiff: true}),
    strips: image().tiff({compression: 'none', tileHeight: 7}),
    'lzw-strips': image().tiff({compression: 'lzw', tileHeight: 7}),
    'packbits-strips': image().tiff({compression: 'packbits', bigtiff: true}),
    alpha: image()
      .ensureAlpha(0.5)
      .tiff({...tile, compression: 'deflate'}),
  };
  for (const [name, encoder] of Object.entries(files)) {
    await using(await written(`${name}.tif`, encoder), {}, (source) => sameAs(t, source, whole, name));
  }
});

test('regions of all formats are cut from what readImage() gives', async (t) => {
  const grey = (bits: 8 | 16, photometric: 0 | 1 | 3 = 1) => {
    const data = bits === 8 ? new Uint8Array(width * height) : new Uint16Array(width * height);
    for (let i = 0; i < data.length; i++) data[i] = (i * 31 + Math.floor(i / 3)) % 2 ** bits;
    return {width, height, data, photometric};
  };
  const files: Record<string, Sharp | Uint8Array> = {
    'jpeg-tiles.tif': image().tiff({...tile, compression: 'jpeg', quality: 60}),
    'jpeg-strips.tif': image().tiff({compression: 'jpeg', quality: 60}),
    'cmyk.tif': image()
      .toColourspace('cmyk')
      .tiff({...tile, compression: 'lzw'}),
    'bits.tif': image().tiff({bitdepth: 1, compression: 'deflate'}),
    'palette.tif': writeTiff(grey(8, 3)),
    'inverted.tif': writeTiff(grey(8, 0)),
    'deep.tif': writeTiff(grey(16)),
    'big-endian.tif': writeTiff(grey(16), {bigEndian: true}),
    'pages.tif': writeTiff([grey(8), grey(8)]),
    'a.jpg': image().jpeg(),
    'progressive.jpg': image().jpeg({progressive: true}),
    'grey.jpg': image().greyscale().jpeg(),
    'a.png': image().png(),
    'deep.png': image().toColourspace('rgb16').png(),
    'alpha.png': image().ensureAlpha(0.3).png({palette: true}),
    'a.webp': image().webp(),
    'a.gif': image().gif(),
    'a.avif': image().avif({effort: 0}),
    'a.bmp': writeBmp({width, height, bits: 8, pixel: (x, y) => (x * 3 + y) % 256}),
  };
  for (let orientation = 2; orientation <= 8; orientation++) {
    files[`turned-${orientation}.jpg`] = image().withMetadata({orientation}).jpeg();
    files[`turned-${orientation}.tif`] = image()
      .withMetadata({orientation})
      .tiff({...tile, compression: 'lzw'});
  }
  for (const [name, content] of Object.entries(files)) {
    if (content instanceof Uint8Array) await writeFile(file(name), content);
    else await written(name, content);
    await using(file(name), {}, async (source) => {
      t.is(source.levels.length, 1, name);
      await sameAs(t, source, await readImage(file(name)), name);
    });
  }
});

test('an image of one pixel has one region', async (t) => {
  const pixel = {data: Uint8Array.of(1, 2, 3), width: 1, height: 1};
  const one = () => sharp(pixel.data, {raw: {width: 1, height: 1, channels: 3}});
  for (const [name, encoder] of Object.entries({tif: one().tiff({compression: 'none'}), png: one().png()})) {
    await using(await written(`one.${name}`, encoder), {}, (source) => sameAs(t, source, pixel, name));
  }
});

test('levels on pages are read as these pages', async (t) => {
  const path = await written('pyramid.tif', image().tiff({...tile, compression: 'lzw', pyramid: true}));
  const found = await using(path, {}, ({levels}) => levels);
  // libvips halves until a level fits a tile, and drops a pixel that is left over.
  t.deepEqual(found.slice(0, 3), [
    {width, height, downsample: 1},
    {width: 210, height: 153, downsample: width / 210},
    {width: 105, height: 76, downsample: width / 105},
  ]);
  for (const [level, {width: columns, height: rows, downsample}] of found.entries()) {
    const data = await sharp(path, {page: level}).raw().toBuffer();
    await using(path, {level}, async (source) => {
      t.deepEqual([source.level, source.downsample, source.micronsPerPixel], [level, downsample, undefined]);
      await sameAs(t, source, {data, width: columns, height: rows}, `level ${level}`);
    });
  }
  await t.throwsAsync(openRegions(path, {level: found.length}), {code: 'INVALID_IMAGE', message: /no level/});
});

test('range, page and channels are those of readImage()', async (t) => {
  const deep = (factor: number) => {
    const data = Uint16Array.from({length: width * height}, (_, i) => (i * factor) % 4096);
    return {width, height, data};
  };
  const cases: [name: string, content: Sharp | Uint8Array, options: PixelOptions][] = [
    ['deep-range.tif', writeTiff([deep(31), deep(77)]), {range: [0, 4095]}],
    ['deep-page.tif', writeTiff([deep(31), deep(77)]), {range: [0, 4095], page: 1}],
    ['full.tif', writeTiff(deep(31)), {range: 'full', page: 0}],
    ['channels.tif', image().tiff({...tile, compression: 'lzw'}), {channels: [2, 0]}],
    ['range.jpg', image().jpeg(), {range: [20, 200], channels: [1]}],
    ['range.bmp', writeBmp({width, height, bits: 8, pixel: (x) => x % 256}), {range: [0, 100]}],
  ];
  for (const [name, content, options] of cases) {
    if (content instanceof Uint8Array) await writeFile(file(name), content);
    else await written(name, content);
    const expected = await readImage(file(name), options);
    await using(file(name), options, (source) => sameAs(t, source, expected, name));
  }
  await t.throwsAsync(openRegions(file('deep-page.tif'), {page: 2}), {code: 'INVALID_IMAGE', message: /2 pages/});
  await t.throwsAsync(openRegions(file('range.jpg'), {page: 1}), {code: 'INVALID_IMAGE', message: /no page 1/});
  await t.throwsAsync(openRegions(file('range.jpg'), {range: 'percentile'}), {code: 'INVALID_OPTION'});
  await written('deep-range.png', image().toColourspace('rgb16').png());
  const lost = {code: 'INVALID_IMAGE', message: /numbers are lost/};
  await t.throwsAsync(openRegions(file('deep-range.png'), {range: [0, 4095]}), lost);
});

test('a TIFF of one large compressed strip is read from a temporary copy, any page of it', async (t) => {
  const side = 4200;
  const data = new Uint8Array(2 * side * side).map((_, i) => (i >> 8) + ((i % side) >> 4));
  const pages = () => sharp(data, {raw: {width: side, height: 2 * side, channels: 1, pageHeight: side}});
  const strip = {compression: 'deflate', tileHeight: side} as const;
  const path = await written('large-strip.tif', pages().tiff(strip));
  const {width: columns, height: rows, pages: count} = await sharp(path).metadata();
  t.deepEqual([columns, rows, count], [side, side, 2]);
  for (const page of [0, 1]) {
    await using(path, {page}, async (source) => {
      const {data: read} = await source.read({left: 4000, top: 500, width: 200, height: 600});
      const start = page * side * side;
      const right = Uint8Array.from({length: read.length}, (_, i) => {
        const [x, y] = [4000 + (Math.floor(i / 3) % 200), 500 + Math.floor(i / 600)];
        return data[start + y * side + x]!;
      });
      t.is(Buffer.compare(read, right), 0, `page ${page}`);
    });
  }
  const deep = await written('deep-strip.tif', pages().toColourspace('grey16').tiff(strip));
  t.is((await sharp(deep).metadata()).depth, 'ushort');
  const expected = await readImage(deep);
  await using(deep, {}, async (source) => {
    const rect = {left: 4000, top: 500, width: 200, height: 600};
    t.is(Buffer.compare((await source.read(rect)).data, cut(expected, rect)), 0);
  });
});

test('a TIFF of 16 bits is told to be read by its upper 8 bits', async (t) => {
  const data = new Uint16Array(width * height).fill(4095);
  await writeFile(file('dark.tif'), writeTiff({width, height, data}));
  await using(file('dark.tif'), {}, async (source) => {
    const {notices = []} = await source.read({left: 5, top: 5, width: 10, height: 10});
    t.like(notices[0], {kind: 'depth', file: file('dark.tif'), dark: true});
  });
});

test('many reads at once give each its own region', async (t) => {
  const path = await written('at-once.tif', image().tiff({...tile, compression: 'lzw'}));
  await using(path, {}, async (source) => {
    const wanted = Array.from({length: 40}, (_, i) => ({left: i * 7, top: i * 5, width: 100, height: 100}));
    const read = await Promise.all(wanted.map((rect) => source.read(rect)));
    for (const [i, {data}] of read.entries()) t.is(Buffer.compare(data, cut(whole, wanted[i]!)), 0, `${i}`);
  });
});

test('a region outside the image is a RangeError', async (t) => {
  const path = await written('outside.png', image().png());
  await using(path, {}, async (source) => {
    const right = {left: 0, top: 0, width: 10, height: 10};
    for (const wrong of [
      {left: -1},
      {top: height},
      {left: width - 9},
      {height: height + 1},
      {width: 0},
      {height: -1},
      {left: 0.5},
      {top: Number.NaN},
      {width: '10' as unknown as number},
    ]) {
      const error = await t.throwsAsync(source.read({...right, ...wrong}), {instanceOf: RangeError});
      t.true(error.message.includes(path), error.message);
    }
  });
});

test('files that cannot be read are INVALID_IMAGE, with the file', async (t) => {
  const tiff = await image()
    .tiff({...tile, compression: 'lzw'})
    .toBuffer();
  const jpeg = await image().jpeg().toBuffer();
  const png = await image().png().toBuffer();
  const files: Record<string, [bytes: Uint8Array, message: RegExp]> = {
    empty: [Buffer.alloc(0), /no TIFF, JPEG/],
    'text.tif': [Buffer.from('no image at all, but text'), /no TIFF, JPEG/],
    'header.tif': [tiff.subarray(0, 8), /truncated/],
    'cut.tif': [tiff.subarray(0, tiff.length - 100), /truncated/],
    'cut.jpg': [jpeg.subarray(0, jpeg.length / 2), /not a readable image/],
    'cut.png': [png.subarray(0, png.length / 2), /not a readable image/],
    // One strip of 25 million numbers, which a copy of 8 bits would spoil.
    'floats.tif': [
      writeTiff({width: 5000, height: 5000, data: new Float32Array(4), compression: 5}),
      /numbers are lost/,
    ],
    'jpeg2000.tif': [
      writeTiff({width: 4, height: 4, data: new Uint8Array(16), compression: 33005}),
      /compression JPEG 2000 \(33005\) is not supported/,
    ],
  };
  for (const [name, [bytes, message]] of Object.entries(files)) {
    await writeFile(file(name), bytes);
    await t.throwsAsync(openRegions(file(name)), {code: 'INVALID_IMAGE', message}, name);
  }
  const missing = {code: 'INVALID_IMAGE', message: /there is no such file/};
  t.is((await t.throwsAsync<Error & {file: string}>(openRegions(file('none')), missing)).file, file('none'));
  await t.throwsAsync(openRegions(folder), {code: 'INVALID_IMAGE', message: /it is a folder/});
  await t.throwsAsync(openRegions(7 as unknown as string), {code: 'INVALID_OPTION'});
});

test('a damaged tile spoils only the regions that touch it', async (t) => {
  const bytes = await image()
    .tiff({...tile, compression: 'jpeg'})
    .toBuffer();
  const tiff = new TiffFile(bytes);
  const [page] = await tiff.pages();
  const start = tiff.values(page!, TAG.tileOffsets).at(-1)!;
  bytes.fill(0, start, start + tiff.values(page!, TAG.tileBytes).at(-1)!);
  await writeFile(file('damaged.tif'), bytes);
  await using(file('damaged.tif'), {}, async (source) => {
    t.is((await source.read({left: 0, top: 0, width: 300, height: 200})).width, 300);
    const error = await t.throwsAsync<Error & {file: string}>(
      source.read({left: 300, top: 200, width: 100, height: 100}),
      {code: 'INVALID_IMAGE', message: /the part from \(384, 288\) of .*damaged\.tif cannot be read/},
    );
    t.is(error.file, file('damaged.tif'));
    t.is((await source.read({left: 0, top: 0, width: 300, height: 200})).width, 300);
  });
});

test('any damage of a file is an error of this package, or does no harm', async (t) => {
  const bytes = await image()
    .tiff({...tile, compression: 'deflate', pyramid: true})
    .toBuffer();
  const structure = bytes.readUInt32LE(4);
  for (let i = 0; i < 200; i++) {
    const damaged = Buffer.from(bytes);
    // Every fourth in the first bytes, the others in the first page's entries, by a fixed rule.
    const at = i % 4 === 0 ? (i / 4) % 16 : structure + ((i * 37) % 260);
    damaged[at] = (damaged[at]! + 1 + ((i * 101) % 255)) % 256;
    await writeFile(file('fuzz.tif'), damaged);
    try {
      await using(file('fuzz.tif'), {}, (source) =>
        source.read({left: 0, top: 0, width: Math.min(source.width, 100), height: Math.min(source.height, 100)}),
      );
    } catch (error) {
      const {name, code, file: named} = error as {name: string; code: string; file: string};
      t.is(name, 'MaskRcnnError', `${at}: ${error}`);
      t.true(['INVALID_IMAGE', 'WRITE_FAILED'].includes(code), `${at}: ${error}`);
      t.is(named, file('fuzz.tif'));
    }
  }
  t.pass();
});

test.serial('close() waits for reads, may be called twice, and leaves no temporary file', async (t) => {
  const path = await written('closed.png', image().png());
  const {TMPDIR} = process.env;
  process.env.TMPDIR = file('temporary');
  await mkdir(file('temporary'));
  try {
    const source = await openRegions(path);
    const reading = source.read(rects(whole)[0]!);
    await source.close();
    await source.close();
    t.is(Buffer.compare((await reading).data, whole.data), 0);
    await t.throwsAsync(source.read(rects(whole)[0]!), {code: 'DISPOSED', message: /closed\.png/});
    t.deepEqual(await readdir(file('temporary')), []);
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
});

test('a temporary copy that has no room is not begun', async (t) => {
  const strip = {width: 1e6, height: 1e6, data: new Uint8Array(16), compression: 5};
  await writeFile(file('vast.tif'), writeTiff(strip));
  // 1954 × 1954 tiles of 512 × 512 pixels, and a hundredth more.
  await t.throwsAsync(openRegions(file('vast.tif')), {code: 'WRITE_FAILED', message: /needs 3032\.72 GB/});
});

test('options are checked', async (t) => {
  const path = await written('options.png', image().png());
  for (const options of [{level: -1}, {level: 0.5}, {micronsPerPixel: 0}, {level: 0, micronsPerPixel: 1}, {lewel: 1}]) {
    await t.throwsAsync(openRegions(path, options), {code: 'INVALID_OPTION'}, JSON.stringify(options));
  }
  await t.throwsAsync(openRegions(path, {micronsPerPixel: 1}), {
    code: 'INVALID_IMAGE',
    message: /how large its pixels/,
  });
});
