import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {loadBinding} from '../../lib/addon/binding.js';
import {instancesFromIds} from '../../lib/datasets/instances.js';
import {objectsOfBlocks} from '../../lib/datasets/large-mask.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import {placedInstances} from '../../lib/datasets/placed-instances.js';
import {labelTiff} from '../../lib/image/label-tiff.js';
import {readMask} from '../../lib/image/read-mask.js';
import type {LabelBlocks} from '../../lib/image/regions/label-blocks.js';
import {openLabelBlocks} from '../../lib/image/regions/open-label-blocks.js';
import {leaveOut} from '../image/leave-out.js';
import {writeTiff} from '../image/tiff-writer.js';

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-large-mask-test-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const [width, height] = [301, 203];
/** Objects of many shapes, some in several parts, across the borders of tiles. */
const ids = Uint16Array.from({length: width * height}, (_, i) => {
  const [x, y] = [i % width, Math.floor(i / width)];
  const value = Math.floor(x / 37) + 9 * Math.floor(y / 23) + Math.floor(40 * Math.sin(x / 50) * Math.cos(y / 40));
  return value > 0 ? 300 * value : 0;
});

const grey = () => sharp(ids, {raw: {width, height, channels: 1}}).toColourspace('grey16');
const tile = {tile: true, tileWidth: 64, tileHeight: 48} as const;

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

/** Asserts that the objects of a mask are the same by blocks as from the whole mask. */
async function same(t: ExecutionContext, file: string, settings: {minArea: number; ignoreIds?: number[]}) {
  const binding = await loadBinding();
  const mask = await readMask(file);
  const kept = mask.ids.map((id) => (settings.ignoreIds?.includes(id) ? 0 : id));
  const whole = await instancesFromIds({...mask, ids: kept}, {label: 1, minArea: settings.minArea, file});
  const source = await openLabelBlocks(file, 0);
  t.truthy(source, file);
  const {objects, dropped} = (await objectsOfBlocks(binding, source!, settings, file))!;
  await source!.close();
  t.true(objects.length > 1);
  t.deepEqual(objects, await placedInstances(whole.instances, binding), file);
  t.is(dropped, whole.dropped);
}

test('objects are those of the whole mask, in tiles and strips', async (t) => {
  const files = {
    'tiles.tif': await grey()
      .tiff({...tile, compression: 'lzw'})
      .toBuffer(),
    'strips.tif': await grey().tiff({compression: 'deflate', tileHeight: 16}).toBuffer(),
    'rows.tif': await grey().tiff({compression: 'none', tileHeight: 16}).toBuffer(),
    'deep.tif': await labelTiff(
      Uint32Array.from(ids, (id) => id * 1000),
      width,
      height,
    ),
    'big-endian.tif': writeTiff({width, height, data: ids}, {bigEndian: true}),
    'palette.tif': writeTiff({width, height, data: Uint8Array.from(ids, (id) => id / 300), photometric: 3}),
    'sparse.tif': await leaveOut(
      await grey()
        .tiff({...tile, compression: 'lzw'})
        .toBuffer(),
      [1, 7],
    ),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const file = await write(name, bytes);
    await same(t, file, {minArea: 1});
    await same(t, file, {minArea: 200, ignoreIds: [300, 3, 300_000]});
  }
});

/** The mask with the size of one that cannot be read whole. */
function tooLarge(source: LabelBlocks): Parameters<typeof objectsOfBlocks>[1] {
  return {width: 16_384, height: 16_384, places: () => source.places(), read: (place) => source.read(place)};
}

test('a binary mask whose parts have to be told apart is read whole, and refused if it is too large', async (t) => {
  const binding = await loadBinding();
  const data = Uint8Array.from(ids, (id) => (id > 0 ? 255 : 0));
  const file = await write('binary.tif', writeTiff({width, height, data}));
  const source = (await openLabelBlocks(file, 0))!;
  const settings = (binary?: 'components' | 'whole') => ({minArea: 1, ...(binary && {binary})});
  for (const each of [source, tooLarge(source)]) {
    t.is((await objectsOfBlocks(binding, each, settings('whole'), file))?.objects.length, 1);
  }
  const message =
    /binary\.tif must have a value of its own for each instance, got 0 and 255 only, and more than 268402689 pixels.\n.*number them first/;
  for (const binary of [undefined, 'components'] as const) {
    t.is(await objectsOfBlocks(binding, source, settings(binary), file), undefined);
    const refused = objectsOfBlocks(binding, tooLarge(source), settings(binary), file);
    await t.throwsAsync(refused, {code: 'INVALID_MASK', message});
  }
  await source.close();
});

test('colours are read whole, and refused if there are too many', async (t) => {
  const binding = await loadBinding();
  const rgb = Uint8Array.from({length: 3 * width * height}, (_, i) => (i % 3 === 0 ? ids[i / 3]! / 300 : 0));
  const colours = await sharp(rgb, {raw: {width, height, channels: 3}})
    .tiff({...tile, compression: 'lzw'})
    .toBuffer();
  const file = await write('colours.tif', colours);
  const source = (await openLabelBlocks(file, 0))!;
  t.is(await objectsOfBlocks(binding, source, {minArea: 1}, file), undefined);
  await t.throwsAsync(objectsOfBlocks(binding, tooLarge(source), {minArea: 1}, file), {
    code: 'INVALID_MASK',
    message: /colours\.tif must have a grey value for each object, got colours and more than 268402689 pixels/,
  });
  await source.close();
});

test('a folder gives the objects of large masks, whatever shows them', async (t) => {
  // More than 4096 × 4096 pixels: two squares, of which the second is in the last tile.
  const side = 4100;
  const black = {width: side, height: side, channels: 3, background: 'black'} as const;
  const square = (background: string) =>
    sharp({create: {width: 6, height: 6, channels: 3, background}})
      .png()
      .toBuffer();
  const drawn = async (first: string, second: string) =>
    sharp({create: black}).composite([
      {input: await square(first), left: 10, top: 20},
      {input: await square(second), left: 4090, top: 4080},
    ]);
  const tiles = {tile: true, tileWidth: 1024, tileHeight: 1024, compression: 'deflate'} as const;
  const white = (await drawn('white', 'white')).toColourspace('b-w');
  const masks = {
    components: await white.clone().tiff(tiles).toBuffer(),
    bit: await white
      .clone()
      .tiff({...tiles, bitdepth: 1})
      .toBuffer(),
    colours: await (await drawn('red', 'lime')).tiff(tiles).toBuffer(),
    ids: await (await drawn('#010101', '#020202')).toColourspace('b-w').tiff(tiles).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(masks)) {
    const path = join(folder, name);
    await mkdir(path);
    // The image has the size of the mask, and only its header is read.
    await writeFile(join(path, 'a.tif'), masks.bit);
    await writeFile(join(path, 'a_mask.tif'), bytes);
    const data = await MaskFolder.open(path, {classes: ['cell'], binary: 'components'});
    const objects = await data.objects(0, await data.size(0));
    t.deepEqual(
      objects.map(({box}) => box),
      [
        [10, 20, 16, 26],
        [4090, 4080, 4096, 4086],
      ],
      name,
    );
    t.deepEqual(await data.labels(0), [1, 1], name);
  }
});

test('an object whose rectangle is too large for run lengths is told by its value and its size', async (t) => {
  const corners = [
    {left: 0, top: 0},
    {left: 59_999, top: 39_999},
  ];
  const source: Parameters<typeof objectsOfBlocks>[1] = {
    ...{width: 60_000, height: 40_000},
    places: async () => [...corners.keys()].map((column) => ({column, row: 0, columns: 1, rows: 1})),
    read: async ({column}) => ({
      ...{ids: Uint16Array.of(7), width: 1, height: 1, source: 'values', bits: 16},
      ...corners[column]!,
    }),
  };
  await t.throwsAsync(objectsOfBlocks(await loadBinding(), source, {minArea: 1}, 'far.tif'), {
    code: 'INVALID_MASK',
    message:
      /^far\.tif must have .* at most 2147483647 pixels, got the value 7 in a rectangle of 60000 × 40000\.\n.*pass ignoreIds: \[7\]/,
  });
});

const black = {width, height, channels: 3, background: 'black'} as const;

test('other files are read whole', async (t) => {
  const tiff = await write('small.tif', writeTiff({width, height, data: ids}));
  t.is(await openLabelBlocks(tiff, width * height), undefined, 'it is not larger');
  const [png, webp] = [await grey().png().toBuffer(), await sharp({create: black}).webp({lossless: true}).toBuffer()];
  t.is(await openLabelBlocks(await write('small.png', png), width * height), undefined, 'it is not larger');
  t.is(await openLabelBlocks(await write('mask.webp', webp), 0), undefined);
  t.is(await openLabelBlocks(await write('no.png', png.subarray(0, 30)), 0), undefined);
  t.is(await openLabelBlocks(await write('no.tif', Buffer.from('II*\0nothing')), 0), undefined);
  await t.throwsAsync(openLabelBlocks(join(folder, 'none.tif'), 0), {code: 'INVALID_MASK', message: /none\.tif/});
});

test('a mask that is too large to be decoded says what to do', async (t) => {
  const create = {width: 20_000, height: 14_000, channels: 3, background: 'black'} as const;
  const png = await sharp({create, limitInputPixels: false}).toColourspace('b-w').png({compressionLevel: 1}).toBuffer();
  const file = await write('large.png', png);
  await t.throwsAsync(readMask(file), {
    code: 'INVALID_MASK',
    message:
      /large\.png is not .*: 20000 × 14000 is more than 268402689 pixels\.\ntiles\(\) reads masks of any size in parts, as PNG that is not interlaced, or as TIFF with tiles or strips of at most 16777216 pixels each\./,
  });
});
