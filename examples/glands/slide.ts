import {between, gaussian, type Random} from './random.js';
import type {Tissue} from './tissue.js';

/** Absorption of red, green and blue light by the two dyes (Ruifrok and Johnston 2001). */
const HAEMATOXYLIN = [0.65, 0.7, 0.29] as const;
const EOSIN = [0.07, 0.99, 0.11] as const;

/**
 * Renders the tissue as seen through a microscope: RGB bytes in row-major order. Every slide has its own dyes and its
 * own stain strength, light, focus and noise, so that colour alone never reveals what is a gland.
 */
export function photograph(random: Random, tissue: Tissue): Uint8Array {
  const {width, height} = tissue;
  const blue = HAEMATOXYLIN.map((value) => value * between(random, 0.8, 1.2));
  const pink = EOSIN.map(
    (value, channel) => value * between(random, 0.75, 1.15) + (channel === 1 ? 0 : between(random, 0, 0.12)),
  );
  const blueStrength = between(random, 0.9, 1.25);
  const pinkStrength = between(random, 0.6, 1.1);
  const light = between(random, 0.88, 1);
  const tint = [1, between(random, 0.95, 1), between(random, 0.95, 1)];
  const noise = between(random, 2, 7);
  const shade = [between(random, -0.05, 0.05), between(random, -0.05, 0.05)] as const;
  const haematoxylin = blur(tissue.haematoxylin, width, height, between(random, 0.1, 0.3));
  const eosin = blur(tissue.eosin, width, height, between(random, 0.1, 0.3));

  const pixels = new Uint8Array(width * height * 3);
  for (let index = 0; index < width * height; index++) {
    const x = (index % width) / width - 0.5;
    const y = Math.floor(index / width) / height - 0.5;
    const lamp = 255 * light * (1 - Math.abs(shade[0] * x) * 2 - Math.abs(shade[1] * y) * 2);
    for (let channel = 0; channel < 3; channel++) {
      const density =
        blue[channel]! * blueStrength * haematoxylin[index]! + pink[channel]! * pinkStrength * eosin[index]!;
      const value = lamp * tint[channel]! * Math.exp(-density) + noise * gaussian(random);
      pixels[index * 3 + channel] = Math.min(255, Math.max(0, Math.round(value)));
    }
  }
  return pixels;
}

/**
 * A slight loss of focus: each pixel gives `share` of its value to its two neighbours along the row, then along the
 * column.
 */
function blur(values: Float32Array, width: number, height: number, share: number): Float32Array {
  const rows = new Float32Array(values.length);
  const both = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const x = i % width;
    const before = values[x === 0 ? i : i - 1]!;
    const after = values[x === width - 1 ? i : i + 1]!;
    rows[i] = values[i]! * (1 - share) + ((before + after) * share) / 2;
  }
  for (let i = 0; i < values.length; i++) {
    const before = rows[i < width ? i : i - width]!;
    const after = rows[i >= width * (height - 1) ? i : i + width]!;
    both[i] = rows[i]! * (1 - share) + ((before + after) * share) / 2;
  }
  return both;
}
