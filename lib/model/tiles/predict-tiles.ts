import {loadBinding} from '../../addon/binding.js';
import {MaskRcnnError} from '../../basics/errors.js';
import type {RgbImage} from '../../image/read-image.js';
import type {TileSource} from '../../image/regions/region-source.js';
import {TileGrid} from '../../image/regions/tile-grid.js';
import type {Detections} from '../detections.js';
import {type CompleteTileOptions, completeTileOptions, type TileOptions, type TilePredictor} from './options.js';
import {errorOfTile, nameOf, readTile} from './read-tiles.js';
import {Stitcher} from './stitcher.js';
import {requireSameTiles, type TileState} from './tile-state.js';
import type {TiledObject} from './tiled-object.js';

/**
 * Finds the objects of an image of any size, tile by tile. Yields each object once, as soon as no later tile can change
 * it. Memory holds a few tiles of pixels, and the objects at the seam between two rows of tiles; nothing has the size
 * of the image. While a tile is computed, the one after it is read, and the objects of the one before it are joined and
 * yielded. A loop that ends early waits until the network has finished the tile that it computes. The guide "Large
 * images" has the rule for objects that several tiles see.
 *
 * ```ts
 * for await (const {className, box, mask} of predictTiles(model, source)) console.log(className, box, mask);
 * ```
 *
 * Throws INVALID_OPTION at once; and while it runs, with the name of the file and the tile, INVALID_IMAGE for what
 * cannot be read, INVALID_OPTION for a network without masks, what `model.predict()` throws, or the reason of an
 * aborted signal, which stops the work after the tile that is computed.
 */
export function predictTiles(
  model: TilePredictor,
  source: TileSource,
  options: TileOptions = {},
): AsyncGenerator<TiledObject, void, undefined> {
  const complete = completeTileOptions(options, 'predictTiles()');
  const {width, height, file = 'The image'} = source;
  if (!(Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0)) {
    const message = `${file} must have a width and a height of at least 1 pixel, got ${width} × ${height}.`;
    throw new MaskRcnnError('INVALID_IMAGE', message, {file});
  }
  return objectsIn(model, {file, width, height, read: (rect) => source.read(rect)}, complete);
}

/** A promise that is awaited later, or never if the work ends before. Until then, its error is not told of. */
function ahead<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

async function* objectsIn(
  model: TilePredictor,
  source: Required<TileSource>,
  {size, overlap, batchSize, skipBlank, from, onTile, signal, predict}: CompleteTileOptions,
): AsyncGenerator<TiledObject, void, undefined> {
  signal?.throwIfAborted();
  const grid = new TileGrid(source, size, overlap);
  const stitcher = new Stitcher(await loadBinding(), grid);
  const {done: first = 0} = from ?? {};
  if (from !== undefined) {
    requireSameTiles(from, grid, source.file);
    stitcher.restore(from, first);
  }
  const read = (start: number) => {
    const indices = Array.from({length: Math.max(Math.min(batchSize, grid.count - start), 0)}, (_, i) => start + i);
    return ahead(Promise.all(indices.map((index) => readTile(source, grid, index, skipBlank))));
  };
  let reading = read(first);
  let detecting: Promise<unknown> = Promise.resolve();
  let isOver = false;
  const compute = async (start: number) => {
    const images = await reading;
    signal?.throwIfAborted();
    const areBlank = images.map((image) => image === undefined);
    if (isOver) return {areBlank, found: new Map<number, Detections>()};
    reading = read(start + batchSize);
    const detected = detect(images, start);
    detecting = ahead(detected);
    return {areBlank, found: await detected};
  };

  const started = performance.now();
  let {blank = 0, objects = 0} = from ?? {};
  let computing = ahead(compute(first));
  try {
    for (let start = first; start < grid.count; start += batchSize) {
      const {areBlank, found} = await computing;
      signal?.throwIfAborted();
      computing = ahead(compute(start + batchSize));
      for (const [i, isBlank] of areBlank.entries()) {
        const index = start + i;
        const finished = await stitcher.add(index, found.get(index));
        if (isBlank) blank++;
        objects += finished.length;
        yield* finished;
        const done = index + 1;
        const tilesPerSecond = (1000 * (done - first)) / (performance.now() - started);
        const state = (): TileState => ({grid: grid.description, done, blank, objects, ...stitcher.pack()});
        onTile?.({done, total: grid.count, blank, objects, tilesPerSecond, tile: grid.tile(index), state});
        signal?.throwIfAborted();
      }
    }
  } finally {
    isOver = true;
    await detecting.catch(() => {});
  }

  /** The detections in those images of a batch that are not blank, by tile. */
  async function detect(images: readonly (RgbImage | undefined)[], start: number): Promise<Map<number, Detections>> {
    const indices = [...images.keys()].filter((i) => images[i] !== undefined).map((i) => start + i);
    if (indices.length === 0) return new Map();
    const name = nameOf(indices[0]!, grid, source) + (indices.length === 1 ? '' : ', or one after it');
    let found: Detections[];
    try {
      found = await model.predict(
        images.flatMap((image) => (image === undefined ? [] : [{...image, channels: 3 as const}])),
        predict,
      );
    } catch (error) {
      if (!(error instanceof MaskRcnnError)) throw error;
      throw errorOfTile(error, name, source);
    }
    return new Map(indices.map((index, i) => [index, withMasks(found[i], index)]));
  }

  function withMasks(found: Detections | undefined, index: number): Detections {
    const {width, height} = grid.tile(index);
    const fits = found?.masks.every((mask) => mask.size[0] === height && mask.size[1] === width);
    if (found !== undefined && fits && found.masks.length === found.scores.length) return found;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `${nameOf(index, grid, source)}: the model must give a run-length encoded mask of this size for each object.`,
      {file: source.file},
    );
  }
}
