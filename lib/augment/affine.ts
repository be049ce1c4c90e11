import type {NativeWarpOptions} from '../../binding.js';
import type {Random} from '../basics/random.js';
import {bool, checkOptions, either, listOf, number, type Rule, type Schema} from '../basics/schema.js';
import {type Augmentation, uniform} from './augmentation.js';
import {chain, inverse, type Matrix, rotation, scaling, shearing, translation} from './matrix.js';
import {type Border, borderRules, checkRange, warp} from './warp.js';

/**
 * Options of `elastic()`, which displaces a grid of control points at random and interpolates smoothly between them.
 */
export type ElasticOptions = {
  /** Distance between control points, as a fraction of the image's longer side, 0.02..1. Default 0.125. */
  spacing?: number;
  /** Largest displacement of a control point along each axis, as a fraction of `spacing`, 0..0.4. Default 0.2. */
  strength?: number;
};

/** Options of `randomAffine()`. Every amount is drawn anew for each image. */
export type AffineOptions = {
  /** Largest rotation in degrees, in either direction, 0..180. Default 180. */
  rotate?: number;
  /**
   * Smallest and largest scale factor, each 0.1..10. The factor is drawn uniformly on a log scale. Default [0.8, 1.25].
   */
  scale?: readonly [number, number];
  /** Largest shear of columns and of rows in degrees, in either direction, 0..45. Default 5. */
  shear?: number;
  /** Largest shift as a fraction of the width and of the height, in either direction, 0..1. Default 0.1. */
  translate?: number;
  /** Whether to mirror the image too, with probability 0.5. Default false. */
  mirror?: boolean;
  /** Applies `elastic()` with these options too, in the same resampling. Default: no elastic deformation. */
  elastic?: ElasticOptions;
  /**
   * What to fill the area outside of the image with. Default 'reflect': the mirrored image, including its instances.
   */
  border?: Border;
};

const ELASTIC: Schema = {spacing: number({min: 0.02, max: 1}), strength: number({min: 0, max: 0.4})};

const factor = number({min: 0.1, max: 10});

const elasticRule: Rule = {expected: 'an object', accepts: (value) => typeof value === 'object' && value !== null};

const AFFINE: Schema = {
  rotate: number({min: 0, max: 180}),
  scale: listOf(factor, {length: 2}),
  shear: number({min: 0, max: 45}),
  translate: number({min: 0, max: 1}),
  mirror: bool,
  elastic: elasticRule,
  border: either(...borderRules),
};

/**
 * Rotates, scales, shears and shifts an image about its centre and keeps its size. With `elastic` it also deforms the
 * image. The image is resampled once: bilinearly, and its masks by nearest neighbour. Throws INVALID_OPTION.
 */
export function randomAffine(options: AffineOptions = {}): Augmentation {
  checkOptions(options, AFFINE, 'randomAffine()');
  checkOptions(options.elastic, ELASTIC, "randomAffine()'s elastic");
  const {rotate = 180, scale = [0.8, 1.25], shear = 5, translate = 0.1, mirror = false, border = 'reflect'} = options;
  checkRange(scale, 'scale', 'randomAffine()');
  const {elastic} = options;
  return (sample, random) => {
    const {width, height} = sample.image;
    const draw = (most: number) => uniform(random, -most, most);
    const size = Math.exp(uniform(random, Math.log(scale[0]), Math.log(scale[1])));
    const flip = mirror && random.chance(0.5) ? -1 : 1;
    const forward = chain(
      translation(-width / 2, -height / 2),
      scaling(size * flip, size),
      shearing(draw(shear), draw(shear)),
      rotation(draw(rotate)),
      translation(width / 2 + draw(translate) * width, height / 2 + draw(translate) * height),
    );
    const matrix = inverse(forward);
    const grid = elastic ? drawGrid(random, width, height, matrix, elastic) : null;
    return warp(sample, {matrix, grid, border});
  };
}

/**
 * Deforms an image smoothly by displacing the control points of a cubic B-spline at random. Even at the largest
 * strength, no part folds over another (Choi and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline
 * functions", 2000). Throws INVALID_OPTION.
 */
export function elastic(options: ElasticOptions & {border?: Border} = {}): Augmentation {
  checkOptions(options, {...ELASTIC, border: either(...borderRules)}, 'elastic()');
  const {border = 'reflect', ...bend} = options;
  return (sample, random) => {
    const {width, height} = sample.image;
    const matrix = translation(0, 0);
    return warp(sample, {matrix, grid: drawGrid(random, width, height, matrix, bend), border});
  };
}

/**
 * Draws displacements in pixels of the result and maps them through `matrix`. Scaling cannot make the deformation fold.
 */
function drawGrid(
  random: Random,
  width: number,
  height: number,
  [a, b, , d, e]: Matrix,
  {spacing = 0.125, strength = 0.2}: ElasticOptions,
): NonNullable<NativeWarpOptions['grid']> {
  const distance = Math.max(1, spacing * Math.max(width, height));
  const count = (pixels: number) => Math.floor((pixels - 0.5) / distance) + 4;
  const [columns, rows] = [count(width), count(height)];
  const points = new Float32Array(columns * rows * 2);
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [uniform(random, -1, 1) * strength * distance, uniform(random, -1, 1) * strength * distance];
    points[i] = a * x + b * y;
    points[i + 1] = d * x + e * y;
  }
  return {columns, rows, spacing: distance, points};
}
