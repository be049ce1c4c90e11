/** Channels, slices and frames that are pages: of files made by hand, and of files that tifffile writes. */
import {spawnSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import type {MaskRcnnError} from '../../lib/basics/errors.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import type {PixelOptions} from '../../lib/image/pixel-options.js';
import {readImage, readImageSize} from '../../lib/image/read-image.js';
import {readStored} from '../../lib/image/read-stored.js';
import {openRegions} from '../../lib/image/regions/open-regions.js';
import {describeInspection, inspect} from '../../lib/index.js';
import {python, pythonHas} from '../python.js';
import {writePng} from './png-writer.js';
import {type TiffPageSpec, writeTiff} from './tiff-writer.js';

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-stack-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** Pages of 2 × 1 pixels; the numbers of page p are p + 1 and 10 (p + 1). The first page has the description. */
function pages(number: number, description: string): TiffPageSpec[] {
  return Array.from({length: number}, (_, page) => ({
    width: 2,
    height: 1,
    data: Uint8Array.of(page + 1, 10 * (page + 1)),
    ...(page === 0 && {description}),
  }));
}

/** The first pixel: number of a page + 1 in red, green and blue. */
const firstPixel = async (bytes: Uint8Array, options?: PixelOptions) => [
  ...(await readImage(bytes, options)).data.subarray(0, 3),
];

const imagej = (fields: string) => `ImageJ=1.54f\n${fields.replaceAll(' ', '\n')}\nunit=pixel\n`;

const ome = (pixels: string, inner = '', root = '') =>
  `<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"${root}><Image ID="Image:0">` +
  `<Pixels ID="Pixels:0" Type="uint8" SizeX="2" SizeY="1" ${pixels}>${inner}</Pixels></Image></OME>`;

test('ImageJ: channels first, then slices, then frames', async (t) => {
  const file = writeTiff(pages(12, imagej('images=12 channels=3 slices=2 frames=2 hyperstack=true')));
  t.deepEqual(await firstPixel(file), [1, 2, 3]);
  t.deepEqual(await firstPixel(file, {channels: [2]}), [3, 3, 3]);
  t.deepEqual(await firstPixel(file, {channels: [2, 0], page: 1}), [6, 4, 0]);
  t.deepEqual(await firstPixel(file, {page: 3, channels: [1, 1, 0]}), [11, 11, 10]);
  const {stored, notices} = await readImage(file);
  t.deepEqual(stored, {
    type: 'uint8',
    channels: 3,
    pages: 4,
    stack: {channels: 3, slices: 2, frames: 2},
    values: [1, 30],
  });
  t.deepEqual(
    notices!.filter(({kind}) => kind === 'pages').map(({what}) => what),
    ['has 4 planes (2 slices × 2 frames)'],
  );
});

test('ImageJ: numbers that do not fit the pages say nothing, and one page may stand for all', async (t) => {
  t.deepEqual(await firstPixel(writeTiff(pages(3, imagej('images=3 channels=2 slices=2'))), {page: 2}), [3, 3, 3]);
  const single = {...pages(1, imagej('images=4 channels=2 slices=2'))[0]!, data: Uint8Array.of(1, 2), height: 1};
  // The pixels of the first page are in the middle of the file, so the pages behind it are put there with them.
  const whole = writeTiff(single);
  const strip = whole.indexOf(Buffer.from([1, 2]), 8);
  const slices = Buffer.concat([whole, Buffer.from([1, 10, 2, 20, 3, 30, 4, 40])]);
  const entry = Array.from({length: 12}, (_, i) => slices.readUInt32LE(4) + 2 + i * 12).find(
    (at) => slices.readUInt16LE(at) === 273,
  )!;
  t.is(slices.readUInt32LE(entry + 8), strip);
  slices.writeUInt32LE(whole.length, entry + 8);
  t.deepEqual(await firstPixel(slices, {page: 1, channels: [0, 1]}), [3, 4, 0]);
  t.deepEqual([...(await readStored(slices, {name: 'stack', page: 1})).data], [3, 4, 30, 40]);
  const path = join(folder, 'one-page.tif');
  await writeFile(path, slices);
  const regions = await openRegions(path, {page: 1, channels: [1, 0]});
  t.deepEqual([...(await regions.read({left: 1, top: 0, width: 1, height: 1})).data], [40, 30, 0]);
  await regions.close();
});

test('OME: the order of dimensions, with and without TiffData', async (t) => {
  const size = 'SizeC="2" SizeZ="3" SizeT="2"';
  const orders = {
    // c, z, t of the third page: [page + 1 of channel 0, of channel 1] of plane 1 (slice 1, frame 0)
    XYCZT: [3, 4],
    XYCTZ: [5, 6],
    XYZCT: [2, 5],
    XYZTC: [2, 8],
    XYTCZ: [5, 7],
    XYTZC: [3, 9],
  };
  for (const [order, expected] of Object.entries(orders)) {
    for (const data of ['', '<TiffData/>', '<TiffData IFD="0" PlaneCount="12"/>']) {
      const file = writeTiff(pages(12, ome(`DimensionOrder="${order}" ${size}`, data)));
      t.deepEqual(await firstPixel(file, {page: 1}), [expected[0]!, expected[0]!, expected[0]!], order);
      t.deepEqual(await firstPixel(file, {page: 1, channels: [0, 1]}), [...expected, 0], `${order} ${data}`);
    }
  }
});

test('OME: TiffData says which page is which plane, and may be in any order', async (t) => {
  const blocks =
    '<Channel Name="DAPI"/><Channel Name="GFP"/>' +
    '<TiffData IFD="3" FirstC="0" FirstZ="0"/><TiffData IFD="2" FirstC="1" FirstZ="0"/>' +
    '<TiffData IFD="0" FirstC="0" FirstZ="1" PlaneCount="2"/>';
  const file = writeTiff(pages(4, ome('DimensionOrder="XYCZT" SizeC="2" SizeZ="2" SizeT="1"', blocks)));
  t.deepEqual(await firstPixel(file, {channels: [0, 1]}), [4, 3, 0]);
  t.deepEqual(await firstPixel(file, {channels: [0, 1], page: 1}), [1, 2, 0]);
  const error = await t.throwsAsync<MaskRcnnError>(readImage(file, {channels: [2]}));
  t.regex(error!.message, /it has 2 channels, numbers 0 to 1 \(DAPI, GFP\), so there is no channel 2/);
  const other = await t.throwsAsync<MaskRcnnError>(readImage(file, {page: 2}));
  t.regex(
    other!.message,
    /has 2 planes, numbers 0 to 1 \(2 slices × 1 frame\), with 2 channels \(DAPI, GFP\), so there is no page 2/,
  );
  t.regex(other!.hint!, /Its channels are pages: choose them with `channels`/);
  t.is(
    (await t.throwsAsync<MaskRcnnError>(readImageSize(await saved('bad.tif', file), {page: 2})))!.code,
    'INVALID_IMAGE',
  );
});

async function saved(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

test('OME: several channels on each of several pages', async (t) => {
  const two = [1, 2].map((page) => ({
    width: 1,
    height: 1,
    samples: 3,
    data: Uint8Array.of(10 * page, 10 * page + 1, 10 * page + 2),
    ...(page === 1 && {description: ome('DimensionOrder="XYCZT" SizeC="6" SizeZ="1" SizeT="1"')}),
  }));
  const file = writeTiff(two);
  t.deepEqual(await firstPixel(file), [10, 11, 12]);
  t.deepEqual(await firstPixel(file, {channels: [5, 0, 3]}), [22, 10, 20]);
  const path = await saved('six.ome.tif', file);
  const regions = await openRegions(path, {channels: [5, 0, 3]});
  t.deepEqual([...(await regions.read({left: 0, top: 0, width: 1, height: 1})).data], [22, 10, 20]);
  await regions.close();
});

test('OME: metadata that do not fit, or are damaged, or name other files, say nothing', async (t) => {
  const id = 'urn:uuid:1';
  const elsewhere = '<TiffData IFD="0" FirstC="1"><UUID FileName="b.ome.tif">urn:uuid:2</UUID></TiffData>';
  const here = `<TiffData IFD="0" PlaneCount="2"><UUID FileName="a.ome.tif">${id}</UUID></TiffData>`;
  const two = 'DimensionOrder="XYCZT" SizeC="2" SizeZ="1" SizeT="1"';
  const silent = [
    ome('DimensionOrder="XYCZT" SizeC="5" SizeZ="1" SizeT="1"'),
    ome('DimensionOrder="XYCZT" SizeC="1e9" SizeZ="1e9" SizeT="1"'),
    ome('DimensionOrder="XYCZT" SizeC="-2" SizeZ="1" SizeT="1"'),
    ome('DimensionOrder="ABCDE" SizeC="2" SizeZ="1" SizeT="1"'),
    ome(two, '<TiffData IFD="7" PlaneCount="2"/>'),
    ome(two).slice(0, -20),
    ome(two, elsewhere, ` UUID="${id}"`),
  ];
  for (const description of silent) {
    const file = writeTiff(pages(2, description));
    t.deepEqual(await firstPixel(file, {page: 1}), [2, 2, 2], description);
    await t.throwsAsync(readImage(file, {channels: [1]}), {message: /it has one channel, number 0/});
  }
  t.deepEqual(await firstPixel(writeTiff(pages(2, ome(two, here, ` UUID="${id}"`))), {channels: [1]}), [2, 2, 2]);
});

test('OME: pages that no metadata name are pages of their own, behind the planes', async (t) => {
  const file = writeTiff(pages(3, ome('DimensionOrder="XYCZT" SizeC="2" SizeZ="1" SizeT="1"')));
  t.deepEqual(await firstPixel(file, {channels: [0, 1]}), [1, 2, 0]);
  t.deepEqual(await firstPixel(file, {page: 1}), [3, 3, 3]);
});

test('channels on pages of other sizes or types are one error', async (t) => {
  const description = imagej('images=2 channels=2');
  const small = {width: 2, height: 1, data: Uint8Array.of(1, 2), description};
  for (const other of [
    {width: 1, height: 1, data: Uint8Array.of(1)},
    {width: 2, height: 1, data: Uint16Array.of(1, 2)},
  ]) {
    const error = await t.throwsAsync<MaskRcnnError>(readImage(writeTiff([small, other]), {channels: [0, 1]}));
    t.regex(error!.message, /its channels are pages that differ in size or type of numbers/);
  }
});

test('16 bits, white is 0, and 64 bits: each page is made ready on its own', async (t) => {
  const description = imagej('images=2 channels=2');
  const deep = writeTiff([
    {width: 2, height: 1, data: Uint16Array.of(0, 4095), description},
    {width: 2, height: 1, data: Uint16Array.of(2048, 1024)},
  ]);
  t.deepEqual([...(await readImage(deep, {range: [0, 4095], channels: [1, 0]})).data], [128, 0, 0, 64, 255, 0]);
  t.deepEqual([...(await readStored(deep, {name: 'deep'})).data], [0, 2048, 4095, 1024]);
  const double = writeTiff([
    {width: 2, height: 1, data: Float64Array.of(0, 1), description},
    {width: 2, height: 1, data: Float64Array.of(1, 0.5)},
  ]);
  t.deepEqual([...(await readImage(double, {channels: [0, 1]})).data], [0, 255, 0, 255, 128, 0]);
});

test('a data set reads such channels, and inspect() tells them', async (t) => {
  const data = join(folder, 'set');
  const {mkdir} = await import('node:fs/promises');
  await mkdir(join(data, 'images'), {recursive: true});
  await mkdir(join(data, 'masks'), {recursive: true});
  const wide = Array.from({length: 4}, (_, page) => ({
    width: 8,
    height: 8,
    data: new Uint8Array(64).fill(50 * (page + 1)),
    ...(page === 0 && {description: imagej('images=4 channels=2 slices=2')}),
  }));
  await writeFile(join(data, 'images', 'a.tif'), writeTiff(wide));
  await writeFile(
    join(data, 'masks', 'a.png'),
    writePng({width: 8, height: 8, bits: 8, value: (x, y) => Number(x < 4 && y < 4)}),
  );
  const set = await MaskFolder.open(data, {classes: ['cell'], channels: [1, 0], page: 1});
  t.deepEqual([...(await set.get(0)).image.data.subarray(0, 3)], [200, 150, 0]);
  const inspection = await inspect(set);
  t.deepEqual(inspection.pixels.types[0]!.stacks, [{channels: 2, slices: 2, frames: 1}]);
  const told = describeInspection(inspection);
  t.regex(told, /2 channels, 2 pages \(2 channels × 2 slices × 1 frame\)/);
});

const SCRIPT = `
import sys
import numpy as np, tifffile
a = (np.arange(2 * 3 * 4 * 32 * 48).reshape(2, 3, 4, 32, 48) % 60000).astype('uint16')  # t, z, c
tifffile.imwrite('j.tif', a, imagej=True, metadata={'axes': 'TZCYX'})
tifffile.imwrite('o.ome.tif', a, ome=True, metadata={'axes': 'TZCYX', 'Channel': {'Name': list('abcd')}})
tifffile.imwrite('c.ome.tif', np.moveaxis(a, 2, 0).copy(), ome=True, metadata={'axes': 'CTZYX'}, tile=(16, 16), compression='zlib')
with tifffile.TiffWriter('p.ome.tif') as tif:
    tile = {'tile': (16, 16), 'photometric': 'minisblack'}
    tif.write(a[0, 0], subifds=1, metadata={'axes': 'CYX'}, **tile)
    tif.write(a[0, 0, :, ::2, ::2].copy(), subfiletype=1, **tile)
`;

test('files of tifffile: every plane and channel, whole and by region', async (t) => {
  if (!pythonHas(['tifffile'], 'stacks that tifffile writes')) return t.pass();
  const {status, stderr} = spawnSync(python, ['-c', SCRIPT], {cwd: folder, encoding: 'utf8'});
  t.is(status, 0, stderr);
  const value = (tt: number, z: number, c: number, y: number, x: number) =>
    ((((tt * 3 + z) * 4 + c) * 32 + y) * 48 + x) % 60000;
  for (const name of ['j.tif', 'o.ome.tif', 'c.ome.tif']) {
    for (let page = 0; page < 6; page++) {
      const path = join(folder, name);
      const {data} = await readImage(path, {page, channels: [3, 0, 2]});
      const regions = await openRegions(path, {page, channels: [3, 0, 2]});
      t.deepEqual((await regions.read({left: 0, top: 0, width: 48, height: 32})).data, data, name);
      await regions.close();
      const at = (c: number) => value(Math.floor(page / 3), page % 3, c, 7, 11) >> 8;
      const start = (7 * 48 + 11) * 3;
      t.deepEqual([...data.subarray(start, start + 3)], [at(3), at(0), at(2)], `${name} ${page}`);
    }
  }
  const level = await openRegions(join(folder, 'p.ome.tif'), {level: 1, channels: [1, 3]});
  t.like(level, {width: 24, height: 16, downsample: 2});
  const {data} = await level.read({left: 5, top: 3, width: 1, height: 1});
  t.deepEqual([...data], [value(0, 0, 1, 6, 10) >> 8, value(0, 0, 3, 6, 10) >> 8, 0]);
  await level.close();
});
