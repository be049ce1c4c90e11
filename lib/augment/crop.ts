import {checkOptions, listOf, number, type Schema} from '../basics/schema.js';
import type {Sample} from '../datasets/dataset.js';
import {type Augmentation, uniform} from './augmentation.js';
import {translation} from './matrix.js';
import {checkRange, warp} from './warp.js';

/** Options of `randomCrop()`. */
export type CropOptions = {
  /**
   * Smallest and largest fraction of the width and of the height to keep, each above 0 and at most 1. Default [0.5, 1].
   */
  size?: readonly [number, number];
};

type Window = {left: number; top: number; width: number; height: number};

const CROP: Schema = {size: listOf(number({above: 0, max: 1}), {length: 2})};

/** How many windows to draw at most until one contains the centre of an instance. */
const TRIES = 10;

/**
 * Cuts a random part out of the image. It draws up to 10 windows until one contains the centre of an instance. Slivers
 * of cut instances are dropped. Throws INVALID_OPTION.
 */
export function randomCrop(options: CropOptions = {}): Augmentation {
  checkOptions(options, CROP, 'randomCrop()');
  const {size = [0.5, 1]} = options;
  checkRange(size, 'size', 'randomCrop()');
  return (sample, random) => {
    const {image} = sample;
    const draw = (whole: number) => Math.max(1, Math.round(whole * uniform(random, ...size)));
    const [width, height] = [draw(image.width), draw(image.height)];
    const place = (): Window => ({
      left: random.integer(image.width - width + 1),
      top: random.integer(image.height - height + 1),
      width,
      height,
    });
    let window = place();
    for (let tries = 1; tries < TRIES && !holdsAnInstance(sample, window); tries++) window = place();
    return warp(sample, {matrix: translation(window.left, window.top), width, height, border: 'reflect'});
  };
}

function holdsAnInstance({instances}: Sample, {left, top, width, height}: Window): boolean {
  return instances.some(({box: [x0, y0, x1, y1]}) => {
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    return x >= left && x < left + width && y >= top && y < top + height;
  });
}
