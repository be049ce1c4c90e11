import {checkOptions, either, listOf, number, type Schema} from '../basics/schema.js';
import {type Augmentation, uniform} from './augmentation.js';
import {chain, inverse, scaling, translation} from './matrix.js';
import {type Border, borderRules, checkRange, warp} from './warp.js';

/** Of `scaleJitter()`. */
export type ScaleJitterOptions = {
  /** Least and greatest factor of size, each 0.05..20, each value between equally likely. Default [0.1, 2]. */
  range?: readonly [number, number];
  /** Of what lies outside of an image made smaller. Default: ImageNet's mean colour, which the network sees as zero. */
  border?: Border;
};

const SCALE: Schema = {range: listOf(number({min: 0.05, max: 20}), {length: 2}), border: either(...borderRules)};

const MEAN_COLOR = [124, 116, 104] as const;

/**
 * Large-scale jitter (Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance segmentation",
 * 2021): the image becomes larger or smaller on a canvas of its own size, at a random place. By this, and not by the size
 * of the canvas, the network sees objects at other scales: it resizes every image to a size of its own. Throws
 * INVALID_OPTION.
 */
export function scaleJitter(options: ScaleJitterOptions = {}): Augmentation {
  checkOptions(options, SCALE, 'scaleJitter()');
  const {range = [0.1, 2], border = MEAN_COLOR} = options;
  checkRange(range, 'range', 'scaleJitter()');
  return (sample, random) => {
    const {width, height} = sample.image;
    const scale = uniform(random, ...range);
    const shift = (whole: number) => Math.round(whole * (1 - scale) * random.next());
    const forward = chain(scaling(scale, scale), translation(shift(width), shift(height)));
    return warp(sample, {matrix: inverse(forward), border});
  };
}
