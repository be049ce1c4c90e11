/** Decodes the shapes of annotations in images of any size, without a bitmap of the image. */
import type {Binding} from '../../addon/binding.js';
import {mapInTurns} from '../../basics/turns.js';
import {MOST_MASK_PIXELS, type PlacedMask, type Rect, sharedRect} from '../../masks/placed-mask.js';
import type {Part, Ring} from './annotations.js';
import {type Decoded, decodeParts} from './decode-parts.js';
import {boundsOf} from './outlines.js';

type Size = {width: number; height: number};

/** An object that was decoded: left, top, width, height and area in pixels, and its mask unless it has only a box. */
export type PlacedParts = {box: [number, number, number, number]; area: number; mask?: PlacedMask};

/**
 * The masks of the objects of one image as `decodeParts()` makes them. In images of more pixels than run lengths can
 * count, each is made in the rectangle around its shape.
 */
export async function placedParts(
  objects: readonly (readonly Part[])[],
  size: Size,
  binding: Binding,
): Promise<(PlacedParts | RangeError)[]> {
  if (size.width * size.height <= MOST_MASK_PIXELS) {
    const decoded = await decodeParts(objects, size, {binding, crops: false});
    const whole = {left: 0, top: 0, ...size};
    return mapInTurns(decoded, (each) => (each instanceof RangeError ? each : placed(each, whole)));
  }
  const all: (PlacedParts | RangeError)[] = [];
  for (const parts of objects) all.push(await placedAlone(parts, size, binding));
  return all;
}

async function placedAlone(parts: readonly Part[], size: Size, binding: Binding): Promise<PlacedParts | RangeError> {
  // An object outside of the image, or one that cannot be decoded, needs no more than a pixel to be told.
  const rect = sharedRect(aroundParts(parts), {left: 0, top: 0, ...size}) ?? {left: 0, top: 0, width: 1, height: 1};
  if (rect.width * rect.height > MOST_MASK_PIXELS) {
    return new RangeError(`at most ${MOST_MASK_PIXELS} pixels large, got ${rect.width} × ${rect.height}`);
  }
  const [decoded] = await decodeParts([parts.map((part) => moved(part, rect))], rect, {binding, crops: false});
  return decoded instanceof RangeError ? decoded : placed(decoded!, rect);
}

function placed(decoded: Exclude<Decoded, RangeError>, {left, top, width, height}: Rect): PlacedParts {
  const [x, y, ...size] = decoded.box;
  const found: PlacedParts = {box: [left + x, top + y, ...size], area: decoded.area};
  if (!('counts' in decoded)) return found;
  return {...found, mask: {left, top, rle: {size: [height, width], counts: decoded.counts}}};
}

/** A rectangle of whole pixels that contains the parts, with a margin for rounding. */
function aroundParts(parts: readonly Part[]): Rect {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const part of parts) {
    for (const [left, top, right, bottom] of boundsOfPart(part)) {
      [x0, y0, x1, y1] = [Math.min(x0, left), Math.min(y0, top), Math.max(x1, right), Math.max(y1, bottom)];
    }
  }
  const [left, top] = [Math.floor(x0) - 1, Math.floor(y0) - 1];
  const rect = {left, top, width: Math.ceil(x1) + 1 - left, height: Math.ceil(y1) + 1 - top};
  return Object.values(rect).every(Number.isSafeInteger) ? rect : {left: -1, top: -1, width: 1, height: 1};
}

function boundsOfPart(part: Part): [number, number, number, number][] {
  if ('rings' in part) return part.rings.map(boundsOf);
  if ('boxAround' in part) return [boundsOf(part.boxAround)];
  const {left, top, width, height} = part.bitmap;
  return [[left, top, left + width, top + height]];
}

function moved(part: Part, {left, top}: Rect): Part {
  if ('boxAround' in part) return {boxAround: part.boxAround.map((value, i) => value - (i % 2 === 0 ? left : top))};
  if ('bitmap' in part) {
    const {bitmap} = part;
    return {bitmap: {...bitmap, left: bitmap.left - left, top: bitmap.top - top}};
  }
  return {rings: part.rings.map((ring) => movedRing(ring, left, top))};
}

/** Corners are rounded to fifths of a pixel first, as pycocotools would in the whole image. */
function movedRing(ring: Ring, left: number, top: number): Ring {
  return Float64Array.from(ring, (value, i) => (Math.trunc(5 * value + 0.5) - 5 * (i % 2 === 0 ? left : top)) / 5);
}
