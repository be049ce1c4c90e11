import type {Fields} from './fields.js';

/** The size of an image that two fields state, of any number of pixels, or undefined if one is missing. */
export function statedSize(
  fields: Fields,
  widthKey: string,
  heightKey: string,
): {width: number; height: number} | undefined {
  if (!fields.has(widthKey) || !fields.has(heightKey)) return undefined;
  const [width, height] = [fields.number(widthKey), fields.number(heightKey)];
  for (const [key, value] of [[widthKey, width] as const, [heightKey, height] as const]) {
    if (!(Number.isInteger(value) && value > 0)) throw fields.wrong(key, 'a whole number of pixels');
  }
  if (!Number.isSafeInteger(width * height)) throw fields.wrong(widthKey, 'the width of an image');
  return {width, height};
}
