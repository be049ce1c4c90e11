import {share} from './mean-scores.js';
import type {Overlap} from './overlaps.js';

/** The numbers behind the F1, the precision and the recall of objects. All are of the same score threshold. */
export type ObjectTally = {
  /** Ground-truth objects. One that others cover completely has no pixel of its own, and is not among them. */
  truth: number;
  /** Predicted objects: the detections above the score threshold, without those in `dropped`. */
  predicted: number;
  /** Predicted objects that cover at least half of a ground-truth object: see `DetectionScores`. */
  truePositives: number;
  /**
   * Detections above the score threshold that are no objects of their own: better ones cover more than half of them, or
   * their mask has no pixel.
   */
  dropped: number;
};

/** How many objects are found: the part of `ObjectScores` that follows from an `ObjectTally`. */
export type DetectionScores = {
  /** 2·precision·recall / (precision + recall), 0..1; null if neither side has objects. */
  f1: number | null;
  /**
   * Fraction of the predicted objects that are true positives, 0..1: each covers at least half of the ground-truth
   * object that it overlaps most. This follows the paper; the contest's own program requires more than half. A
   * ground-truth object counts once, so of its fragments at most one is a true positive. null if nothing is predicted.
   */
  precision: number | null;
  /** Fraction of the ground-truth objects that have a true positive, 0..1; null if there are none. */
  recall: number | null;
};

/**
 * The labels of the predicted objects that are true positives: see `DetectionScores`. In a tie, an object overlaps the
 * one of the lowest label most. If two predicted objects cover exactly half of a ground-truth object each, the one of
 * the lower label is the true positive. The paper would count both, and so find more objects than there are.
 *
 * `overlaps` are sorted as by `overlapsOf()`. `trueAreas` are the numbers of pixels by ground-truth label.
 */
export function truePositives(overlaps: readonly Overlap[], trueAreas: ArrayLike<number>): Set<number> {
  const largest = new Map<number, Overlap>();
  for (const overlap of overlaps) {
    if (overlap.pixels > (largest.get(overlap.predicted)?.pixels ?? 0)) largest.set(overlap.predicted, overlap);
  }
  const found = new Set<number>();
  const hits = new Set<number>();
  for (const {predicted, truth, pixels} of largest.values()) {
    if (pixels < trueAreas[truth]! / 2 || found.has(truth)) continue;
    found.add(truth);
    hits.add(predicted);
  }
  return hits;
}

export function tallyOf({truth, predicted, truePositives: hits, dropped}: ObjectTally): ObjectTally {
  return {truth, predicted, truePositives: hits, dropped};
}

export function detectionScores(tally: Omit<ObjectTally, 'dropped'>): DetectionScores {
  const {truth, predicted, truePositives: hits} = tally;
  return {f1: share(2 * hits, truth + predicted), precision: share(hits, predicted), recall: share(hits, truth)};
}
