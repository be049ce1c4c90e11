import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, number, type Schema} from '../basics/schema.js';
import {Turn} from '../basics/turns.js';
import {inAddon} from './in-addon.js';
import type {Rle} from './rle.js';

/**
 * A part of a mask as a polygon with holes. A ring is a list of alternating x and y in pixels of the image, where the
 * pixel in column c and row r covers c..c+1 and r..r+1. The first point is not repeated at the end.
 */
export type MaskPolygon = {
  /** The outer ring. It is clockwise as seen on the screen, where y points down. */
  outer: number[];
  /** The ring of each hole, counter-clockwise. */
  holes: number[][];
};

/** Options of `maskPolygons()`. */
export type MaskPolygonsOptions = {
  /**
   * Leaves out points of the rings, so that no point that is left out is further than this from the line that replaces
   * it, in pixels (Douglas and Peucker, 1973). A ring that would vanish keeps all of its points. The polygons are then
   * no longer equal to the mask: `rleFromPolygons()` and `rleIou()` tell how equal they are. Where parts are thinner
   * than this, rings can cross. Default 0, which keeps all points.
   */
  simplify?: number;
};

/** How many numbers are copied between two looks at the clock. */
const LOOK = 1 << 12;

const SCHEMA: Schema = {simplify: number({min: 0})};

/**
 * The polygons of a mask, one for each part. Pixels that touch at a corner only are in different parts, unless others
 * connect them (4-connectivity). The parts are in the order of their first pixels, column by column, as are the holes
 * of each part. An empty mask has no polygons.
 *
 * The rings follow the edges of the pixels, so all coordinates are whole numbers, from 0 to the width and the height of
 * the image. All points are corners: no three in a row are on one line. Unless they are simplified, no ring touches
 * itself, and `rleFromPolygons()` gives the same mask again, by pycocotools' rule. Computed off the main thread.
 *
 * Throws INVALID_OPTION, and INVALID_MASK for malformed run lengths.
 */
export async function maskPolygons(mask: Rle, options: MaskPolygonsOptions = {}): Promise<MaskPolygon[]> {
  checkOptions(options, SCHEMA, 'maskPolygons()');
  const {
    size: [height, width],
    counts,
  } = mask;
  const found = await inAddon(({rle}) => rle.outlines(counts, width, height, options.simplify ?? 0));
  if ('fault' in found) throw new MaskRcnnError('INVALID_MASK', found.fault);
  const {points, ends, polygons} = found;
  const turn = new Turn();
  const result: MaskPolygon[] = [];
  let ring = 0;
  let at = 0;
  for (const last of polygons) {
    const rings: number[][] = [];
    for (; ring < last; ring++) {
      const start = at;
      const numbers = new Array<number>(ends[ring]! - start);
      for (; at < ends[ring]!; at++) {
        numbers[at - start] = points[at]!;
        if (at % LOOK === 0 && turn.isOver()) await turn.next();
      }
      rings.push(numbers);
    }
    const [outer, ...holes] = rings as [number[], ...number[][]];
    result.push({outer, holes});
  }
  return result;
}
