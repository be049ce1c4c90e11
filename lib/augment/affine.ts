import type {NativeWarpOptions} from '../../binding.js';
import type {Random} from '../basics/random.js';
import {bool, checkOptions, either, listOf, number, type Rule, type Schema} from '../basics/schema.js';
import {type Augmentation, uniform} from './augmentation.js';
import {chain, inverse, type Matrix, rotation, scaling, shearing, translation} from './matrix.js';
import {type Border, borderRules, checkRange, warp} from './warp.js';

/** Of `elastic()`: a grid of control points that are moved by chance, and a smooth map between them. */
export type ElasticOptions = {
  /** Distance of the control points as a share of the longer side, 0.02..1. Default 0.125. */
  spacing?: number;
  /** Largest displacement of a control point in each axis, as a share of their distance, 0..0.4. Default 0.2. */
  strength?: number;
};

/** Of `randomAffine()`; every amount is drawn anew for each image. */
export type AffineOptions = {
  /** Largest rotation in degrees, either way, 0..180. Default 180. */
  rotate?: number;
  /** Least and largest factor of size, each 0.1..10; drawn evenly in its logarithm. Default [0.8, 1.25]. */
  scale?: readonly [number, number];
  /** Largest slant of columns and of rows in degrees, either way, 0..45. Default 5. */
  shear?: number;
  /** Largest shift as a share of width and height, either way, 0..1. Default 0.1. */
  translate?: number;
  /** Also mirrored, every other time. Default false. */
  mirror?: boolean;
  /** Also bent as by `elastic()`, in the same resampling. Default: not. */
  elastic?: ElasticOptions;
  /** Of what lies outside of the image. Default 'reflect': its mirror image, instances included. */
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
 * Rotates, scales, slants and shifts about the middle of an image that keeps its size, and bends it too where `elastic` is
 * given: one bilinear resampling, the masks by nearest neighbour. Throws INVALID_OPTION.
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
 * Bends an image smoothly: the control points of a cubic B-spline are displaced at random. Up to the greatest strength no
 * part is folded over another (Choi and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions",
 * 2000). Throws INVALID_OPTION.
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

/** Displacements in pixels of the result, led through `matrix`: a scale before or after does not fold what is bent. */
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
