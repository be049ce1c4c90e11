import test from 'ava';
import type {RegionSource} from '../../../lib/image/regions/region-source.js';
import {isBlank, MaskRcnnError, type RgbImage} from '../../../lib/index.js';
import type {TileOptions, TilePredictor} from '../../../lib/model/tiles/options.js';
import {predictTiles} from '../../../lib/model/tiles/predict-tiles.js';
import type {TileProgress} from '../../../lib/model/tiles/tile-progress.js';
import type {TileState} from '../../../lib/model/tiles/tile-state.js';
import type {TiledObject} from '../../../lib/model/tiles/tiled-object.js';
import {bar, disc, horseshoe, modelOf, rectangle, type Scene} from './scenes.js';

const scene: Scene = {
  width: 330,
  height: 290,
  objects: [
    disc(60, 60, 25),
    bar(10, 140, 320, 160, 8, 2),
    horseshoe(120, 20, 150, 90, 12),
    rectangle(0, 200, 330, 20),
    rectangle(0, 220, 200, 40, 2),
    disc(290, 250, 30),
  ],
};
const options: TileOptions = {size: 90, overlap: 30};

test('from the state after any tile, the same objects come as without a break', async (t) => {
  const {model, source} = modelOf(scene);
  const objects: TiledObject[] = [];
  const breaks: {state: string; yielded: number}[] = [];
  const onTile = ({state}: TileProgress) => breaks.push({state: JSON.stringify(state()), yielded: objects.length});
  for await (const object of predictTiles(model, source, {...options, onTile})) objects.push(object);
  t.true(objects.length >= 6);
  t.true(breaks.some(({state}) => (JSON.parse(state) as TileState).groups.some((group) => group.length > 2)));
  for (const {state, yielded} of breaks) {
    const rest: TiledObject[] = [];
    const from = JSON.parse(state) as TileState;
    let last: TileProgress | undefined;
    const again = {...options, from, onTile: (progress: TileProgress) => (last = progress)};
    for await (const object of predictTiles(model, source, again)) rest.push(object);
    t.deepEqual(rest, objects.slice(yielded));
    if (last !== undefined) t.is(last.objects, objects.length);
  }
});

test('a state of other tiles is refused', async (t) => {
  const {model, source} = modelOf(scene);
  let from: TileState | undefined;
  const onTile = ({state}: TileProgress) => (from ??= state());
  for await (const _ of predictTiles(model, source, {...options, onTile}));
  for (const [other, message] of [
    [{size: 91, overlap: 30}, /must be a state of tiles of the size 91, got 90\.$/],
    [{size: 90, overlap: 20}, /must be a state of tiles with the overlap 20, got 30\.$/],
  ] as const) {
    const error = await t.throwsAsync<MaskRcnnError>(async () => {
      for await (const _ of predictTiles(model, source, {...other, from: from!}));
    });
    t.true(error instanceof MaskRcnnError);
    t.is(error.code, 'INVALID_OPTION');
    t.regex(error.message, message);
  }
});

test("'glass' leaves out what isBlank() takes for glass", async (t) => {
  const colors: [number, number, number][] = [
    [245, 244, 246],
    [200, 120, 180],
    [20, 20, 20],
  ];
  const tileOf = ({left, width, height}: {left: number; width: number; height: number}): RgbImage => {
    const color = colors[Math.floor(left / 64)]!;
    return {width, height, data: Uint8Array.from({length: width * height * 3}, (_, i) => color[i % 3]!)};
  };
  const size = {width: 192, height: 64};
  const source: RegionSource = {
    ...{...size, file: 'slide.svs', level: 0, downsample: 1, micronsPerPixel: undefined},
    levels: [{...size, downsample: 1}],
    read: async (rect) => tileOf(rect),
    close: async () => {},
  };
  const seen: number[] = [];
  const spy: TilePredictor = {
    predict: async (images) => {
      for (const {data} of images) seen.push(data[0]!);
      const nothing = {boxes: new Float32Array(), labels: new Int32Array(), scores: new Float32Array()};
      return images.map(({width, height}) => ({width, height, ...nothing, classNames: [], masks: []}));
    },
  };
  let blank = 0;
  const onTile = (progress: TileProgress) => (blank = progress.blank);
  for await (const _ of predictTiles(spy, source, {size: 64, overlap: 0, skipBlank: 'glass', onTile}));
  t.deepEqual(seen, [200, 20]);
  t.is(blank, 1);
  const areBlank = await Promise.all([0, 64, 128].map((left) => isBlank(tileOf({left, width: 64, height: 64}))));
  t.deepEqual(areBlank, [true, false, false]);
});
