import {checkOptions, either, listOf, number, type Schema} from '../basics/schema.js';
import {type Augmentation, uniform} from './augmentation.js';
import {chain, inverse, scaling, translation} from './matrix.js';
import {type Border, borderRules, checkRange, warp} from './warp.js';

/** Options of `scaleJitter()`. */
export type ScaleJitterOptions = {
  /** Smallest and largest scale factor, each 0.05..20. The factor is drawn uniformly between them. Default [0.1, 2]. */
  range?: readonly [number, number];
  /**
   * What to fill the area outside of a shrunk image with. Default: ImageNet's mean colour, which the network sees as
   * zero.
   */
  border?: Border;
};

const SCALE: Schema = {range: listOf(number({min: 0.05, max: 20}), {length: 2}), border: either(...borderRules)};

const MEAN_COLOR = [124, 116, 104] as const;

/**
 * Large-scale jitter (Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance
 * segmentation", 2021): enlarges or shrinks the image on a canvas of the original size, at a random position.
 *
 * The canvas keeps its size because the network resizes every image to its own input size. Changing the size of the
 * content instead makes objects appear at different scales. Throws INVALID_OPTION.
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
