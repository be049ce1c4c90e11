import type {Binding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import type {Turn} from '../basics/turns.js';
import {inAddon} from './in-addon.js';
import type {Rle} from './rle.js';

/** A rectangle in whole pixels. */
export type Rect = {left: number; top: number; width: number; height: number};

/**
 * A mask of a part of an image: run lengths of a rectangle, whose first pixel is in column `left` and row `top` of the
 * image. The image can be of any size.
 */
export type PlacedMask = {left: number; top: number; rle: Rle};

/**
 * The largest number of pixels of a run-length encoded mask. Run lengths have 32 bits in cocoapi (common/maskApi.h),
 * and the addon counts pixels with a sign.
 */
export const MOST_MASK_PIXELS = 2 ** 31 - 1;

/** The rectangle of a mask. */
export function rectOf({left, top, rle}: PlacedMask): Rect {
  const [height, width] = rle.size;
  return {left, top, width, height};
}

/** The smallest rectangle that contains all of `rects`, of which there is at least one. */
export function boundsOf(rects: readonly Rect[]): Rect {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const rect of rects) {
    left = Math.min(left, rect.left);
    top = Math.min(top, rect.top);
    right = Math.max(right, rect.left + rect.width);
    bottom = Math.max(bottom, rect.top + rect.height);
  }
  return {left, top, width: right - left, height: bottom - top};
}

/** The rectangle that two rectangles share, or undefined if they share no pixel. */
export function sharedRect(a: Rect, b: Rect): Rect | undefined {
  const left = Math.max(a.left, b.left);
  const top = Math.max(a.top, b.top);
  const width = Math.min(a.left + a.width, b.left + b.width) - left;
  const height = Math.min(a.top + a.height, b.top + b.height) - top;
  return width > 0 && height > 0 ? {left, top, width, height} : undefined;
}

/**
 * The compressed run lengths of what a mask shows of `rect`. No bitmap is made: the work and the memory depend on the
 * runs and columns of the mask, not on the size of the rectangle.
 */
export function countsWithin(binding: Binding, {left, top, rle}: PlacedMask, rect: Rect): string {
  const [height, width] = rle.size;
  return binding.rle.within(rle.counts, width, height, rect.left - left, rect.top - top, rect.width, rect.height);
}

/**
 * The union of masks as run lengths of `bounds`, which contain them all. Merges two by two, so that the runs of a long
 * object are not copied once for each of its parts.
 */
export async function unionOf(
  binding: Binding,
  masks: readonly PlacedMask[],
  bounds: Rect,
  turn: Turn,
): Promise<PlacedMask> {
  const {width, height, left, top} = bounds;
  let level: string[] = [];
  for (const mask of masks) {
    if (turn.isOver()) await turn.next();
    level.push(countsWithin(binding, mask, bounds));
  }
  while (level.length > 1) {
    const merged: string[] = [];
    for (let i = 0; i < level.length; i += 2) {
      if (turn.isOver()) await turn.next();
      merged.push(binding.rle.merge(level.slice(i, i + 2), width, height, false));
    }
    level = merged;
  }
  return {left, top, rle: {size: [height, width], counts: level[0]!}};
}

/**
 * A mask as run lengths of the whole image of width × height pixels, as COCO's tools and the other functions of this
 * package want it. No bitmap is made. Throws INVALID_MASK if the mask is malformed or not inside the image, and if the
 * image has more than 2^31 - 1 pixels, which run lengths cannot count.
 */
export async function wholeImageRle(mask: PlacedMask, width: number, height: number): Promise<Rle> {
  if (width * height > MOST_MASK_PIXELS) {
    throw new MaskRcnnError(
      'INVALID_MASK',
      `A mask can have at most ${MOST_MASK_PIXELS} pixels, got an image of ${width} × ${height}.`,
      {hint: 'Keep the mask as run lengths of its own rectangle.'},
    );
  }
  const rect = rectOf(mask);
  const isInside = rect.left >= 0 && rect.top >= 0 && rect.left + rect.width <= width;
  if (!isInside || rect.top + rect.height > height) {
    throw new MaskRcnnError(
      'INVALID_MASK',
      `The mask of ${rect.width} × ${rect.height} pixels at (${rect.left}, ${rect.top}) is not inside the image of ` +
        `${width} × ${height}.`,
    );
  }
  const image = {left: 0, top: 0, width, height};
  return {size: [height, width], counts: await inAddon((binding) => countsWithin(binding, mask, image))};
}
