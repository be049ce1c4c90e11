/** The pixels of an object: x and y in turn. */
export type Points = Int32Array;

/** An object as distances need it: the pixels that are nearest to what lies outside of it are those of its boundary. */
export type Shape = {
  /** Every pixel. */
  points: Points;
  /** Those with one of their four neighbours outside. */
  boundary: Points;
  /** Whether a pixel belongs to it. */
  has: (x: number, y: number) => boolean;
};

/**
 * Hausdorff distance of two sets of pixels, in pixels: the greatest distance from a pixel of either to the nearest of the
 * other. Exact as long as it is below `limit`; from there on some number that is not below `limit`.
 *
 * Most pixels are done with at their first few comparisons: as soon as one is nearer to the other set than the greatest
 * distance so far it cannot matter (Taha and Hanbury, "An efficient algorithm for calculating the exact Hausdorff distance",
 * 2015).
 */
export function hausdorff(a: Shape, b: Shape, limit = Infinity): number {
  const squaredLimit = limit * limit;
  const there = directed(a, b, 0, squaredLimit);
  return Math.sqrt(there >= squaredLimit ? there : directed(b, a, there, squaredLimit));
}

/** The greatest squared distance from a pixel of `from` to `to`, or `least` where that is more. */
function directed(from: Shape, to: Shape, least: number, limit: number): number {
  const {boundary} = to;
  let greatest = least;
  // Neighbours in order have neighbours for their nearest: the search begins where the last one ended.
  let near = 0;
  for (let i = 0; i < from.points.length && greatest < limit; i += 2) {
    const [x, y] = [from.points[i]!, from.points[i + 1]!];
    if (to.has(x, y)) continue;
    let nearest = Infinity;
    let at = near;
    for (let j = 0; j < boundary.length; j += 2) {
      const distance = (boundary[at]! - x) ** 2 + (boundary[at + 1]! - y) ** 2;
      if (distance < nearest) {
        nearest = distance;
        near = at;
        if (nearest <= greatest) break;
      }
      at += 2;
      if (at === boundary.length) at = 0;
    }
    greatest = Math.max(greatest, nearest);
  }
  return greatest;
}
