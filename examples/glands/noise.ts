/** A smooth random field over the plane. */
export type Field = (x: number, y: number) => number;

/** A well-mixed number in 0..1 for each cell of the integer lattice. */
function latticeValue(seed: number, ix: number, iy: number): number {
  let h = Math.imul(ix, 0x27d4eb2d) ^ Math.imul(iy, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** Value noise in 0..1: lattice values, blended smoothly; features are one unit wide. */
export function valueNoise(seed: number): Field {
  return (x, y) => {
    const ix = Math.floor(x);
    const iy = Math.floor(y);
    const fx = x - ix;
    const fy = y - iy;
    const u = fx * fx * (3 - 2 * fx);
    const v = fy * fy * (3 - 2 * fy);
    const top = latticeValue(seed, ix, iy) * (1 - u) + latticeValue(seed, ix + 1, iy) * u;
    const bottom = latticeValue(seed, ix, iy + 1) * (1 - u) + latticeValue(seed, ix + 1, iy + 1) * u;
    return top * (1 - v) + bottom * v;
  };
}

/** Octaves of value noise, each half as wide and half as strong as the one before; still in 0..1. */
export function fractalNoise(seed: number, octaves: number): Field {
  const layers = Array.from({length: octaves}, (_, octave) => valueNoise(seed + 101 * octave));
  const total = 2 - 2 ** (1 - octaves);
  return (x, y) => {
    let sum = 0;
    for (let octave = 0; octave < octaves; octave++) {
      sum += layers[octave]!(x * 2 ** octave, y * 2 ** octave) / 2 ** octave;
    }
    return sum / total;
  };
}

/**
 * Cells one unit wide (Worley 1996): how far a point is from the wall between its cell and the next, 0 on the wall, about
 * 0.5 in a cell's middle.
 */
export function cellNoise(seed: number): Field {
  return (x, y) => {
    let nearest = Infinity;
    let second = Infinity;
    for (let iy = Math.floor(y) - 1; iy <= Math.floor(y) + 1; iy++) {
      for (let ix = Math.floor(x) - 1; ix <= Math.floor(x) + 1; ix++) {
        const px = ix + 0.15 + 0.7 * latticeValue(seed, ix, iy);
        const py = iy + 0.15 + 0.7 * latticeValue(seed + 1, ix, iy);
        const distance = Math.hypot(px - x, py - y);
        if (distance < nearest) {
          second = nearest;
          nearest = distance;
        } else if (distance < second) {
          second = distance;
        }
      }
    }
    return (second - nearest) / 2;
  };
}
