import {Random} from '../basics/random.js';

/** Share of the resamples whose differences lie inside an interval. */
export const CONFIDENCE = 0.95;

/** The bounds of an interval. */
export type Interval = {low: number; high: number};

/**
 * A sample of `images` images, drawn with replacement: how many times each is taken. It depends only on the seed and
 * the number of the resample, so all evaluations are resampled alike, which makes their differences paired.
 */
export function resample(images: number, seed: number, number: number): Uint32Array {
  const random = new Random(seed, number);
  const times = new Uint32Array(images);
  for (let i = 0; i < images; i++) times[random.integer(images)]!++;
  return times;
}

/**
 * The percentile interval of the bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter
 * 13): the values between which the middle 95 % of `values` lie. Null for fewer than two values.
 */
export function percentileInterval(values: readonly number[]): Interval | null {
  if (values.length < 2) return null;
  const sorted = Float64Array.from(values).sort();
  const outside = (1 - CONFIDENCE) / 2;
  return {low: quantile(sorted, outside), high: quantile(sorted, 1 - outside)};
}

/** Interpolates linearly between the two nearest values, as NumPy's `quantile()` does by default. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}
