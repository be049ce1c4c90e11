import {seededRandom} from './random.js';

/** A smooth random field over the plane. */
export type Field = (x: number, y: number) => number;

const SIZE = 256;

/**
 * Random numbers in 0..1 on the integer lattice, repeating after 256: two look-ups in a shuffled table (Perlin 1985).
 */
function lattice(seed: number): (ix: number, iy: number) => number {
  const random = seededRandom(seed);
  const values = Float32Array.from({length: SIZE}, random);
  const order = Uint8Array.from({length: SIZE}, (_, index) => index);
  for (let i = SIZE - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return (ix, iy) => values[order[(order[ix & 255]! + iy) & 255]!]!;
}

/** Value noise in 0..1: smoothly blended lattice values. Features are one unit wide. */
export function valueNoise(seed: number): Field {
  const at = lattice(seed);
  return (x, y) => {
    const ix = Math.floor(x);
    const iy = Math.floor(y);
    const fx = x - ix;
    const fy = y - iy;
    const u = fx * fx * (3 - 2 * fx);
    const v = fy * fy * (3 - 2 * fy);
    const top = at(ix, iy) * (1 - u) + at(ix + 1, iy) * u;
    const bottom = at(ix, iy + 1) * (1 - u) + at(ix + 1, iy + 1) * u;
    return top * (1 - v) + bottom * v;
  };
}

/** Sums octaves of value noise, each half as wide and half as strong as the one before. The result is still in 0..1. */
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
 * Cellular noise with cells one unit wide (Worley 1996): the distance of a point from the wall between its cell and the
 * next. It is 0 on the wall and about 0.5 in the middle of a cell.
 */
export function cellNoise(seed: number): Field {
  const offsetX = lattice(seed);
  const offsetY = lattice(seed + 1);
  return (x, y) => {
    let nearest = Infinity;
    let second = Infinity;
    for (let iy = Math.floor(y) - 1; iy <= Math.floor(y) + 1; iy++) {
      for (let ix = Math.floor(x) - 1; ix <= Math.floor(x) + 1; ix++) {
        const px = ix + 0.15 + 0.7 * offsetX(ix, iy);
        const py = iy + 0.15 + 0.7 * offsetY(ix, iy);
        const distance = (px - x) ** 2 + (py - y) ** 2;
        if (distance < nearest) {
          second = nearest;
          nearest = distance;
        } else if (distance < second) {
          second = distance;
        }
      }
    }
    return (Math.sqrt(second) - Math.sqrt(nearest)) / 2;
  };
}
