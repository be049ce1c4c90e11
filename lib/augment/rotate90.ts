import {checkOptions, number, required} from '../basics/schema.js';
import type {Augmentation} from './augmentation.js';
import type {Matrix} from './matrix.js';
import {warp} from './warp.js';

/**
 * Rotates an image by 90°, 180° or 270° with probability `chance` (0..1, default 0.75), without resampling. Throws
 * INVALID_OPTION.
 */
export function randomRotate90(chance = 0.75): Augmentation {
  checkOptions({chance}, {chance: required(number({min: 0, max: 1}))}, 'randomRotate90()');
  return (sample, random) => {
    if (!random.chance(chance)) return sample;
    const {width, height} = sample.image;
    const turns: {matrix: Matrix; width: number; height: number}[] = [
      {matrix: [0, 1, 0, -1, 0, height], width: height, height: width},
      {matrix: [-1, 0, width, 0, -1, height], width, height},
      {matrix: [0, -1, width, 1, 0, 0], width: height, height: width},
    ];
    return warp(sample, {...turns[random.integer(3)]!, border: 'reflect'});
  };
}
