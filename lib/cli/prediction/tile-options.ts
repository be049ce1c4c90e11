import {MaskRcnnError} from '../../basics/errors.js';
import {bool, either, integer, number, oneOf, type Schema} from '../../basics/schema.js';
import type {LevelOptions} from '../../image/regions/large-image.js';
import type {MaskRcnn} from '../../model/model.js';
import {completeTileOptions, type TileOptions} from '../../model/tiles/options.js';
import {refuseFlags} from '../flags.js';
import {LEVEL_FLAGS, levelFlags} from '../level-flags.js';

export const TILE_OPTIONS: Schema = {
  tiles: integer({min: 16}),
  overlap: integer({min: 0}),
  skipBlank: either(number({min: 0, max: 255}), oneOf('glass')),
  ...LEVEL_FLAGS,
  resume: bool,
};

/** How images are cut into tiles. */
export type TileFlags = {
  tiles: Pick<TileOptions, 'size' | 'overlap' | 'skipBlank'>;
  /** How large the pixels are that the tiles are made of. Empty: those of the file. */
  scale: LevelOptions;
  /** Whether to go on with what a run before has found. */
  resume: boolean;
};

/**
 * What the flags say, or undefined if images are not to be cut. `isPart`: whether a part of the images is predicted,
 * which may be resumed without tiles, too. Throws INVALID_OPTION.
 */
export function tileFlags(options: Record<string, unknown>, {isPart}: {isPart: boolean}): TileFlags | undefined {
  const {tiles: size, resume = false, overlap, skipBlank} = options;
  if (size === undefined) {
    const {resume: _, ...ofTiles} = TILE_OPTIONS;
    const details = {where: 'maskrcnn predict without --tiles', hint: 'Add --tiles, or leave the option out.'};
    refuseFlags(options, Object.keys(ofTiles), details);
    if (isPart) return undefined;
    refuseFlags(options, ['resume'], {
      where: 'maskrcnn predict without --tiles and --shard',
      hint: 'Add --tiles, for large images, or --shard 1/1, for many; or leave the option out.',
    });
    return undefined;
  }
  const scale = levelFlags(options, 'maskrcnn predict');
  const tiles = {
    size: size as number,
    ...(overlap !== undefined && {overlap: overlap as number}),
    ...(skipBlank !== undefined && {skipBlank: skipBlank as number | 'glass'}),
  };
  completeTileOptions(tiles, 'maskrcnn predict');
  return {tiles, scale, resume: resume as boolean};
}

/** Throws INVALID_OPTION for a network without masks, whose objects cannot be joined. */
export function requireMasks({options}: MaskRcnn): void {
  if (options.masks !== 'none') return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    'Option --tiles of maskrcnn predict needs a network with masks: by its masks an object is joined that tiles cut.',
  );
}
