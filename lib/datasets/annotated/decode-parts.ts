import type {NativeCrop, NativeSegment, NativeSegmentation} from '../../../binding.js';
import type {Binding} from '../../addon/binding.js';
import {mapInTurns} from '../../basics/turns.js';
import {decodeInBlocks} from '../coco/segmentation.js';
import type {InstanceMask} from '../dataset.js';
import type {Part, Ring} from './annotations.js';
import {boundsOf} from './outlines.js';

type Size = {width: number; height: number};

/** A part of a mask. */
type MaskPart = Exclude<Part, {boxAround: Ring}>;

export type DecodedMask = Extract<NativeSegment, {counts: string}>;

/** The part inside the image of an object of which only the box is known: left, top, width, height. */
export type DecodedBox = {box: [number, number, number, number]; area: number};

export type Decoded = DecodedMask | DecodedBox;

/** Three points. */
const LEAST_NUMBERS = 6;

/**
 * The masks of the objects of one image, decoded off the main thread, or the boxes of objects that have no mask. With
 * `crops`, each mask has the bitmap of its bounding box. An object that cannot be decoded becomes a RangeError that
 * says what its shape must be.
 */
export async function decodeParts(
  objects: readonly (readonly Part[])[],
  size: Size,
  {binding, crops}: {binding: Binding; crops: boolean},
): Promise<(Decoded | RangeError)[]> {
  const boxes = await mapInTurns(objects, (parts) => boxOf(parts, size));
  const masked = objects.filter((_, i) => boxes[i] === undefined) as readonly (readonly MaskPart[])[];
  const options = {size, binding, crops};
  const masks = await decodeInBlocks(masked, (parts) => toSegmentation(parts, size), options);
  let next = 0;
  return mapInTurns(boxes, (box) => box ?? (masks[next++] as DecodedMask | RangeError));
}

/** Undefined for an object that has a mask. */
function boxOf(parts: readonly Part[], {width, height}: Size): DecodedBox | RangeError | undefined {
  const part = parts.find((part) => 'boxAround' in part);
  if (part === undefined) return undefined;
  const [x0, y0, x1, y1] = boundsOf(part.boxAround);
  if (![x0, y0, x1, y1].every(Number.isFinite)) return new RangeError('made of finite numbers');
  const [left, top] = [Math.max(0, x0), Math.max(0, y0)];
  const [inWidth, inHeight] = [Math.max(0, Math.min(width, x1) - left), Math.max(0, Math.min(height, y1) - top)];
  return {box: [left, top, inWidth, inHeight], area: inWidth * inHeight};
}

function toSegmentation(parts: readonly MaskPart[], size: Size): NativeSegmentation | RangeError {
  const ends: number[] = [];
  const polygons: number[] = [];
  const bitmaps: NativeCrop[] = [];
  let end = 0;
  for (const part of parts) {
    if ('bitmap' in part) {
      bitmaps.push(insideOf(part.bitmap, size));
      continue;
    }
    for (const {length} of part.rings) {
      if (length < LEAST_NUMBERS) return new RangeError(`made of three points or more, got ${Math.floor(length / 2)}`);
      end += length;
      ends.push(end);
    }
    polygons.push(ends.length);
  }
  if (polygons.length + bitmaps.length === 0) return new RangeError('one polygon or bitmap or more, got none');
  const points = new Float64Array(end);
  let start = 0;
  for (const part of parts) {
    for (const ring of 'rings' in part ? part.rings : []) {
      points.set(ring, start);
      start += ring.length;
    }
  }
  if (!points.every(Number.isFinite)) return new RangeError('made of finite numbers');
  return {points, ends: Int32Array.from(ends), polygons: Int32Array.from(polygons), bitmaps};
}

/** The part of a bitmap that lies inside the image. */
function insideOf({left, top, width, height, data}: InstanceMask, size: Size): NativeCrop {
  const [x0, y0] = [Math.max(0, left), Math.max(0, top)];
  const [x1, y1] = [Math.min(size.width, left + width), Math.min(size.height, top + height)];
  if (x0 === left && y0 === top && x1 === left + width && y1 === top + height) return {left, top, width, height, data};
  const inside = {left: x0, top: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0)};
  if (inside.width === 0 || inside.height === 0) return {left: 0, top: 0, width: 0, height: 0, data: new Uint8Array()};
  const rows = Array.from({length: inside.height}, (_, i) => {
    const start = (y0 - top + i) * width + (x0 - left);
    return data.subarray(start, start + inside.width);
  });
  return {...inside, data: Buffer.concat(rows)};
}
