import type {TileOptions} from '../../../lib/model/tiles/options.js';
import {predictTiles} from '../../../lib/model/tiles/predict-tiles.js';
import type {TiledObject} from '../../../lib/model/tiles/tiled-object.js';
import {
  bitmapOf,
  bitmapOfFound,
  type Drawn,
  type Faults,
  isWithin,
  type Look,
  limitsOf,
  modelOf,
  type Scene,
} from './scenes.js';

/** Five tiles in a row over a `wide` scene. */
export const FIVE_TILES: TileOptions = {size: 100, overlap: 40};
export const wide = (...objects: Drawn[]): Scene => ({width: 300, height: 100, objects});

export async function found(scene: Scene, options: TileOptions, look?: Look, faults?: Faults): Promise<TiledObject[]> {
  const {model, source} = modelOf(scene, look, faults);
  return collected(predictTiles(model, source, options));
}

export async function collected(running: AsyncIterable<TiledObject>): Promise<TiledObject[]> {
  const objects: TiledObject[] = [];
  for await (const object of running) objects.push(object);
  return objects;
}

/** Fails unless the objects are the drawn ones, each once and none of them cut, up to `slack` (0 or 1) pixels. */
export async function compare(scene: Scene, objects: readonly TiledObject[], slack: 0 | 1): Promise<void> {
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
