import {loadBinding} from '../addon/binding.js';
import {mapConcurrently} from '../basics/concurrently.js';
import {MaskRcnnError} from '../basics/errors.js';
import {Random} from '../basics/random.js';
import {checkOptions, required} from '../basics/schema.js';
import {mapInTurns} from '../basics/turns.js';
import {checkDataset, type Dataset, datasetRule} from '../datasets/dataset.js';
import type {LargeImage} from '../image/regions/large-image.js';
import {TileGrid} from '../image/regions/tile-grid.js';
import {indexImage} from './image-index.js';
import {readParts} from './image-parts.js';
import {atLevel} from './object-at-level.js';
import {completeTilesOptions, type TilesOptions} from './options.js';
import {type DatasetTile, TiledDataset} from './tiled-dataset.js';

/** Images that are looked through at the same time. */
const CONCURRENCY = 4;

/**
 * A data set of the tiles of large images, for `train()`, `evaluate()`, `inspect()` and the like. It looks through all
 * annotations once, to know which tile shows which objects. Pixels of a tile are then read from the file by region (see
 * `openRegions()`), and its masks are cut out of run lengths. A data set without `largeImage()` and `objects()`, such
 * as one of your own, is read by whole samples, of which the last four are kept.
 *
 * Throws INVALID_OPTION, also for a level that an image does not have; INVALID_IMAGE for an image that cannot be read
 * or does not say the size of its pixels; INVALID_DATASET if no tile is left; other errors of the data set; or the
 * signal's reason.
 */
export async function tiles(data: Dataset, options: TilesOptions = {}): Promise<TiledDataset> {
  checkOptions({data}, {data: required(datasetRule)}, 'tiles()');
  checkDataset(data);
  const complete = completeTilesOptions(options);
  const {size, overlap, minVisible, of, onImage, signal} = complete;
  const binding = await loadBinding();
  let done = 0;
  const found = await mapConcurrently(data.length, CONCURRENCY, async (index) => {
    signal?.throwIfAborted();
    const {image, objects} = await readParts(data, index, of);
    const scaled = await mapInTurns(objects, (object) => {
      signal?.throwIfAborted();
      return atLevel(binding, object, image);
    });
    const grid = new TileGrid(image, size, overlap);
    const indexed = await indexImage(binding, scaled, {grid, minVisible, signal});
    onImage?.(++done);
    const labels = Uint32Array.from(objects, ({label}) => label);
    return {image, ...indexed, labels, shown: scaled.filter((object) => object?.crowd === false).length};
  });
  signal?.throwIfAborted();
  const all = found.flatMap(({tiles: ofImage, labels}, image) =>
    ofImage.map((tile): DatasetTile => ({...tile, image, labels: tile.objects.map((place) => labels[place]!)})),
  );
  const {kept, leftOut} = withoutEmpty(all, complete);
  if (kept.length === 0) {
    throw new MaskRcnnError('INVALID_DATASET', `The ${data.length} images must have at least one tile, got none.`, {
      ...(data.length > 0 && {hint: 'No tile shows an object, and emptyShare leaves out the others.'}),
    });
  }
  const sum = (of: (image: (typeof found)[number]) => number) => found.reduce((total, image) => total + of(image), 0);
  return new TiledDataset({
    data,
    images: found.map(({image}): LargeImage => image),
    grids: found.map(({grid}) => grid),
    objects: found.map(({labels}) => labels.length),
    tiles: kept,
    options: complete,
    binding,
    stats: {
      images: data.length,
      tiles: kept.length,
      negatives: kept.filter(({objects}) => objects.length === 0).length,
      negativesLeftOut: leftOut,
      objects: sum(({shown}) => shown),
      slivers: kept.reduce((total, {slivers}) => total + slivers.length, 0),
      sliverTiles: sum(({sliverTiles}) => sliverTiles),
    },
  });
}

/** Leaves out tiles without objects, picked by the seed, so that `emptyShare` of them stay. */
function withoutEmpty(
  all: readonly DatasetTile[],
  {emptyShare, seed}: {emptyShare: number; seed: number},
): {kept: readonly DatasetTile[]; leftOut: number} {
  const empty = all.filter(({objects}) => objects.length === 0);
  const stay = Math.round(emptyShare * empty.length);
  const order = new Random(seed).permutation(empty.length);
  const out = new Set(order.slice(stay).map((place) => empty[place]!));
  return {kept: all.filter((tile) => !out.has(tile)), leftOut: out.size};
}
