import {type MaskPolygon, maskPolygons} from '../masks/outlines.js';
import type {NumberedImage} from './annotations.js';
import type {NumberedObject} from './crops.js';
import {LOSSES} from './losses.js';
import {isInRing, joinedRing} from './rings.js';

/**
 * The object as the ring of one polygon, for formats that have no other. Fills its holes, together with what is in
 * them, and joins its parts by lines without width. Counts both.
 */
export async function singleRing(object: NumberedObject, image: NumberedImage): Promise<readonly number[]> {
  const parts = filledParts(await maskPolygons(object.mask), object, image);
  if (parts.length > 1) image.lose(LOSSES.parts, object.id, parts.length - 1);
  return joinedRing(parts);
}

/** The outer rings of an object, for formats whose polygons have no holes. Fills the holes, and counts them. */
export function filledParts(
  polygons: readonly MaskPolygon[],
  {id}: NumberedObject,
  image: NumberedImage,
): (readonly number[])[] {
  const holes = polygons.flatMap((polygon) => polygon.holes);
  if (holes.length > 0) image.lose(LOSSES.holes, id, holes.length);
  // By the even-odd rule, an island in a filled hole would be a hole.
  const parts = polygons.filter((polygon) => !holes.some((hole) => isInRing(innerPoint(polygon), hole)));
  return parts.map(({outer}) => outer);
}

/** The centre of the first pixel of the topmost row, which has the leftmost corner of this row. */
function innerPoint({outer}: MaskPolygon): [x: number, y: number] {
  let first = 0;
  for (let i = 2; i < outer.length; i += 2) {
    const isAbove = outer[i + 1]! < outer[first + 1]!;
    if (isAbove || (outer[i + 1] === outer[first + 1] && outer[i]! < outer[first]!)) first = i;
  }
  return [outer[first]! + 0.5, outer[first + 1]! + 0.5];
}
