import {mkdtemp, rename, rm, truncate, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {hasMask} from '../../lib/datasets/dataset.js';
import {openRegions} from '../../lib/image/regions/open-regions.js';
import {inspect, openDataset, readImage, tiles} from '../../lib/index.js';
import {writePyramid} from '../image/regions/pyramid-writer.js';
import {cut, pattern} from '../image/regions/regions.js';
import {cropOf} from './scenes.js';

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'maskrcnn-tiles-'));
  t.teardown(() => rm(path, {recursive: true, force: true}));
  return path;
}

/** Writes polygons as QuPath does. */
async function writeGeojson(path: string, rings: readonly (readonly (readonly [number, number])[])[]): Promise<void> {
  const features = rings.map((ring) => ({
    type: 'Feature',
    geometry: {type: 'Polygon', coordinates: [[...ring, ring[0]]]},
    properties: {objectType: 'annotation', classification: {name: 'cell'}},
  }));
  await writeFile(path, JSON.stringify({type: 'FeatureCollection', features}));
}

const triangle = [
  [10, 10],
  [90, 30],
  [40, 80],
] as const;
const square = [
  [100, 100],
  [101, 100],
  [101, 101],
  [100, 101],
] as const;

/** A slide of 240 × 160 pixels of 0.5 µm, a level of half the size, and annotations. */
async function writeSlide(path: string): Promise<void> {
  const [full, half] = [pattern(240, 160), pattern(120, 80)];
  const description = 'Aperio Image Library\r\n|MPP = 0.5|';
  await writeFile(
    join(path, 'a.tif'),
    writePyramid([
      {image: full, tile: 64, description},
      {image: half, tile: 64, kind: 1},
    ]),
  );
  await writeGeojson(join(path, 'a.geojson'), [triangle, square]);
}

/** A triangle, as LabelMe writes it. */
const shapes = [
  {
    label: 'cell',
    shape_type: 'polygon',
    points: [
      [2, 2],
      [30, 4],
      [20, 40],
    ],
  },
];

test('tiles of a level have its pixels, and of the masks the pixels under the centres of its pixels', async (t) => {
  const path = await folder(t);
  await writeSlide(path);
  const data = await openDataset(path);
  const [triangleMask] = (await data.get(0)).instances.filter(hasMask).map(({mask}) => mask);
  const isOn = (x: number, y: number) =>
    triangleMask!.data[(y - triangleMask!.top) * triangleMask!.width + x - triangleMask!.left] === 1 &&
    x >= triangleMask!.left &&
    x < triangleMask!.left + triangleMask!.width;
  for (const options of [{level: 1}, {micronsPerPixel: 1}, {micronsPerPixel: 0.8}, {micronsPerPixel: 0.3}]) {
    const tiled = await tiles(data, {size: 48, overlap: 8, minVisible: 0, ...options});
    const source = await openRegions(join(path, 'a.tif'), options);
    t.teardown(() => source.close());
    const {width, height, downsample} = source;
    const found = new Uint8Array(width * height);
    for (let index = 0; index < tiled.length; index++) {
      const {file: _, image: __, ...rect} = tiled.place(index);
      const {image, instances} = await tiled.get(index);
      t.is(Buffer.compare(image.data, (await source.read(rect)).data), 0);
      for (const {mask, box, id} of instances.filter(hasMask)) {
        t.deepEqual(box, [mask.left, mask.top, mask.left + mask.width, mask.top + mask.height]);
        if (id !== 1) continue;
        for (const [i, on] of mask.data.entries()) {
          const x = rect.left + mask.left + (i % mask.width);
          const y = rect.top + mask.top + Math.floor(i / mask.width);
          found[y * width + x]! |= on;
        }
      }
    }
    const wrong = found.findIndex((on, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return on !== Number(isOn(Math.floor((x + 0.5) * downsample), Math.floor((y + 0.5) * downsample)));
    });
    t.is(wrong, -1, JSON.stringify(options));
  }
});

test('a level that is not there, and a size of pixels that is not known, are errors that name the file', async (t) => {
  const path = await folder(t);
  await writeSlide(path);
  const data = await openDataset(path);
  const file = join(path, 'a.tif');
  const error = await t.throwsAsync(tiles(data, {level: 2}), {code: 'INVALID_IMAGE', message: /no level 2/});
  t.is((error as {file?: string}).file, file);
  await sharp({create: {width: 64, height: 64, channels: 3, background: 'red'}})
    .png()
    .toFile(file);
  await t.throwsAsync(tiles(data, {micronsPerPixel: 1}), {
    code: 'INVALID_IMAGE',
    message: /a\.tif does not say how large its pixels are/,
  });
});

test('a file that ends in mid-tile is an error that names the file and the tile; other tiles are read', async (t) => {
  const path = await folder(t);
  const file = join(path, 'a.tif');
  const image = pattern(256, 256);
  await writeFile(file, endingInLastTile(writePyramid([{image, tile: 64}])));
  await writeGeojson(join(path, 'a.geojson'), [triangle]);
  const data = await openDataset(path);
  const tiled = await tiles(data, {size: 64, overlap: 0, minVisible: 0});
  t.is(tiled.length, 16);
  const rect = {left: 0, top: 0, width: 64, height: 64};
  t.is(Buffer.compare((await tiled.get(0)).image.data, cut(image, rect)), 0);
  const error = await t.throwsAsync(tiled.get(15), {
    code: 'INVALID_IMAGE',
    message: /Tile 16 of 16 of .*a\.tif \(64 × 64 pixels at 192, 192\)/,
  });
  t.is((error as {file?: string}).file, file);
  const {faults, images} = await inspect(tiled);
  t.is(images, 16);
  t.deepEqual(
    faults.map((fault) => fault.file),
    [file],
  );
  await truncate(file, 4);
  await t.throwsAsync(tiles(data), {code: 'INVALID_IMAGE', message: /a\.tif/});
});

test('a file that is not there is an error that names it, and is read once it is there again', async (t) => {
  const path = await folder(t);
  await writeSlide(path);
  const file = join(path, 'a.tif');
  const tiled = await tiles(await openDataset(path), {size: 64, overlap: 0, minVisible: 0});
  await rename(file, join(path, 'away'));
  for (const _ of [1, 2]) await t.throwsAsync(tiled.get(0), {code: 'INVALID_IMAGE', message: /a\.tif .*no such file/});
  await rename(join(path, 'away'), file);
  t.is((await tiled.get(0)).image.width, 64);
});

test('annotations that change while tiles are used are an error', async (t) => {
  const path = await folder(t);
  await writeSlide(path);
  const tiled = await tiles(await openDataset(path), {size: 64, overlap: 0, minVisible: 0});
  await writeGeojson(join(path, 'a.geojson'), [triangle]);
  await t.throwsAsync(tiled.get(0), {code: 'INVALID_DATASET', message: /a\.tif must keep its 2 objects .* got 1/});
});

test('many images are read at once, in any order', async (t) => {
  const path = await folder(t);
  const whole = Array.from({length: 9}, (_, i) => pattern(60 + i, 50));
  for (const [i, image] of whole.entries()) {
    await writeFile(join(path, `${i}.tif`), writePyramid([{image, tile: 32}]));
    await writeGeojson(join(path, `${i}.geojson`), [triangle]);
  }
  const tiled = await tiles(await openDataset(path), {size: 32, overlap: 0, minVisible: 0});
  const order = Array.from({length: 3 * tiled.length}, (_, i) => (i * 7) % tiled.length);
  const read = await Promise.all(order.map((index) => tiled.get(index)));
  for (const [i, {image}] of read.entries()) {
    const {file: _, image: number, ...rect} = tiled.place(order[i]!);
    t.is(Buffer.compare(image.data, cut(whole[number]!, rect)), 0);
  }
});

/** Makes the last tile begin 5000 bytes before the end of the file. It has 12,288 bytes. */
function endingInLastTile(tiff: Buffer): Buffer {
  const directory = tiff.readUInt32LE(4);
  const entries = Array.from({length: tiff.readUInt16LE(directory)}, (_, i) => directory + 2 + 12 * i);
  const offsets = entries.find((entry) => tiff.readUInt16LE(entry) === 324)!;
  const last = tiff.readUInt32LE(offsets + 8) + 4 * (tiff.readUInt32LE(offsets + 4) - 1);
  tiff.writeUInt32LE(tiff.length - 5000, last);
  return tiff;
}

test('images that are turned by their EXIF orientation are upright, as whole samples are', async (t) => {
  const path = await folder(t);
  const {data, width, height} = pattern(90, 60);
  const image = () =>
    sharp(data, {raw: {width, height, channels: 3}})
      .withMetadata({orientation: 6})
      .png();
  await image().toFile(join(path, 'a.png'));
  // The second time, the annotations are of the pixels as they are stored.
  for (const [imageWidth, imageHeight] of [
    [60, 90],
    [90, 60],
  ]) {
    await writeFile(
      join(path, 'a.json'),
      JSON.stringify({imagePath: 'a.png', imageData: null, imageWidth, imageHeight, shapes}),
    );
    const opened = await openDataset(path);
    const whole = await opened.get(0);
    const tiled = await tiles(opened, {size: 40, overlap: 0, minVisible: 0});
    t.is(tiled.length, 6);
    for (let index = 0; index < tiled.length; index++) {
      const {file: _, image: __, ...rect} = tiled.place(index);
      const sample = await tiled.get(index);
      t.is(Buffer.compare(sample.image.data, cropOf(whole.image, [], rect).data), 0);
    }
  }
});

test('an image of another size than its annotations state is refused', async (t) => {
  const path = await folder(t);
  await sharp({create: {width: 64, height: 64, channels: 3, background: 'red'}}).toFile(join(path, 'a.png'));
  await writeFile(join(path, 'a.json'), JSON.stringify({imagePath: 'a.png', imageWidth: 65, imageHeight: 64, shapes}));
  await t.throwsAsync(tiles(await openDataset(path)), {
    code: 'INVALID_IMAGE',
    message: /a\.png must be of 65 × 64 pixels/,
  });
});

test("numbers are read as the data set reads them, also with the range 'percentile' of the whole image", async (t) => {
  const path = await folder(t);
  const {data, width, height} = pattern(80, 60);
  const deep = Uint16Array.from(data, (value) => value * 10);
  await sharp(deep, {raw: {width, height, channels: 3}})
    .toColourspace('rgb16')
    .tiff({tile: true, tileWidth: 16, tileHeight: 16})
    .toFile(join(path, 'a.tif'));
  await writeGeojson(join(path, 'a.geojson'), [triangle]);
  for (const range of ['percentile', [0, 2600]] as const) {
    const opened = await openDataset(path, {range});
    const whole = await readImage(join(path, 'a.tif'), {range});
    const tiled = await tiles(opened, {size: 40, overlap: 0});
    t.deepEqual(tiled.pixels, {range});
    for (let index = 0; index < tiled.length; index++) {
      const {file: _, image: __, ...rect} = tiled.place(index);
      t.is(Buffer.compare((await tiled.get(index)).image.data, cut(whole, rect)), 0, `${range}`);
    }
  }
});
