import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {hasMask} from '../../lib/datasets/dataset.js';
import {decodeRle, tiles} from '../../lib/index.js';
import {type Crop, cropOf, type Scene, scenes, type Writer, writers} from './scenes.js';

/** How many scenes are drawn for each format. */
const RUNS = 25;

const grids = fc
  .integer({min: 16, max: 70})
  .chain((size) => fc.record({size: fc.constant(size), overlap: fc.integer({min: 0, max: size - 1})}));

const byPixels = (a: {pixels: string; label: number}, b: {pixels: string; label: number}) =>
  a.label - b.label || (a.pixels < b.pixels ? -1 : 1);

/** Fails unless each tile is the crop of the whole sample, in pixels, masks, boxes and areas. */
async function compare(write: Writer, scene: Scene, grid: {size: number; overlap: number}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tiles-'));
  try {
    const data = await write(folder, scene);
    const whole = await data.get(0);
    const tiled = await tiles(data, {...grid, minVisible: 0});
    for (let index = 0; index < tiled.length; index++) {
      const {image: _, file: __, ...rect} = tiled.place(index);
      const {image, instances} = await tiled.get(index);
      const expected = cropOf(whole.image, whole.instances, rect);
      if (Buffer.compare(image.data, expected.data) !== 0) throw new Error('other pixels');
      const wanted = expected.crops.filter(({area}) => area > 0).sort(byPixels);
      const inTile = cropOf(image, instances, {...rect, left: 0, top: 0}).crops.sort(byPixels);
      requireSame(inTile, wanted, 'masks');
      requireTightBoxes(whole.instances, instances, rect);
      const truth = (await tiled.truth(index)).map(({label, mask, area}): Crop => {
        return {label, pixels: decodeRle(mask!).join(''), area};
      });
      requireSame(truth.sort(byPixels), wanted, 'truth');
      requireSame([...(await tiled.labels(index))].sort(), wanted.map(({label}) => label).sort(), 'labels');
    }
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}

function requireSame(got: unknown, wanted: unknown, what: string): void {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`other ${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`);
  }
}

/** The boxes of objects that are cut are those of their masks. */
function requireTightBoxes(
  whole: Parameters<typeof cropOf>[1],
  instances: Parameters<typeof cropOf>[1],
  rect: {left: number; top: number; width: number; height: number},
): void {
  for (const {id, box, mask} of instances.filter(hasMask)) {
    const [x0, y0, x1, y1] = whole.find((instance) => instance.id === id)?.box ?? [0, 0, 0, 0];
    const isWhole = x0 >= rect.left && y0 >= rect.top && x1 <= rect.left + rect.width && y1 <= rect.top + rect.height;
    const tight = [mask.left, mask.top, mask.left + mask.width, mask.top + mask.height];
    requireSame(box, isWhole ? [x0 - rect.left, y0 - rect.top, x1 - rect.left, y1 - rect.top] : tight, 'boxes');
  }
}

for (const [name, write] of Object.entries(writers)) {
  test(`tiles are crops of whole samples: ${name}`, async (t) => {
    await fc.assert(
      fc.asyncProperty(scenes, grids, (scene, grid) => compare(write, scene, grid)),
      {numRuns: RUNS, seed: 11},
    );
    t.pass();
  });
}
