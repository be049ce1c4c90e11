import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../lib/addon/binding.js';
import {TileGrid} from '../../lib/image/regions/tile-grid.js';
import {
  type Dataset,
  folds,
  type Instance,
  inspect,
  MaskRcnnError,
  type Sample,
  split,
  subset,
  type TiledDataset,
  tiles,
} from '../../lib/index.js';
import {indexImage} from '../../lib/tiles/image-index.js';
import type {ObjectAtLevel} from '../../lib/tiles/object-at-level.js';

/** An image of plain colour with rectangles as objects: left, top, width, height, label. */
function drawn(width: number, height: number, rects: readonly (readonly number[])[], file = 'a.png'): Sample {
  const instances = rects.map(([left, top, w, h, label = 1], id): Instance => {
    const mask = {left: left!, top: top!, width: w!, height: h!, data: new Uint8Array(w! * h!).fill(1)};
    return {label, box: [left!, top!, left! + w!, top! + h!], mask, id};
  });
  return {file, image: {data: new Uint8Array(width * height * 3).fill(90), width, height}, instances};
}

const dataOf = (...samples: Sample[]): Dataset => ({
  length: samples.length,
  classes: ['cell', 'gland'],
  get: async (index) => samples[index]!,
});

const boxesOf = async (data: Dataset, index: number) => (await data.get(index)).instances.map(({box}) => box);

test('an object is in every tile that shows minVisible of it, with the box of its visible part', async (t) => {
  // Ten columns wide: 6 in the first tile of 32 pixels, 4 in the second.
  const data = dataOf(drawn(64, 32, [[26, 3, 10, 5]]));
  const at = async (minVisible: number) => {
    const tiled = await tiles(data, {size: 32, overlap: 0, minVisible});
    return Promise.all(Array.from({length: tiled.length}, (_, index) => boxesOf(tiled, index)));
  };
  t.deepEqual(await at(0), [[[26, 3, 32, 8]], [[0, 3, 4, 8]]]);
  // The most that a tile shows is 6 columns, and the other one shows 4.
  t.deepEqual(await at(0.66), [[[26, 3, 32, 8]], [[0, 3, 4, 8]]]);
  t.deepEqual(await at(0.67), [[[26, 3, 32, 8]]]);
});

const percent = (most: number) => fc.integer({min: 0, max: most}).map((value) => value / 100);

test('each object is an object in some tile, whatever minVisible is', async (t) => {
  const rect = fc
    .tuple(fc.integer({min: 0, max: 99}), fc.integer({min: 0, max: 79}))
    .chain(([x, y]) =>
      fc.tuple(fc.constant(x), fc.constant(y), fc.integer({min: 1, max: 100 - x}), fc.integer({min: 1, max: 80 - y})),
    );
  await fc.assert(
    fc.asyncProperty(
      fc.array(rect, {minLength: 1, maxLength: 5}),
      fc.integer({min: 16, max: 60}),
      percent(99),
      percent(100),
      async (rects, size, shared, minVisible) => {
        const overlap = Math.floor(shared * size);
        const tiled = await tiles(dataOf(drawn(100, 80, rects)), {size, overlap, minVisible});
        const seen = new Set<number>();
        for (let index = 0; index < tiled.length; index++) {
          const {instances} = await tiled.get(index);
          for (const {id, mask, box} of instances) {
            seen.add(id!);
            const [, , width, height] = rects[id!]!;
            // An object smaller than the overlap is whole in some tile, so parts of it have minVisible of its area.
            if (width! > overlap || height! > overlap) continue;
            if (mask!.width * mask!.height < minVisible * width! * height! - 1e-9)
              throw new Error(`${box} is too small`);
          }
        }
        return seen.size === rects.length;
      },
    ),
    {numRuns: 150, seed: 3},
  );
  t.pass();
});

test('parts that are too small are told, and are neither right nor wrong in scores', async (t) => {
  // The second tile shows 1 of 20 columns of a gland, and a whole cell.
  const data = dataOf(
    drawn(64, 32, [
      [13, 3, 20, 5, 2],
      [40, 10, 6, 6, 1],
    ]),
  );
  const tiled = await tiles(data, {size: 32, overlap: 0});
  t.is(tiled.length, 2);
  t.deepEqual(await tiled.labels(1), [1]);
  t.deepEqual(
    (await tiled.truth(1)).map(({label, box, crowd, area}) => ({label, box, crowd, area})),
    [
      {label: 1, box: [8, 10, 6, 6], crowd: false, area: 36},
      {label: 2, box: [0, 3, 1, 5], crowd: true, area: 5},
    ],
  );
  t.like(tiled.stats, {objects: 2, slivers: 1, sliverTiles: 0, tiles: 2});
  t.regex((await inspect(tiled)).warnings.join('\n'), /1 part of cut objects is too small \(minVisible: 0\.1\)/);
});

test('a tile that shows nothing but parts that are too small is left out', async (t) => {
  const tiled = await tiles(dataOf(drawn(64, 32, [[13, 3, 20, 5]])), {size: 32, overlap: 0});
  t.is(tiled.length, 1);
  t.is(tiled.place(0).left, 0);
  t.like(tiled.stats, {sliverTiles: 1, negatives: 0});
});

test('crowds stay crowds, and make no tile one with objects', async (t) => {
  const sample = drawn(64, 32, []);
  const data: Dataset = {
    ...dataOf(sample),
    truth: async () => [{label: 1, box: [20, 0, 20, 10], area: 200, crowd: true}],
  };
  const tiled = await tiles(data, {size: 32, overlap: 0});
  t.is(tiled.stats.negatives, 2);
  t.deepEqual(await tiled.truth(1), [{label: 1, box: [0, 0, 8, 10], area: 80, crowd: true}]);
  t.deepEqual((await tiled.get(1)).instances, []);
});

test('objects of which only the box is known are cut as boxes', async (t) => {
  const sample = drawn(64, 32, []);
  const data: Dataset = {
    ...dataOf({...sample, instances: [{label: 2, box: [20.5, 4, 40.5, 9]}]}),
    masks: 'none',
  };
  const tiled = await tiles(data, {size: 32, overlap: 0});
  t.is(tiled.masks, 'none');
  t.deepEqual((await tiled.get(0)).instances, [{label: 2, box: [20.5, 4, 32, 9]}]);
  t.deepEqual((await tiled.get(1)).instances, [{label: 2, box: [0, 4, 8.5, 9]}]);
});

const sparse = () => dataOf(drawn(160, 160, [[3, 3, 9, 9]]), drawn(160, 160, []), drawn(20, 160, [[3, 3, 9, 9]]));

test('emptyShare of the tiles without objects stay, picked by the seed', async (t) => {
  const all = await tiles(sparse(), {size: 16, overlap: 0});
  t.like(all.stats, {tiles: 220, negatives: 217, negativesLeftOut: 0});
  const placesOf = (tiled: TiledDataset) =>
    Array.from({length: tiled.length}, (_, i) => JSON.stringify(tiled.place(i)));
  const some = await tiles(sparse(), {size: 16, overlap: 0, emptyShare: 0.25, seed: 4});
  t.like(some.stats, {tiles: 57, negatives: 54, negativesLeftOut: 163});
  t.deepEqual(placesOf(some), placesOf(await tiles(sparse(), {size: 16, overlap: 0, emptyShare: 0.25, seed: 4})));
  t.notDeepEqual(placesOf(some), placesOf(await tiles(sparse(), {size: 16, overlap: 0, emptyShare: 0.25, seed: 5})));
  const order = placesOf(all);
  t.true(placesOf(some).every((place, i, places) => i === 0 || order.indexOf(place) > order.indexOf(places[i - 1]!)));
  t.is((await tiles(sparse(), {size: 16, overlap: 0, emptyShare: 0})).length, 3);
});

test('split() and folds() keep the tiles of an image together, also in a subset', async (t) => {
  const samples = Array.from({length: 5}, (_, i) => drawn(64, 64, [[3, 3, 9, 9]], `slide ${i}.tif`));
  const tiled = await tiles(dataOf(...samples), {size: 32, overlap: 0});
  const imagesOf = async (data: Dataset) => {
    const files = new Set<string>();
    for (let i = 0; i < data.length; i++) files.add((await data.get(i)).file.split('#')[0]!);
    return files;
  };
  for (const data of [tiled, subset(tiled, (index) => index % 4 < 3)]) {
    const {training, validation, test: tested} = split(data, {validation: 0.2, test: 0.2}, {seed: 1});
    const parts = await Promise.all([training, validation, tested].map(imagesOf));
    t.deepEqual(
      parts.map(({size}) => size),
      [3, 1, 1],
    );
    t.is(new Set(parts.flatMap((files) => [...files])).size, 5);
    const pairs = folds(data, 5);
    t.true(pairs.every((fold) => fold.validation.length * 5 === data.length));
    for (const fold of pairs) {
      const [ofTraining, ofValidation] = [await imagesOf(fold.training), await imagesOf(fold.validation)];
      t.is(ofTraining.size + ofValidation.size, 5);
    }
  }
  // A group that is asked for counts instead.
  const halves = split(tiled, 0.5, {groupBy: (index) => `${index % 2}`});
  t.is((await imagesOf(halves.training)).size, 5);
});

test('invalid options are errors that name them', async (t) => {
  const data = dataOf(drawn(64, 32, []));
  const refused = (options: object, message: RegExp) =>
    t.throwsAsync(tiles(data, options), {instanceOf: MaskRcnnError, code: 'INVALID_OPTION', message});
  await refused({size: 15}, /'size' of tiles\(\) must be an integer >= 16, got 15/);
  await refused({size: 32, overlap: 32}, /'overlap' of tiles\(\) must be below the size of the tiles, 32, got 32/);
  await refused({minVisible: 1.5}, /'minVisible'/);
  await refused({emptyShare: -1}, /'emptyShare'/);
  await refused({level: 1}, /'level' of tiles\(\) must not be given for a data set of which only whole images/);
  await refused({micronsPerPixel: 0.5}, /'micronsPerPixel' of tiles\(\) must not be given/);
  await refused({level: 0, micronsPerPixel: 1}, /either 'level' or 'micronsPerPixel'/);
  await refused({tile: 3}, /no option 'tile'/);
  await t.throwsAsync(tiles(data, {emptyShare: 0}), {code: 'INVALID_DATASET', message: /at least one tile, got none/});
});

test('errors of the data set, and the signal, end tiles()', async (t) => {
  const broken: Dataset = {...dataOf(drawn(64, 32, [])), get: () => Promise.reject(new Error('no such row'))};
  await t.throwsAsync(tiles(broken), {code: 'INVALID_DATASET', message: /Sample 0 .*no such row/});
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  t.is(await t.throwsAsync(tiles(dataOf(drawn(64, 32, [])), {signal})), reason);
});

test('the signal is heard while objects are assigned to tiles', async (t) => {
  const reason = new Error('enough');
  const object = {label: 1, box: [1, 1, 6, 6], crowd: false, bounds: {left: 1, top: 1, width: 5, height: 5}, area: 25};
  const how = {grid: new TileGrid({width: 64, height: 32}, 32, 0), minVisible: 0, signal: AbortSignal.abort(reason)};
  t.is(await t.throwsAsync(indexImage(await loadBinding(), [object as ObjectAtLevel], how)), reason);
});

test('the signal is heard between the objects of an image, too', async (t) => {
  const reason = new Error('enough');
  const stop = new AbortController();
  const sample = drawn(64, 32, [[1, 1, 5, 5]]);
  const data = {
    ...dataOf(sample),
    get: async () => {
      stop.abort(reason);
      return sample;
    },
  };
  const onImage = () => t.fail('The image was looked through.');
  t.is(await t.throwsAsync(tiles(data, {signal: stop.signal, onImage})), reason);
});
