import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {regionsOfImage} from '../../../lib/image/regions/image-regions.js';
import type {RegionSource} from '../../../lib/image/regions/region-source.js';
import {MaskRcnnError, maskRcnn, type RgbImage, rleAreas} from '../../../lib/index.js';
import type {Rect} from '../../../lib/masks/placed-mask.js';
import {detectionsOfTiles} from '../../../lib/model/tiles/detections-of-tiles.js';
import type {TileOptions, TilePredictor} from '../../../lib/model/tiles/options.js';
import {predictTiles} from '../../../lib/model/tiles/predict-tiles.js';
import type {TileProgress} from '../../../lib/model/tiles/tile-progress.js';
import type {TiledObject} from '../../../lib/model/tiles/tiled-object.js';
import {held} from '../../held.js';
import {blobSample, tinyModel} from '../../tiny.js';
import {collected, found, FIVE_TILES as options, wide} from './found.js';
import {rectanglesModel} from './rectangles.js';
import {disc, modelOf, rectangle} from './scenes.js';

test('objects come as soon as no later tile can change them', async (t) => {
  // One row of tiles: an object in the middle of a tile is done with its tile, a joined one with its last tile.
  const scene = wide(disc(30, 50, 8), rectangle(80, 20, 60, 10), disc(250, 50, 8));
  const {model, source} = modelOf(scene);
  const events: string[] = [];
  const onTile = ({done, objects}: TileProgress) => events.push(`tile ${done}: ${objects}`);
  for await (const {box} of predictTiles(model, source, {...options, onTile})) events.push(`object at ${box[0]}`);
  t.deepEqual(events, [
    ...['object at 22', 'tile 1: 1', 'tile 2: 1', 'object at 80', 'tile 3: 2', 'tile 4: 2'],
    ...['object at 242', 'tile 5: 3'],
  ]);
});

test('an image smaller than a tile, or of one pixel, is one tile', async (t) => {
  const small = {width: 30, height: 20, objects: [rectangle(0, 0, 30, 20)]};
  const [object, ...more] = await found(small, {});
  t.deepEqual([object!.box, object!.cut, more.length], [[0, 0, 30, 20], false, 0]);
  const dot = await found({width: 1, height: 1, objects: [rectangle(0, 0, 1, 1)]}, {});
  t.deepEqual(dot[0]!.mask, {left: 0, top: 0, rle: {size: [1, 1], counts: '01'}});
  t.deepEqual(await found(wide(), options), []);
});

test.serial('70,000 objects in two tiles do not hold the event loop', async (t) => {
  const size = {width: 14_000, height: 80};
  const rects = Array.from({length: 70_000}, (_, i) => [
    {left: 4 * (i % 3500), top: 4 * Math.floor(i / 3500), width: 3, height: 3},
  ]);
  const {model, source} = rectanglesModel(size, rects);
  let all: TiledObject[] = [];
  const longest = await held(async () => {
    all = await collected(predictTiles(model, source, {size: 7032, overlap: 64}));
  });
  t.is(new Set(all.map(({mask}) => `${mask.left} ${mask.top}`)).size, 70_000);
  t.is(all.length, 70_000);
  t.log(`held for ${Math.round(longest)} ms`);
  t.true(longest < 500, `${longest} ms`);
});

test.serial('100,000 × 100,000 pixels: nothing has the size of the image', async (t) => {
  const size = {width: 100_000, height: 100_000};
  const across = {left: 0, top: 50_000, width: 100_000, height: 20};
  const corner = {left: 99_990, top: 99_980, width: 10, height: 20};
  const before = process.memoryUsage().rss;
  const {model, source} = rectanglesModel(size, [[across], [corner]]);
  let highest = 0;
  const onTile = () => {
    highest = Math.max(highest, process.memoryUsage().rss);
  };
  const objects = await collected(predictTiles(model, source, {size: 1024, overlap: 128, onTile}));
  t.deepEqual(
    objects.map(({box, cut}) => ({box, cut})),
    [
      {box: [0, 50_000, 100_000, 50_020], cut: false},
      {box: [99_990, 99_980, 100_000, 100_000], cut: false},
    ],
  );
  t.is((await rleAreas([objects[0]!.mask.rle]))[0], 2_000_000);
  t.true(highest - before < 400e6, `${(highest - before) / 1e6} MB more`);
});

test('an object whose rectangle is too large for run lengths comes in parts that are marked as cut', async (t) => {
  const side = 60_000;
  const frame = [
    {left: 0, top: 0, width: side, height: 40},
    {left: 0, top: 0, width: 40, height: side},
  ];
  const {model, source} = rectanglesModel({width: side, height: side}, [frame]);
  const parts = await collected(predictTiles(model, source, {size: 4096, overlap: 128}));
  t.true(parts.length > 20);
  t.true(parts.every(({cut}) => cut));
  const right = Math.max(...parts.map(({box}) => box[2]));
  const bottom = Math.max(...parts.map(({box}) => box[3]));
  t.deepEqual([right, bottom], [side, side]);
});

test('blank tiles are not computed', async (t) => {
  const width = 300;
  const data = new Uint8Array(width * 100 * 3).fill(250);
  data[3 * 250] = 200; // red, in the last two tiles
  data[3 * 5 + 2] = 245; // blue, in the first
  const lefts: number[] = [];
  const spy: TilePredictor = {
    async predict(images) {
      return images.map(({width, height}) => {
        lefts.push(width);
        return {
          ...{width, height, boxes: new Float32Array(), labels: new Int32Array()},
          ...{classNames: [], scores: new Float32Array(), masks: []},
        };
      });
    },
  };
  const source = regionsOfImage({data, width, height: 100});
  const computed = async (skipBlank?: number) => {
    lefts.length = 0;
    let blank = 0;
    const onTile = (progress: TileProgress) => {
      blank = progress.blank;
    };
    await collected(
      predictTiles(spy, source, {...options, batchSize: 2, onTile, ...(skipBlank !== undefined && {skipBlank})}),
    );
    return [lefts.length, blank];
  };
  t.deepEqual(await computed(), [5, 0]);
  t.deepEqual(await computed(0), [3, 2]);
  t.deepEqual(await computed(5), [2, 3]);
  t.deepEqual(await computed(50), [0, 5]);
});

test('a signal stops the work between two tiles', async (t) => {
  const {model, source} = modelOf(wide(disc(75, 50, 12)));
  const controller = new AbortController();
  let done = 0;
  const onTile = (progress: TileProgress) => {
    done = progress.done;
    if (done === 2) controller.abort(new Error('enough'));
  };
  const running = collected(predictTiles(model, source, {...options, onTile, signal: controller.signal}));
  await t.throwsAsync(running, {message: 'enough'});
  t.is(done, 2);
});

/** The model, with calls of `predict()` that take a while. They are counted. */
function slowed(model: TilePredictor, before = async () => {}) {
  const calls = {begun: 0, ended: 0};
  const slow: TilePredictor = {
    ...model,
    async predict(...given) {
      calls.begun++;
      await setTimeout(20);
      await before();
      calls.ended++;
      return model.predict(...given);
    },
  };
  return {slow, calls};
}

test('the next tile is computed while objects are taken; when the loop ends early, nothing goes on', async (t) => {
  const {model, source} = modelOf(wide(disc(30, 50, 8)));
  const {slow, calls} = slowed(model);
  for await (const _ of predictTiles(slow, source, options)) {
    t.is(calls.begun, 2);
    break;
  }
  t.deepEqual(calls, {begun: 2, ended: 2});
  await setTimeout(100);
  t.deepEqual(calls, {begun: 2, ended: 2});
});

test('a loop that ends early does not wait for a tile that is never read', async (t) => {
  const {model, source} = modelOf(wide(disc(30, 50, 8)));
  const read = (rect: Rect) => (rect.left > 60 ? new Promise<never>(() => {}) : source.read(rect));
  for await (const _ of predictTiles(model, {...source, read}, options)) break;
  t.pass();
});

test('if the network fails in a tile, all objects of the tile before it come first', async (t) => {
  const {model, source} = modelOf(wide(disc(15, 50, 8), disc(40, 50, 8), disc(90, 50, 8)));
  const {slow, calls} = slowed(model, async () => {
    if (calls.begun > 1) throw new MaskRcnnError('OUT_OF_MEMORY', 'Too little memory.');
  });
  const events: string[] = [];
  const onTile = ({done}: TileProgress) => events.push(`tile ${done}`);
  const loop = async () => {
    for await (const {box} of predictTiles(slow, source, {...options, onTile})) {
      await setTimeout(50);
      events.push(`object at ${box[0]}`);
    }
  };
  await t.throwsAsync(loop(), {code: 'OUT_OF_MEMORY'});
  t.deepEqual(events, ['object at 7', 'object at 32', 'tile 1']);
});

test('a signal that is aborted while the next tile is computed lets no other begin', async (t) => {
  const {model, source} = modelOf(wide(disc(30, 50, 8)));
  const controller = new AbortController();
  const {slow, calls} = slowed(model);
  const loop = async () => {
    for await (const _ of predictTiles(slow, source, {...options, signal: controller.signal})) {
      controller.abort(new Error('enough'));
    }
  };
  await t.throwsAsync(loop(), {message: 'enough'});
  t.deepEqual(calls, {begun: 2, ended: 2});
});

test('a loop that ends early is not told of a tile that cannot be read', async (t) => {
  const {model, source} = modelOf(wide(disc(30, 50, 8)));
  const read = async (rect: Rect) => {
    if (rect.left > 0) throw new Error('no such block');
    return source.read(rect);
  };
  let objects = 0;
  for await (const _ of predictTiles(model, {...source, read}, options)) {
    objects++;
    break;
  }
  await setTimeout(20); // a rejection that nobody handles would end the process
  t.is(objects, 1);
});

test('errors name the file and the tile', async (t) => {
  const {model, source} = modelOf(wide(disc(75, 50, 12)));
  const run = (change: Partial<RegionSource>, other = model) =>
    collected(predictTiles(other, {...source, ...change}, options));
  const second = async (rect: Rect): Promise<RgbImage> => {
    if (rect.left === 60) throw new TypeError('no such block');
    return source.read(rect);
  };
  const unread = await t.throwsAsync(run({read: second}), {instanceOf: MaskRcnnError, code: 'INVALID_IMAGE'});
  t.is(unread!.message, 'Tile 2 of 5 of scene.tif (100 × 100 pixels at 60, 0) cannot be read: no such block');
  t.is(unread!.file, 'scene.tif');
  await t.throwsAsync(run({read: async () => ({data: new Uint8Array(3), width: 1, height: 1})}), {
    code: 'INVALID_IMAGE',
    message: /^Tile 1 of 5 of scene.tif .* was read as 1 × 1 pixels in 3 bytes/,
  });
  const full: TilePredictor = {
    predict: async () => {
      throw new MaskRcnnError('OUT_OF_MEMORY', 'The tile is too large.', {hint: 'Make it smaller.'});
    },
  };
  const error = await t.throwsAsync(run({}, full), {instanceOf: MaskRcnnError, code: 'OUT_OF_MEMORY'});
  t.regex(error!.message, /^Tile 1 of 5 of scene.tif .*: The tile is too large.\nMake it smaller.$/);
  t.is(error!.hint, 'Make it smaller.');
  const boxesOnly: TilePredictor = {
    predict: async (...given) => (await model.predict(...given)).map((one) => ({...one, masks: []})),
  };
  await t.throwsAsync(run({}, boxesOnly), {code: 'INVALID_OPTION', message: /^Tile 1 of 5 .* run-length encoded mask/});
  t.throws(() => predictTiles(model, {...source, width: Number.NaN}), {code: 'INVALID_IMAGE', message: /NaN × 100/});
  for (const wrong of [{size: 15}, {overlap: 51, size: 101}, {overlap: -1}, {skipBlank: 256}, {onTile: 1}, {tile: 1}]) {
    t.throws(() => predictTiles(model, source, wrong as TileOptions), {code: 'INVALID_OPTION'}, JSON.stringify(wrong));
  }
});

test('one tile of a network gives what predict() gives, and a network without masks is refused', async (t) => {
  const {image} = blobSample(2);
  await using network = await maskRcnn(tinyModel);
  const [expected] = await network.predict(image, {scoreThreshold: 0.05});
  t.true(expected.scores.length > 0);
  const objects = await collected(predictTiles(network, regionsOfImage(image), {scoreThreshold: 0.05}));
  const seen = await rleAreas(expected.masks);
  const kept = seen.flatMap((area, index) => (area > 0 ? [index] : []));
  const found = await detectionsOfTiles(objects, image);
  t.deepEqual(
    found.masks,
    kept.map((index) => expected.masks[index]!),
  );
  t.deepEqual(
    [...found.scores],
    kept.map((index) => expected.scores[index]!),
  );
  t.deepEqual(
    [...found.boxes],
    kept.flatMap((index) => [...expected.boxes.subarray(4 * index, 4 * index + 4)]),
  );
  await using boxes = await maskRcnn({...tinyModel, masks: 'none'});
  await t.throwsAsync(collected(predictTiles(boxes, regionsOfImage(image))), {
    code: 'INVALID_OPTION',
    message: /^Tile 1 of 1 of The image .*maskFormat/,
  });
});

test('regions of an image in memory', async (t) => {
  const data = Uint8Array.from({length: 5 * 4 * 3}, (_, i) => i);
  const source = regionsOfImage({data, width: 5, height: 4}, 'a.png');
  const region = await source.read({left: 3, top: 1, width: 2, height: 2});
  t.deepEqual([...region.data], [24, 25, 26, 27, 28, 29, 39, 40, 41, 42, 43, 44]);
  for (const rect of [
    {left: 4, top: 0, width: 2, height: 1},
    {left: -1, top: 0, width: 1, height: 1},
    {left: 0, top: 0, width: 0, height: 1},
    {left: 0.5, top: 0, width: 1, height: 1},
  ]) {
    await t.throwsAsync(source.read(rect), {code: 'INVALID_IMAGE', message: /^A region of a.png must lie inside/});
  }
  t.throws(() => regionsOfImage({data, width: 5, height: 5}), {code: 'INVALID_IMAGE'});
});
