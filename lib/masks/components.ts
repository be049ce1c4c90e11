/**
 * Numbers the connected components of the nonzero pixels, from 1, in row-major order of their first pixel. Pixels that
 * touch at a corner are connected (8-connectivity).
 */
export function connectedComponents(
  pixels: ArrayLike<number>,
  width: number,
  height: number,
): {ids: Uint32Array; count: number} {
  const ids = new Uint32Array(width * height);
  const pending: number[] = [];
  let count = 0;
  for (let start = 0; start < ids.length; start++) {
    if (pixels[start] === 0 || ids[start] !== 0) continue;
    ids[start] = ++count;
    pending.push(start);
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const neighbour = ny * width + nx;
          if (pixels[neighbour] !== 0 && ids[neighbour] === 0) {
            ids[neighbour] = count;
            pending.push(neighbour);
          }
        }
      }
    }
  }
  return {ids, count};
}
