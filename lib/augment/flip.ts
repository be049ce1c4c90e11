import {checkOptions, number, required} from '../basics/schema.js';
import type {Instance, Sample} from '../datasets/dataset.js';
import type {Augmentation} from './augmentation.js';

/** Applies `flipHorizontal` with probability `chance` (0..1, default 0.5). Throws INVALID_OPTION. */
export function randomHorizontalFlip(chance = 0.5): Augmentation {
  return withChance(chance, flipHorizontal, 'randomHorizontalFlip()');
}

/** Applies `flipVertical` with probability `chance` (0..1, default 0.5). Throws INVALID_OPTION. */
export function randomVerticalFlip(chance = 0.5): Augmentation {
  return withChance(chance, flipVertical, 'randomVerticalFlip()');
}

/** Mirrors a sample left to right: pixel column x moves to width - 1 - x, and a box edge at x moves to width - x. */
export function flipHorizontal({file, image, instances}: Sample): Sample {
  const {width} = image;
  return {
    file,
    image: {...image, data: mirrorRows(image.data, width, 3)},
    instances: instances.map(
      ({box: [x0, y0, x1, y1], mask, ...rest}): Instance => ({
        ...rest,
        box: [width - x1, y0, width - x0, y1],
        ...(mask && {
          mask: {...mask, left: width - mask.left - mask.width, data: mirrorRows(mask.data, mask.width, 1)},
        }),
      }),
    ),
  };
}

/** Mirrors a sample top to bottom: pixel row y moves to height - 1 - y, and a box edge at y moves to height - y. */
export function flipVertical({file, image, instances}: Sample): Sample {
  const {height} = image;
  return {
    file,
    image: {...image, data: reverseRows(image.data, image.width * 3)},
    instances: instances.map(
      ({box: [x0, y0, x1, y1], mask, ...rest}): Instance => ({
        ...rest,
        box: [x0, height - y1, x1, height - y0],
        ...(mask && {
          mask: {...mask, top: height - mask.top - mask.height, data: reverseRows(mask.data, mask.width)},
        }),
      }),
    ),
  };
}

function withChance(chance: number, change: (sample: Sample) => Sample, where: string): Augmentation {
  checkOptions({chance}, {chance: required(number({min: 0, max: 1}))}, where);
  return (sample, random) => (random.chance(chance) ? change(sample) : sample);
}

function mirrorRows(data: Uint8Array, width: number, channels: number): Uint8Array {
  const mirrored = new Uint8Array(data.length);
  const stride = width * channels;
  for (let row = 0; row < data.length; row += stride) {
    for (let x = 0; x < width; x++) {
      const from = row + x * channels;
      const to = row + (width - 1 - x) * channels;
      for (let c = 0; c < channels; c++) mirrored[to + c] = data[from + c]!;
    }
  }
  return mirrored;
}

function reverseRows(data: Uint8Array, stride: number): Uint8Array {
  const reversed = new Uint8Array(data.length);
  for (let row = 0; row < data.length; row += stride) {
    reversed.set(data.subarray(row, row + stride), data.length - row - stride);
  }
  return reversed;
}
