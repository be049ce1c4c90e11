import type {Sample} from '../datasets/dataset.js';
import type {Detections} from '../model/detections.js';

/** The objects of one class on one image, counted. */
export type ClassCount = {
  name: string;
  /** Number of annotated objects, without crowds. */
  truth: number;
  /** Number of detections above the score threshold. */
  predicted: number;
  /** predicted − truth. */
  error: number;
};

/** How far the number of detections is from the number of objects. */
export type CountErrors = {
  /** Number of annotated objects on all images, without crowds. */
  truth: number;
  /** Number of detections above the score threshold on all images. */
  predicted: number;
  /** Mean of predicted − truth over all images, which is the bias. Above 0, too many objects are found. */
  meanError: number;
  /** Mean of |predicted − truth| over all images. */
  meanAbsoluteError: number;
};

/**
 * Errors of the number of objects on an image. They count what `predict()` returns for the score threshold: every
 * detection above it, also those that the object scores drop. Images without objects count as all others do.
 */
export type CountSummary = CountErrors & {
  images: number;
  /** For each class, in the data set's order. The numbers above them are regardless of class. */
  classes: ({name: string} & CountErrors)[];
};

/**
 * Counts the objects of each class on an image, in the order of `classes`. The labels of the detections are those of
 * the data set.
 */
export function countObjects(
  {instances}: Pick<Sample, 'instances'>,
  {labels}: Pick<Detections, 'labels'>,
  classes: readonly string[],
): ClassCount[] {
  const counts = classes.map((name) => ({name, truth: 0, predicted: 0, error: 0}));
  for (const {label} of instances) counts[label - 1]!.truth++;
  for (const label of labels) counts[label - 1]!.predicted++;
  for (const count of counts) count.error = count.predicted - count.truth;
  return counts;
}

/** Summarises images, each with the counts of the same classes in the same order. `images` must not be empty. */
export function summarizeCounts(images: readonly (readonly ClassCount[])[]): CountSummary {
  if (images.length === 0) throw new RangeError('A summary needs at least one image, got none.');
  const classes = images[0]!.map(({name}, index) => ({name, ...errorsOf(images.map((counts) => [counts[index]!]))}));
  return {images: images.length, ...errorsOf(images), classes};
}

/** The errors of the sums of each image's counts. */
function errorsOf(images: readonly (readonly ClassCount[])[]): CountErrors {
  const sums = images.map((counts) => ({
    truth: sum(counts.map(({truth}) => truth)),
    predicted: sum(counts.map(({predicted}) => predicted)),
  }));
  const errors = sums.map(({truth, predicted}) => predicted - truth);
  return {
    truth: sum(sums.map(({truth}) => truth)),
    predicted: sum(sums.map(({predicted}) => predicted)),
    meanError: sum(errors) / images.length,
    meanAbsoluteError: sum(errors.map(Math.abs)) / images.length,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
