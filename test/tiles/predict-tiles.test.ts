import test from 'ava';
import fc from 'fast-check';
import type {TileOptions} from '../../lib/tiles/options.js';
import {predictTiles} from '../../lib/tiles/predict-tiles.js';
import type {TiledObject} from '../../lib/tiles/tiled-object.js';
import {
  bar,
  bitmapOf,
  bitmapOfFound,
  type Drawn,
  disc,
  horseshoe,
  isWithin,
  type Look,
  limitsOf,
  modelOf,
  perfect,
  rectangle,
  type Scene,
} from './scenes.js';

async function found(scene: Scene, options: TileOptions, look: Look = perfect, blind = 0): Promise<TiledObject[]> {
  const {model, source} = modelOf(scene, look, blind);
  const objects: TiledObject[] = [];
  for await (const object of predictTiles(model, source, options)) objects.push(object);
  return objects;
}

/** Fails unless the objects are the drawn ones, each once and none of them cut, up to `slack` (0 or 1) pixels. */
async function compare(scene: Scene, objects: readonly TiledObject[], slack: 0 | 1): Promise<void> {
  const left = await Promise.all(objects.map(async (object) => ({object, bitmap: await bitmapOfFound(scene, object)})));
  for (const [index, drawn] of scene.objects.entries()) {
    const truth = bitmapOf(scene, drawn);
    const {least, most} = slack === 0 ? {least: truth, most: truth} : limitsOf(scene, drawn);
    const at = left.findIndex(
      ({object, bitmap}) => object.label === drawn.label && isWithin(least, bitmap) && isWithin(bitmap, most),
    );
    if (at < 0) throw new Error(`drawn object ${index} was not found`);
    const [{object}] = left.splice(at, 1) as [(typeof left)[number]];
    if (object.cut) throw new Error(`drawn object ${index} is marked as cut`);
  }
  if (left.length > 0) throw new Error(`${left.length} objects too many: ${JSON.stringify(left[0]!.object)}`);
}

const WIDTH = 300;
const HEIGHT = 260;

const share = fc.double({min: 0, max: 1, noNaN: true});
const label = fc.integer({min: 1, max: 2});
// What is in the image of an object that goes beyond it is not thin: half of a bar or a disc, or a strip of 12 pixels.
const x = fc.integer({min: 0, max: WIDTH - 1});
const y = fc.integer({min: 0, max: HEIGHT - 1});
const left = fc.integer({min: 0, max: WIDTH - 12});
const top = fc.integer({min: 0, max: HEIGHT - 12});
const side = fc.integer({min: 8, max: 90});
const shape: fc.Arbitrary<Drawn[]> = fc.oneof(
  fc.tuple(x, y, fc.integer({min: 5, max: 60}), label).map((drawn) => [disc(...drawn)]),
  fc.tuple(x, y, x, y, fc.integer({min: 5, max: 14}), label).map((drawn) => [bar(...drawn)]),
  fc.tuple(top, fc.integer({min: 8, max: 30}), label).map(([y, thick, l]) => [rectangle(0, y, WIDTH, thick, l)]),
  // A touching pair.
  fc
    .tuple(left, top, side, side)
    .map(([x, y, a, b]) => (x + a + 8 > WIDTH ? [] : [rectangle(x, y, a, b), rectangle(x + a, y, b, b)])),
  fc
    .tuple(left, top, side, side)
    .map(([x, y, a, b]) => (y + b + 8 > HEIGHT ? [] : [rectangle(x, y, a, b), rectangle(x, y + b, a, a)])),
  // Nested discs.
  fc
    .tuple(x, y, fc.integer({min: 18, max: 90}), fc.integer({min: 8, max: 60}))
    .map(([x, y, outer, ring]) => [disc(x, y, outer), disc(x, y, Math.max(5, outer - ring))]),
  // The bottom is in the image, so that the legs are connected there.
  fc
    .tuple(left, fc.integer({min: 30, max: HEIGHT}), fc.integer({min: 40, max: 200}), share, label)
    .map(([x, bottom, w, part, l]) => {
      const h = 30 + Math.floor(part * (bottom - 30));
      return [horseshoe(x, bottom - h, w, h, 10, l)];
    }),
);

/** Objects that do not overlap, unless they were drawn as nested. */
const scene: fc.Arbitrary<Scene> = fc.array(shape, {maxLength: 12}).map((shapes) => {
  const size = {width: WIDTH, height: HEIGHT};
  const taken = new Uint8Array(WIDTH * HEIGHT);
  const objects: Drawn[] = [];
  for (const together of shapes) {
    const bitmaps = together.map((drawn) => bitmapOf(size, drawn));
    const isFree = bitmaps.every((bitmap) => !bitmap.some((pixel, i) => pixel === 1 && taken[i] === 1));
    if (!isFree) continue;
    for (const bitmap of bitmaps) for (const [i, pixel] of bitmap.entries()) if (pixel === 1) taken[i] = 1;
    objects.push(...together);
  }
  return {...size, objects, toString: () => objects.map(({is}) => is).join()};
});

const grid = fc
  .integer({min: 48, max: 170})
  .chain((size) => fc.record({size: fc.constant(size), overlap: fc.integer({min: 16, max: Math.floor(size / 2)})}));

/** A number in 0..1 that depends on the seed, the object and the tile only. */
function draw(seed: number, ...keys: number[]): number {
  let state = seed;
  for (const key of keys) state = Math.imul(state ^ (key + 0x9e3779b9), 0x85ebca6b) ^ (state >>> 13);
  state = Math.imul(state ^ (state >>> 16), 0x45d9f3b);
  return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
}

test('any scene in any grid comes back as it was drawn', async (t) => {
  await fc.assert(
    fc.asyncProperty(scene, grid, fc.integer({min: 1, max: 5}), async (drawn, options, batchSize) => {
      await compare(drawn, await found(drawn, {...options, batchSize}), 0);
    }),
    {numRuns: Number(process.env.RUNS ?? 150)},
  );
  t.pass();
});

test('so it does if the masks of each tile are moved by up to a pixel', async (t) => {
  await fc.assert(
    fc.asyncProperty(scene, grid, fc.integer(), fc.integer({min: 0, max: 30}), async (drawn, options, seed, blind) => {
      const step = (...keys: number[]) => Math.floor(3 * draw(seed, ...keys)) - 1;
      const look: Look = (index, {left, top}) => ({
        shift: [step(index, left, top, 1), step(index, left, top, 2)],
        score: draw(seed, index, left, top, 3),
      });
      await compare(drawn, await found(drawn, options, look, blind), 1);
    }),
    {numRuns: Number(process.env.RUNS ?? 150)},
  );
  t.pass();
});
