import {loadBinding} from '../addon/binding.js';
import {checkOptions, number, type Schema} from '../basics/schema.js';
import type {Sample} from '../datasets/dataset.js';
import {toNativeImage} from '../datasets/targets.js';
import type {RgbImage} from '../image/read-image.js';
import {type Augmentation, uniform} from './augmentation.js';
import {contrasted, diagonal, greyOf, hueTurned, inOrder, inverted, linear, saturated, scaled} from './color-matrix.js';

/** Options of `colorJitter()`. Every factor is drawn anew for each image. */
export type ColorJitterOptions = {
  /** Multiplies every value by a factor in 1 ± this, 0..1. Default 0.2. */
  brightness?: number;
  /** Multiplies the distance from the image's mean grey by a factor in 1 ± this, 0..1. Default 0.2. */
  contrast?: number;
  /** Multiplies the distance from the pixel's own grey by a factor in 1 ± this, 0..1. Default 0.2. */
  saturation?: number;
  /** Rotates the hue by up to this fraction of the colour circle, in either direction, 0..0.5. Default 0.02. */
  hue?: number;
};

/** Options of `stainJitter()`. Amounts are drawn anew for each image and component. */
export type StainJitterOptions = {
  /**
   * Multiplies the amount of each of three components by a factor in 1 ± this, 0..1: haematoxylin, eosin and the
   * residual. Default 0.2.
   */
  amount?: number;
  /** Largest optical density that is added to or subtracted from each component everywhere, 0..1. Default 0.02. */
  offset?: number;
};

const share = number({min: 0, max: 1});
const COLOR: Schema = {brightness: share, contrast: share, saturation: share, hue: number({min: 0, max: 0.5})};
const STAIN: Schema = {amount: share, offset: share};

/** Changes contrast, saturation, hue and brightness with a single 3×4 matrix. Throws INVALID_OPTION. */
export function colorJitter(options: ColorJitterOptions = {}): Augmentation {
  checkOptions(options, COLOR, 'colorJitter()');
  const {brightness = 0.2, contrast = 0.2, saturation = 0.2, hue = 0.02} = options;
  return async (sample, random) => {
    const factor = (most: number) => uniform(random, 1 - most, 1 + most);
    const matrix = inOrder(
      contrasted(factor(contrast), meanGrey(sample.image)),
      saturated(factor(saturation)),
      hueTurned(uniform(random, -hue, hue)),
      scaled(factor(brightness)),
    );
    const {pixels} = await loadBinding();
    return withPixels(sample, await pixels.adjustColors(toNativeImage(sample).data, [...matrix]));
  };
}

/**
 * Optical densities of haematoxylin and eosin in red, green and blue, and a third vector at right angles to both, for
 * the residual (Ruifrok and Johnston, "Quantification of histochemical staining by color deconvolution", 2001).
 */
const STAINS = [[0.65, 0.7, 0.29], [0.07, 0.99, 0.11], residual([0.65, 0.7, 0.29], [0.07, 0.99, 0.11])];

/** The columns are the stains: this matrix maps amounts of stain to optical densities. */
const TO_DENSITIES = linear([0, 1, 2].map((channel) => STAINS.map((stain) => stain[channel]!)));
const TO_AMOUNTS = inverted(TO_DENSITIES);

/**
 * Changes how strongly a section in haematoxylin and eosin is stained: scales and shifts the amounts of both stains
 * and of the residual
 * (Tellez et al., "Whole-slide mitosis detection in H&E breast histology using PHH3 as a reference", 2018). Throws
 * INVALID_OPTION.
 */
export function stainJitter(options: StainJitterOptions = {}): Augmentation {
  checkOptions(options, STAIN, 'stainJitter()');
  const {amount = 0.2, offset = 0.02} = options;
  return async (sample, random) => {
    const factors = STAINS.map(() => uniform(random, 1 - amount, 1 + amount));
    const offsets = STAINS.map(() => uniform(random, -offset, offset));
    const matrix = inOrder(TO_AMOUNTS, diagonal(factors, offsets), TO_DENSITIES);
    const {pixels} = await loadBinding();
    return withPixels(sample, await pixels.adjustDensities(toNativeImage(sample).data, [...matrix]));
  };
}

function withPixels(sample: Sample, data: Uint8Array): Sample {
  return {...sample, image: {...sample.image, data}};
}

/** The mean over a few thousand pixels, which is accurate enough. */
function meanGrey({data}: RgbImage): number {
  const step = Math.max(1, Math.floor(data.length / 3 / 4096));
  let sum = 0;
  let count = 0;
  for (let at = 0; at < data.length; at += step * 3) {
    sum += greyOf([data[at]!, data[at + 1]!, data[at + 2]!]);
    count++;
  }
  return sum / count;
}

/** The unit vector at right angles to two stains. */
function residual([a, b, c]: [number, number, number], [p, q, r]: [number, number, number]): number[] {
  const cross = [b * r - c * q, c * p - a * r, a * q - b * p];
  return cross.map((value) => value / Math.hypot(...cross));
}
