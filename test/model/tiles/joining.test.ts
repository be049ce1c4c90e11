import test from 'ava';
import type {TilePredictor} from '../../../lib/model/tiles/options.js';
import {predictTiles} from '../../../lib/model/tiles/predict-tiles.js';
import {collected, found, FIVE_TILES as options, wide} from './found.js';
import {disc, type Look, modelOf, perfect, rectangle} from './scenes.js';

test('an object that is larger than the overlap and was missed by the next tile is marked as cut', async (t) => {
  const scene = wide(rectangle(50, 20, 140, 30));
  const blindTo =
    (left: number): Look =>
    (_, tile) =>
      tile.left === left ? undefined : {shift: [0, 0], score: 0.5};
  // The tiles start at 0, 60, 120, 180 and 200. The object is in the first four of them.
  const boxes = async (look: Look) => (await found(scene, options, look)).map(({box, cut}) => ({box, cut}));
  t.deepEqual(await boxes(perfect), [{box: [50, 20, 190, 50], cut: false}]);
  t.deepEqual(await boxes(blindTo(60)), [
    {box: [50, 20, 100, 50], cut: true},
    {box: [120, 20, 190, 50], cut: true},
  ]);
  t.deepEqual(await boxes(blindTo(0)), [{box: [60, 20, 190, 50], cut: true}]);
});

test('without overlap nothing is joined, and what ends at a tile is marked as cut', async (t) => {
  const objects = await found(wide(rectangle(50, 20, 140, 30), disc(50, 75, 10)), {size: 100, overlap: 0});
  t.deepEqual(
    objects.map(({box, cut}) => [...box, cut]),
    [
      [50, 20, 100, 50, true],
      [40, 65, 61, 86, false],
      [100, 20, 190, 50, true],
    ],
  );
});

test('the score of a joined object is the mean of its parts by area, that of a whole one its own', async (t) => {
  const look: Look = (_, {left}) => ({shift: [0, 0], score: left === 0 ? 0.9 : 0.5});
  // Tile 0 sees the 80 columns from 20 to 99, tile 1 the 50 from 60 to 109.
  const [joined] = await found({...wide(rectangle(20, 0, 90, 10)), width: 160}, options, look);
  t.true(Math.abs(joined!.score - (80 * 0.9 + 50 * 0.5) / 130) < 1e-6);
  const [whole] = await found({...wide(rectangle(30, 0, 50, 10)), width: 160}, options, look);
  t.is(whole!.score.toFixed(6), '0.900000');
});

test('an object of two classes in two tiles is found once if one saw it whole', async (t) => {
  const scene = wide(disc(75, 50, 12));
  const {model, source} = modelOf(scene);
  let call = 0;
  const fickle: TilePredictor = {
    async predict(...given) {
      const all = await model.predict(...given);
      for (const one of all) one.labels.fill(1 + (call++ % 2));
      return all;
    },
  };
  const objects = await collected(predictTiles(fickle, source, options));
  t.deepEqual(
    objects.map(({label, cut}) => ({label, cut})),
    [{label: 1, cut: false}],
  );
});

test('parts of two classes are not joined', async (t) => {
  const {model, source} = modelOf(wide(rectangle(50, 20, 140, 30)));
  let call = 0;
  const fickle: TilePredictor = {
    async predict(...given) {
      const all = await model.predict(...given);
      for (const one of all) one.labels.fill(++call <= 1 ? 2 : 1);
      return all;
    },
  };
  const objects = await collected(predictTiles(fickle, source, options));
  t.deepEqual(
    objects.map(({label, box, cut}) => ({label, box, cut})),
    [
      {label: 2, box: [50, 20, 100, 50], cut: true},
      {label: 1, box: [60, 20, 190, 50], cut: true},
    ],
  );
});
