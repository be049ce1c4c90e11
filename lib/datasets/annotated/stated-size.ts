import {MAX_PIXELS} from '../../image/format.js';
import type {Fields} from './fields.js';

/**
 * The size of an image that two fields state, or undefined if one is missing. Throws INVALID_DATASET for more than
 * `most` pixels. By default that is what can be read at once, for formats of which bitmaps are made before the image is
 * read.
 */
export function statedSize(
  fields: Fields,
  widthKey: string,
  heightKey: string,
  most = MAX_PIXELS,
): {width: number; height: number} | undefined {
  if (!fields.has(widthKey) || !fields.has(heightKey)) return undefined;
  const [width, height] = [fields.number(widthKey), fields.number(heightKey)];
  for (const [key, value] of [[widthKey, width] as const, [heightKey, height] as const]) {
    if (!(Number.isInteger(value) && value > 0)) throw fields.wrong(key, 'a whole number of pixels');
  }
  if (width * height > most) throw fields.wrong(widthKey, `the width of an image of at most ${most} pixels`);
  return {width, height};
}
