/** The pixels of an object as alternating x and y. */
export type Points = Int32Array;

/** An object with what distances need. The pixel nearest to a point outside of the object is always on its boundary. */
export type Shape = {
  /** All pixels. */
  points: Points;
  /** The pixels that have at least one of their four neighbours outside of the object. */
  boundary: Points;
  /** Whether a pixel belongs to the object. */
  has: (x: number, y: number) => boolean;
};

/**
 * Hausdorff distance of two sets of pixels, in pixels: the greatest distance from a pixel of either set to the nearest
 * pixel of the other. The result is exact if it is below `limit`; otherwise it is some number that is not below
 * `limit`.
 *
 * Most pixels need only a few comparisons: once a pixel is closer to the other set than the greatest distance so far,
 * it cannot change the result (Taha and Hanbury, "An efficient algorithm for calculating the exact Hausdorff distance",
 * 2015).
 */
export function hausdorff(a: Shape, b: Shape, limit = Infinity): number {
  const squaredLimit = limit * limit;
  const there = directed(a, b, 0, squaredLimit);
  return Math.sqrt(there >= squaredLimit ? there : directed(b, a, there, squaredLimit));
}

/** The greatest squared distance from a pixel of `from` to `to`, or `least` if that is greater. */
function directed(from: Shape, to: Shape, least: number, limit: number): number {
  const {boundary} = to;
  let greatest = least;
  // Consecutive pixels tend to have neighbouring nearest pixels, so each search starts where the last one ended.
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
