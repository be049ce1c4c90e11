import {meanScores, share} from './mean-scores.js';

/** Pixel counts of one or more images, by prediction and ground truth. */
export type PixelCounts = {
  /** Foreground in both. */
  both: number;
  /** Foreground in the prediction only. */
  predictedOnly: number;
  /** Foreground in the ground truth only. */
  trueOnly: number;
};

/** Agreement of two foreground masks, each 0..1. */
export type PixelScores = {
  /** Intersection over union; null if both are empty. */
  iou: number | null;
  /** 2·both / (predicted + true), which equals the Dice coefficient; null if both are empty. */
  f1: number | null;
  /** Fraction of the predicted foreground that is correct; null if nothing is predicted. */
  precision: number | null;
  /** Fraction of the ground-truth foreground that is predicted; null if it is empty. */
  recall: number | null;
};

/** Pixel scores of a data set, averaged over images, and computed from the pixels of all images together. */
export type PixelSummary = {
  images: number;
  /** Images without ground truth. `mean` leaves them out; `pooled` counts what was predicted on them as wrong. */
  emptyImages: number;
  /** Over the images with ground truth. Images on which nothing is predicted have no precision. */
  mean: PixelScores;
  pooled: PixelScores;
};

/** Compares two foreground masks of the same image with the same pixel order. Any value but 0 is foreground. */
export function countPixels(predicted: ArrayLike<number>, truth: ArrayLike<number>): PixelCounts {
  if (predicted.length !== truth.length) {
    throw new RangeError(`The foregrounds must have one size, got ${predicted.length} and ${truth.length} pixels.`);
  }
  let both = 0;
  let predictedOnly = 0;
  let trueOnly = 0;
  for (let i = 0; i < predicted.length; i++) {
    if (predicted[i] !== 0) {
      if (truth[i] !== 0) both++;
      else predictedOnly++;
    } else if (truth[i] !== 0) {
      trueOnly++;
    }
  }
  return {both, predictedOnly, trueOnly};
}

export function pixelScores({both, predictedOnly, trueOnly}: PixelCounts): PixelScores {
  return {
    iou: share(both, both + predictedOnly + trueOnly),
    f1: share(2 * both, 2 * both + predictedOnly + trueOnly),
    precision: share(both, both + predictedOnly),
    recall: share(both, both + trueOnly),
  };
}

/** Summarises the images of a data set. `images` must not be empty. */
export function summarizePixels(images: readonly PixelCounts[]): PixelSummary {
  if (images.length === 0) throw new RangeError('A summary needs at least one image, got none.');
  const sum: PixelCounts = {both: 0, predictedOnly: 0, trueOnly: 0};
  for (const counts of images) {
    for (const key of Object.keys(sum) as (keyof PixelCounts)[]) sum[key] += counts[key];
  }
  const scored = images.map((counts) => ({
    scores: pixelScores(counts),
    isEmpty: counts.both + counts.trueOnly === 0,
  }));
  return {
    images: images.length,
    emptyImages: scored.filter(({isEmpty}) => isEmpty).length,
    mean: meanScores(scored, ['iou', 'f1', 'precision', 'recall']),
    pooled: pixelScores(sum),
  };
}
