import type {RegionSource} from '../../../lib/image/regions/region-source.js';
import {mergeRles, type Rle, rleFromRuns} from '../../../lib/index.js';
import {type Rect, sharedRect, wholeImageRle} from '../../../lib/masks/placed-mask.js';
import type {Detections} from '../../../lib/model/detections.js';
import type {TilePredictor} from '../../../lib/model/tiles/options.js';

/** An object is the union of rectangles. */
export type Rectangles = readonly Rect[];

/**
 * A source of any size without pixels, and a model that returns what each tile shows of the objects. The tiles must be
 * given to it in the order in which they are read.
 */
export function rectanglesModel(
  {width, height}: {width: number; height: number},
  objects: readonly Rectangles[],
): {source: RegionSource; model: TilePredictor} {
  const tiles: Rect[] = [];
  let data = new Uint8Array();
  const source: RegionSource = {
    file: 'large.svs',
    width,
    height,
    level: 0,
    downsample: 1,
    micronsPerPixel: 0.25,
    levels: [{width, height, downsample: 1}],
    async read(rect) {
      tiles.push(rect);
      const bytes = 3 * rect.width * rect.height;
      if (data.length !== bytes) data = new Uint8Array(bytes);
      return {data, width: rect.width, height: rect.height};
    },
    async close() {},
  };
  const model: TilePredictor = {
    async predict(images) {
      const found: Detections[] = [];
      for (const _ of images) found.push(await detect(objects, tiles.shift()!));
      return found;
    },
  };
  return {source, model};
}

async function detect(objects: readonly Rectangles[], tile: Rect): Promise<Detections> {
  const {width, height} = tile;
  const masks: Rle[] = [];
  const boxes: number[] = [];
  for (const object of objects) {
    const visible = object.flatMap((rect) => sharedRect(rect, tile) ?? []);
    if (visible.length === 0) continue;
    const inTile = visible.map((rect) => ({...rect, left: rect.left - tile.left, top: rect.top - tile.top}));
    masks.push(await mergeRles(await Promise.all(inTile.map((rect) => filled(rect, width, height)))));
    boxes.push(
      Math.min(...inTile.map(({left}) => left)),
      Math.min(...inTile.map(({top}) => top)),
      Math.max(...inTile.map((rect) => rect.left + rect.width)),
      Math.max(...inTile.map((rect) => rect.top + rect.height)),
    );
  }
  return {
    width,
    height,
    boxes: Float32Array.from(boxes),
    labels: new Int32Array(masks.length).fill(1),
    classNames: masks.map(() => 'thing'),
    scores: new Float32Array(masks.length).fill(0.5),
    masks,
  };
}

async function filled(rect: Rect, width: number, height: number): Promise<Rle> {
  const rle = await rleFromRuns([0, rect.width * rect.height], rect.width, rect.height);
  return wholeImageRle({left: rect.left, top: rect.top, rle}, width, height);
}
