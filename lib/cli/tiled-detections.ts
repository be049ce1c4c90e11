import {MaskRcnnError} from '../basics/errors.js';
import {integer, type Schema} from '../basics/schema.js';
import type {RgbImage} from '../image/read-image.js';
import {regionsOfImage} from '../image/regions/image-regions.js';
import type {MaskRcnn} from '../model/model.js';
import type {Detections} from '../model/predict.js';
import {detectionsOfTiles} from '../tiles/detections-of-tiles.js';
import {completeTileOptions, type TileOptions} from '../tiles/options.js';
import {predictTiles} from '../tiles/predict-tiles.js';
import type {TiledObject} from '../tiles/tiled-object.js';
import {refuseFlags} from './flags.js';

export const TILE_OPTIONS: Schema = {tiles: integer({min: 16}), overlap: integer({min: 0})};

/** The size and the overlap of the tiles, or undefined if images are not to be cut. Throws INVALID_OPTION. */
export function tileOptions(options: Record<string, unknown>): Pick<TileOptions, 'size' | 'overlap'> | undefined {
  const {tiles, overlap} = options;
  if (tiles === undefined) {
    const details = {where: 'maskrcnn predict without --tiles', hint: 'Add --tiles, or leave the option out.'};
    refuseFlags(options, ['overlap'], details);
    return undefined;
  }
  const given = {size: tiles as number, ...(overlap !== undefined && {overlap: overlap as number})};
  completeTileOptions(given, 'maskrcnn predict');
  return given;
}

/** Throws INVALID_OPTION for a network without masks, whose objects cannot be joined. */
export function requireMasks({options}: MaskRcnn): void {
  if (options.masks !== 'none') return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    'Option --tiles of maskrcnn predict needs a network with masks: by its masks an object is joined that tiles cut.',
  );
}

/** The objects of an image that is in memory, found tile by tile. */
export async function predictInTiles(
  network: MaskRcnn,
  pixels: RgbImage,
  file: string,
  options: TileOptions,
): Promise<Detections> {
  const objects: TiledObject[] = [];
  for await (const object of predictTiles(network, regionsOfImage(pixels, file), options)) objects.push(object);
  return detectionsOfTiles(objects, {width: pixels.width, height: pixels.height, file});
}
