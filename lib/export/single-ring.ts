import {maskPolygons} from '../masks/outlines.js';
import type {NumberedImage} from './annotations.js';
import type {CroppedObject} from './crops.js';
import {LOSSES} from './losses.js';
import {joinedRing} from './rings.js';

/**
 * The object as the ring of one polygon, for formats that have no other. Fills its holes and joins its parts by lines
 * without width, and counts both.
 */
export async function singleRing({id, mask}: CroppedObject, image: NumberedImage): Promise<readonly number[]> {
  const polygons = await maskPolygons(mask);
  const holes = polygons.reduce((sum, each) => sum + each.holes.length, 0);
  if (holes > 0) image.lose(LOSSES.holes, id, holes);
  if (polygons.length > 1) image.lose(LOSSES.parts, id, polygons.length - 1);
  return joinedRing(polygons.map(({outer}) => outer));
}
