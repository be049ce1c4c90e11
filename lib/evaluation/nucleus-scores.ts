import type {LabelMap} from './label-map.js';
import {meanScores, share} from './mean-scores.js';
import {areasOf, overlapsOf} from './overlaps.js';

/** The contribution of one image to the scores: see `NucleiScores`. */
export type NucleiCounts = {
  /** Sums of the intersections and of the unions of AJI. */
  intersection: number;
  union: number;
  /** Number of pairs with an IoU above 0.5, the sum of their IoUs, and the numbers of unmatched objects. */
  matched: number;
  iou: number;
  predictedOnly: number;
  trueOnly: number;
};

/** Object scores that are common for nuclei, each 0..1. They are null if neither side has objects. */
export type NucleiScores = {
  /**
   * Aggregated Jaccard index: pairs each ground-truth object with the predicted object of the greatest IoU, then
   * divides the sum of the intersections by the sum of the unions. Predicted objects without a pair add all their
   * pixels to the unions (Kumar et al., "A dataset and a technique for generalized nuclear segmentation for
   * computational pathology", 2017, algorithm 1).
   */
  aji: number | null;
  /** Panoptic quality sq × dq (Kirillov et al., "Panoptic segmentation", 2019, section 4.1). */
  pq: number | null;
  /** Segmentation quality: mean IoU of the pairs with an IoU above 0.5; 0 if there are none. */
  sq: number | null;
  /** Detection quality: F1 of these pairs. */
  dq: number | null;
};

/**
 * Scores of a data set: averaged over the images with ground-truth objects, and computed from the objects of all images
 * together.
 */
export type NucleiSummary = {images: number; mean: NucleiScores; pooled: NucleiScores};

/** Compares the objects of two maps of the same image. Throws RangeError if the maps differ in size. */
export function compareNuclei(predicted: LabelMap, truth: LabelMap): NucleiCounts {
  const [predictedAreas, trueAreas] = [areasOf(predicted), areasOf(truth)];
  const pairs = overlapsOf(predicted, truth).map((pair) => {
    const union = predictedAreas[pair.predicted]! + trueAreas[pair.truth]! - pair.pixels;
    return {...pair, union, iou: pair.pixels / union};
  });
  const best = new Map<number, (typeof pairs)[number]>();
  for (const pair of pairs) if (pair.iou > (best.get(pair.truth)?.iou ?? 0)) best.set(pair.truth, pair);
  const used = new Set([...best.values()].map((pair) => pair.predicted));

  const [ofTruth, ofPredicted] = [labelsOf(trueAreas), labelsOf(predictedAreas)];
  const union = [
    ...ofTruth.map((label) => best.get(label)?.union ?? trueAreas[label]!),
    ...ofPredicted.map((label) => (used.has(label) ? 0 : predictedAreas[label]!)),
  ];
  // An object has at most one partner with an IoU above 0.5.
  const matches = pairs.filter(({iou}) => iou > 0.5);
  return {
    intersection: sum([...best.values()].map(({pixels}) => pixels)),
    union: sum(union),
    matched: matches.length,
    iou: sum(matches.map(({iou}) => iou)),
    predictedOnly: ofPredicted.length - matches.length,
    trueOnly: ofTruth.length - matches.length,
  };
}

export function nucleiScores({intersection, union, matched, iou, predictedOnly, trueOnly}: NucleiCounts): NucleiScores {
  const aji = share(intersection, union);
  if (matched + predictedOnly + trueOnly === 0) return {aji, pq: null, sq: null, dq: null};
  const sq = matched === 0 ? 0 : iou / matched;
  const dq = matched / (matched + (predictedOnly + trueOnly) / 2);
  return {aji, pq: sq * dq, sq, dq};
}

/** Summarises the images of a data set. `images` must not be empty. */
export function summarizeNuclei(images: readonly NucleiCounts[]): NucleiSummary {
  if (images.length === 0) throw new RangeError('A summary needs at least one image, got none.');
  const total = (name: keyof NucleiCounts) => sum(images.map((image) => image[name]));
  return {
    images: images.length,
    mean: meanScores(
      images.map((counts) => ({scores: nucleiScores(counts), isEmpty: counts.matched + counts.trueOnly === 0})),
      ['aji', 'pq', 'sq', 'dq'],
    ),
    pooled: nucleiScores({
      intersection: total('intersection'),
      union: total('union'),
      matched: total('matched'),
      iou: total('iou'),
      predictedOnly: total('predictedOnly'),
      trueOnly: total('trueOnly'),
    }),
  };
}

function labelsOf(areas: Int32Array): number[] {
  return [...areas.keys()].filter((label) => label > 0 && areas[label]! > 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
