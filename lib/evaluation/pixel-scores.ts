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
  /** Intersection over union; 1 if both are empty. */
  iou: number;
  /** 2·both / (predicted + true), which equals the Dice coefficient; 1 if both are empty. */
  f1: number;
  /** Fraction of the predicted foreground that is correct; 1 if nothing is predicted. */
  precision: number;
  /** Fraction of the ground-truth foreground that is predicted; 1 if it is empty. */
  recall: number;
};

/**
 * Pixel scores of a data set, in both usual forms: averaged over images, and computed from the pixels of all images
 * together.
 */
export type PixelSummary = {images: number; mean: PixelScores; pooled: PixelScores};

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
  const share = (part: number, whole: number) => (whole === 0 ? 1 : part / whole);
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
  const mean: PixelScores = {iou: 0, f1: 0, precision: 0, recall: 0};
  const sum: PixelCounts = {both: 0, predictedOnly: 0, trueOnly: 0};
  for (const counts of images) {
    const scores = pixelScores(counts);
    for (const key of Object.keys(mean) as (keyof PixelScores)[]) mean[key] += scores[key] / images.length;
    for (const key of Object.keys(sum) as (keyof PixelCounts)[]) sum[key] += counts[key];
  }
  return {images: images.length, mean, pooled: pixelScores(sum)};
}
