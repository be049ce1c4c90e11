/**
 * The approximate distance in pixels from each pixel to the nearest pixel with another id: a two-pass chamfer distance
 * (Borgefors 1986) with steps of 1 and the square root of 2. The edge of the image does not count as a border.
 */
export function distanceToBorder(ids: Uint8Array, width: number, height: number): Float32Array {
  const distance = new Float32Array(width * height).fill(width + height);
  const relax = (index: number, neighbour: number, step: number) => {
    const through = ids[neighbour] === ids[index] ? distance[neighbour]! + step : step / 2;
    if (through < distance[index]!) distance[index] = through;
  };
  const pass = (direction: 1 | -1) => {
    for (let row = 0; row < height; row++) {
      const y = direction === 1 ? row : height - 1 - row;
      const behind = y - direction >= 0 && y - direction < height;
      for (let column = 0; column < width; column++) {
        const x = direction === 1 ? column : width - 1 - column;
        const index = y * width + x;
        const above = index - direction * width;
        if (x - direction >= 0 && x - direction < width) relax(index, index - direction, 1);
        if (!behind) continue;
        relax(index, above, 1);
        if (x > 0) relax(index, above - 1, Math.SQRT2);
        if (x < width - 1) relax(index, above + 1, Math.SQRT2);
      }
    }
  };
  pass(1);
  pass(-1);
  return distance;
}
