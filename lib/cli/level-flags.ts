import {MaskRcnnError} from '../basics/errors.js';
import type {Schema} from '../basics/schema.js';
import {LEVEL_OPTIONS, type LevelOptions} from '../image/regions/large-image.js';

/** The options that choose which pixels of a pyramid are read. */
export const LEVEL_FLAGS = {
  level: LEVEL_OPTIONS.level,
  pixelSize: LEVEL_OPTIONS.micronsPerPixel,
} as const satisfies Schema;

export const LEVEL_HELP = `  --level N           read level N of a pyramid, 0 for the largest (default 0)
  --pixel-size N      read pixels that are N µm wide, if the file says how large its pixels are`;

/** What the flags say. Throws INVALID_OPTION. */
export function levelFlags({level, pixelSize}: Record<string, unknown>, command: string): LevelOptions {
  if (level !== undefined && pixelSize !== undefined) {
    throw new MaskRcnnError('INVALID_OPTION', `${command} takes --level or --pixel-size, got both.`);
  }
  return {
    ...(level !== undefined && {level: level as number}),
    ...(pixelSize !== undefined && {micronsPerPixel: pixelSize as number}),
  };
}
