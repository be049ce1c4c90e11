import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {loadBinding} from '../../lib/addon/binding.js';
import {instancesFromIds} from '../../lib/datasets/instances.js';
import {objectsOfBlocks} from '../../lib/datasets/large-mask.js';
import {placedInstances} from '../../lib/datasets/placed-instances.js';
import {labelTiff} from '../../lib/image/label-tiff.js';
import {readMask} from '../../lib/image/read-mask.js';
import {LabelBlocks} from '../../lib/image/regions/label-blocks.js';
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
  const source = await LabelBlocks.open(file, 0);
  t.truthy(source, file);
  const {objects, dropped} = await objectsOfBlocks(binding, source!, settings, file);
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

test('a mask of one value is one object only if that is said', async (t) => {
  const binding = await loadBinding();
  const data = Uint8Array.from(ids, (id) => (id > 0 ? 255 : 0));
  const file = await write('binary.tif', writeTiff({width, height, data}));
  const read = async (binary?: 'components' | 'whole') => {
    const source = await LabelBlocks.open(file, 0);
    return objectsOfBlocks(binding, source!, {minArea: 1, ...(binary && {binary})}, file).finally(() =>
      source!.close(),
    );
  };
  t.is((await read('whole')).objects.length, 1);
  const message =
    /binary\.tif must have a value of its own for each instance, got 0 and 255 only, .*\n.*number them first/;
  await t.throwsAsync(read(), {code: 'INVALID_MASK', message});
  await t.throwsAsync(read('components'), {code: 'INVALID_MASK', message});
});

test('what has no grey values, or no parts, is refused or read whole', async (t) => {
  const binding = await loadBinding();
  const rgb = Uint8Array.from({length: 3 * width * height}, (_, i) => (i % 3 === 0 ? ids[i / 3]! / 300 : 0));
  const colours = await sharp(rgb, {raw: {width, height, channels: 3}})
    .tiff({...tile, compression: 'lzw'})
    .toBuffer();
  const file = await write('colours.tif', colours);
  const source = await LabelBlocks.open(file, 0);
  await t.throwsAsync(objectsOfBlocks(binding, source!, {minArea: 1}, file), {
    code: 'INVALID_MASK',
    message: /colours\.tif must have a grey value for each object to be read in parts, got colours/,
  });
  await source!.close();
  t.is(await LabelBlocks.open(file, width * height), undefined, 'it is not larger');
  t.is(await LabelBlocks.open(await write('mask.png', await grey().png().toBuffer()), 0), undefined);
  t.is(await LabelBlocks.open(await write('no.tif', Buffer.from('II*\0nothing')), 0), undefined);
  await t.throwsAsync(LabelBlocks.open(join(folder, 'none.tif'), 0), {code: 'INVALID_MASK', message: /none\.tif/});
});

test('a mask that is too large to be decoded says what to do', async (t) => {
  const create = {width: 20_000, height: 14_000, channels: 3, background: 'black'} as const;
  const png = await sharp({create, limitInputPixels: false}).toColourspace('b-w').png({compressionLevel: 1}).toBuffer();
  const file = await write('large.png', png);
  await t.throwsAsync(readMask(file), {
    code: 'INVALID_MASK',
    message:
      /large\.png is not .*: 20000 × 14000 is more than 268402689 pixels\.\nSave it as a TIFF with tiles or strips/,
  });
});
