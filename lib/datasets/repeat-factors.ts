/** The threshold of LVIS's authors: classes on less than a thousandth of the images are repeated. */
export const BALANCE_THRESHOLD = 0.001;

/** How often repeat-factor sampling takes the classes and the images of a data set. */
export type RepeatFactors = {
  /** For each class, in the data set's order: the number of images that contain it. */
  imagesOfClass: readonly number[];
  /** For each class: max(1, √(threshold / fraction of the images that contain it)); 1 for a class without images. */
  classes: readonly number[];
  /** For each image: the largest factor of its classes; 1 without objects. Mean number of times per epoch. */
  images: Float64Array;
};

/**
 * Repeat factors of Gupta, Dollár and Girshick, "LVIS: A dataset for large vocabulary instance segmentation", 2019
 * (version 2), appendix B.2. `labels` has the labels of the objects of each image, with or without repetition.
 */
export function repeatFactors(
  labels: readonly ArrayLike<number>[],
  {classes, threshold}: {classes: number; threshold: number},
): RepeatFactors {
  const imagesOfClass = new Array<number>(classes).fill(0);
  for (const image of labels) {
    for (const label of new Set(Array.from(image))) imagesOfClass[label - 1]!++;
  }
  const factors = imagesOfClass.map((images) =>
    images === 0 ? 1 : Math.max(1, Math.sqrt(threshold / (images / labels.length))),
  );
  const images = Float64Array.from(labels, (image) =>
    Array.from(image).reduce((most, label) => Math.max(most, factors[label - 1]!), 1),
  );
  return {imagesOfClass, classes: factors, images};
}
