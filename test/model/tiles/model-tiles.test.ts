import {mkdtemp, readdir, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import {loadBinding} from '../../../lib/addon/binding.js';
import {freeDiscarded} from '../../../lib/image/discard.js';
import {
  type Detections,
  decodeRle,
  detectionsOfTiles,
  type ImageSource,
  type MaskRcnn,
  MaskRcnnError,
  maskRcnn,
  openRegions,
  type PredictTilesOptions,
  predictTiles,
  type RegionSource,
  type RgbImage,
  regionsOfImage,
  type TiledObject,
} from '../../../lib/index.js';
import {setPixels} from '../../../lib/model/model.js';
import {gridSample, tinyModel} from '../../tiny.js';

const how = {size: 64, overlap: 16};
const scoreThreshold = 0.05;
const {image} = gridSample(50);

let folder: string;
let model: MaskRcnn;
/** The image as a PNG, and as a TIFF of several levels. */
let png: string;
let pyramid: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-model-tiles-test-'));
  png = join(folder, 'image.png');
  pyramid = join(folder, 'pyramid.tif');
  const {width, height, data} = image;
  const pixels = sharp(data, {raw: {width, height, channels: 3}});
  await pixels.clone().png().toFile(png);
  const tiff = {tile: true, tileWidth: 32, tileHeight: 32, pyramid: true, compression: 'deflate'} as const;
  await pixels.clone().tiff(tiff).toFile(pyramid);
  model = await maskRcnn(tinyModel);
});

test.after.always(async () => {
  model.dispose();
  await rm(folder, {recursive: true});
});

async function collected(objects: AsyncIterable<TiledObject>): Promise<TiledObject[]> {
  const all: TiledObject[] = [];
  for await (const object of objects) all.push(object);
  return all;
}

/** What `predict()` should give: the objects of tiles of `source` as detections. */
async function expectedOf(source: RegionSource, file?: string): Promise<Detections> {
  const objects = await collected(predictTiles(model, source, {...how, scoreThreshold}));
  const {width, height} = source;
  return detectionsOfTiles(objects, {width, height, ...(file !== undefined && {file})});
}

test('an image of any kind is predicted in tiles', async (t) => {
  const expected = await collected(predictTiles(model, regionsOfImage(image), {...how, scoreThreshold}));
  t.true(expected.length > 1);
  const sources: [string, ImageSource][] = [
    ['path', png],
    ['URL', pathToFileURL(png)],
    ['bytes', await readFile(png)],
    ['pixels', image],
    ['pyramid', pyramid],
  ];
  for (const [name, source] of sources) {
    t.deepEqual(await collected(model.predictTiles(source, {...how, scoreThreshold})), expected, name);
    const [found] = await model.predict(source, {scoreThreshold, tiles: how});
    const isFile = typeof source === 'string' || source instanceof URL;
    const named = isFile ? {file: String(source)} : {};
    t.deepEqual(found, await detectionsOfTiles(expected, {width: 128, height: 128, ...named}), name);
  }
});

test('a level of a pyramid is predicted, in its own pixels', async (t) => {
  const source = await openRegions(pyramid, {level: 1});
  const expected = await expectedOf(source, pyramid);
  t.is(expected.width, 64);
  const [found] = await model.predict(pyramid, {scoreThreshold, tiles: {...how, level: 1}});
  t.deepEqual(found, expected);

  const options = {...how, scoreThreshold};
  const objects = await collected(model.predictTiles(pyramid, {...options, level: 1}));
  t.deepEqual(await collected(model.predictTiles(source, options)), objects);
  t.is((await source.read({left: 0, top: 0, width: 1, height: 1})).width, 1, 'the source stays open');
  await source.close();
});

test('several images, formats of masks, and an image without objects', async (t) => {
  const [one, two] = await model.predict([png, image], {scoreThreshold, tiles: how});
  const {file, ...found} = one!;
  t.is(file, png);
  t.deepEqual(found, two);
  const [bitmaps] = await model.predict(png, {scoreThreshold, tiles: how, maskFormat: 'bitmap'});
  t.deepEqual(
    bitmaps.masks,
    found.masks.map((mask) => decodeRle(mask)),
  );
  const [boxes] = await model.predict(png, {scoreThreshold, tiles: how, maskFormat: 'none'});
  t.deepEqual(boxes.boxes, found.boxes);
  t.deepEqual(boxes.masks, []);
  const [nothing] = await model.predict(png, {scoreThreshold: 1, tiles: how});
  t.deepEqual([nothing.width, nothing.height, nothing.scores.length], [128, 128, 0]);
  let calls = 0;
  await model.predict(png, {tiles: {...how, onTile: () => calls++}});
  t.is(calls, 9);
});

// Not beside others, which open files too.
test.serial('files are read as in training, and closed when the work ends or is left', async (t) => {
  const inverted = await maskRcnn(tinyModel);
  setPixels(inverted, {range: 'percentile'});
  const options = {...how, scoreThreshold};
  const expected = await collected(inverted.predictTiles(png, {...options, range: 'full'}));
  t.notDeepEqual(await collected(inverted.predictTiles(png, options)), expected);
  setPixels(inverted, {range: [0, 100]});
  const bright = await openRegions(pyramid, {range: [0, 100]});
  const brightened = await collected(predictTiles(model, bright, options));
  await bright.close();
  t.deepEqual(await collected(inverted.predictTiles(pyramid, options)), brightened);
  inverted.dispose();

  const open = async () => {
    const handles = await readdir('/proc/self/fd').catch(() => []);
    return handles.length;
  };
  const before = await open();
  for (let i = 0; i < 3; i++) {
    for await (const _ of model.predictTiles(pyramid, options)) break;
  }
  t.is(await open(), before);
});

test.serial('pixels of a tile are freed after it if nobody else can have them, and only then', async (t) => {
  const options = {...how, scoreThreshold};
  const {freeBytes} = await loadBinding();
  let freed = 0;
  freeDiscarded((memory) => {
    if (memory.byteLength === how.size * how.size * 3) freed++;
    freeBytes(memory as Uint8Array);
  });
  t.teardown(() => freeDiscarded(freeBytes as Parameters<typeof freeDiscarded>[0]));
  const opened = await openRegions(pyramid);
  t.teardown(() => opened.close());
  const {width, height} = opened;
  const kept: RgbImage[] = [];
  const keeping = async (rect: Parameters<typeof opened.read>[0]) => {
    const part = await read(rect);
    kept.push(part);
    return part;
  };
  const read = opened.read.bind(opened);
  const expected = await collected(predictTiles(model, {width, height, read}, options));
  t.is(freed, 0);
  t.deepEqual(await collected(model.predictTiles({width, height, read: keeping}, options)), expected);
  t.is(freed, 0);
  t.deepEqual(await collected(model.predictTiles(opened, options)), expected);
  t.is(freed, kept.length);
  opened.read = keeping;
  t.deepEqual(await collected(model.predictTiles(opened, options)), expected);
  t.is(2 * freed, kept.length);
  t.true(kept.every(({data}) => data.length > 0));
  for (const file of [pyramid, png]) t.is((await collected(model.predictTiles(file, options))).length, expected.length);
  t.is(freed, 3 * (kept.length / 2));
});

test('what is wrong is said in one error', async (t) => {
  const tiles = (options: PredictTilesOptions, source: ImageSource = png) =>
    collected(model.predictTiles(source, {...how, ...options}));
  for (const wrong of [{size: 15}, {level: -1}, {micronsPerPixel: 0}, {range: 'all'}, {maskFormat: 'rle'}]) {
    t.throws(() => model.predictTiles(png, wrong as PredictTilesOptions), {code: 'INVALID_OPTION'});
  }
  for (const wrong of [{size: 15}, {levels: 1}, {from: {}}, 64]) {
    await t.throwsAsync(model.predict(png, {tiles: wrong as never}), {code: 'INVALID_OPTION'}, JSON.stringify(wrong));
  }
  await t.throwsAsync(model.predict(png, {tiles: how, maskFormat: 'float'}), {message: /maskFormat.*float/});
  await t.throwsAsync(tiles({level: 1}, image), {code: 'INVALID_OPTION', message: /'level' is for image files/});
  await t.throwsAsync(tiles({level: 9}, pyramid), {code: 'INVALID_IMAGE', message: /pyramid\.tif has no level 9/});
  await t.throwsAsync(tiles({micronsPerPixel: 1}), {code: 'INVALID_IMAGE', message: /image\.png/});
  await t.throwsAsync(tiles({}, join(folder, 'missing.tif')), {code: 'INVALID_IMAGE', message: /no such file/});
  t.throws(() => model.predictTiles(png, {frobnicate: 64} as never), {
    message: /size.*micronsPerPixel.*range/s,
  });
  for (const wrong of [undefined, 3, {read: 3}]) {
    const {code} = (await t.throwsAsync(collected(model.predictTiles(wrong as never)), {instanceOf: MaskRcnnError}))!;
    t.is(code, 'INVALID_IMAGE');
  }
  const broken = {width: 128, height: 128, read: async () => Promise.reject(new Error('no network'))};
  await t.throwsAsync(collected(model.predictTiles(broken, how)), {message: /^Tile 1 of 9 of The image .*no network/});
  await using boxes = await maskRcnn({...tinyModel, masks: 'none'});
  t.throws(() => boxes.predictTiles(png), {code: 'INVALID_OPTION', message: /network with masks/});
  await t.throwsAsync(boxes.predict(png, {tiles: how}), {code: 'INVALID_OPTION', message: /network with masks/});
  const gone = await maskRcnn(tinyModel);
  gone.dispose();
  t.throws(() => gone.predictTiles(png), {code: 'DISPOSED'});
  await t.throwsAsync(gone.predict(png, {tiles: how}), {code: 'DISPOSED'});
});
