import type {NativeCocoCurves, NativeEvaluationData} from '../../binding.js';
import {loadBinding} from '../addon/binding.js';

/**
 * IoU 0.5, 0.55, ... 0.95 and recall 0, 0.01, ... 1. Limits and area ranges are those of pycocotools' `Params`
 * (cocoeval.py).
 */
export const IOU_THRESHOLDS = linspace(0.5, 0.95, 10);
export const RECALL_POINTS = linspace(0, 1, 101);
export const PRECISION_POINTS = RECALL_POINTS.length;
const AREAS = {all: [0, 1e10], small: [0, 32 ** 2], medium: [32 ** 2, 96 ** 2], large: [96 ** 2, 1e10]} as const;
const DETECTION_LIMITS: readonly [number, number, number] = [1, 10, 100];

type Area = keyof typeof AREAS;
const AREA_NAMES = Object.keys(AREAS) as Area[];

/** The twelve COCO scores, each 0..1, or null if the data set has no matching objects: see `reasons`. */
export type CocoSummary = {
  /**
   * Mean over the IoU thresholds 0.5 to 0.95. Only the best detections of an image and class count, up to the last
   * limit.
   */
  ap: number | null;
  ap50: number | null;
  ap75: number | null;
  /** Objects with an area of less than 32², of 32² to 96², and of more than 96² pixels. */
  apSmall: number | null;
  apMedium: number | null;
  apLarge: number | null;
  /**
   * Maximum recall with at most 1, 10 and 100 detections (or the given limits) per image and class, averaged over
   * thresholds.
   */
  ar1: number | null;
  ar10: number | null;
  ar100: number | null;
  arSmall: number | null;
  arMedium: number | null;
  arLarge: number | null;
};

/** The COCO scores over all classes and for each class. */
export type CocoScores = CocoSummary & {
  /** The scores of each class, in the data set's order. */
  classes: ({name: string} & CocoSummary)[];
  /** Why a score is null. */
  reasons: Partial<Record<keyof CocoSummary, string>>;
};

/** Precision-recall curves. */
export type PrecisionRecall = {
  iouThresholds: readonly number[];
  recall: readonly number[];
  /**
   * For each class, the precision and the score: by IoU threshold, then by recall. Null for a class without objects.
   */
  classes: {name: string; precision: number[][] | null; scores: number[][] | null}[];
};

/**
 * Which detections match an object, at each IoU threshold: what AP of objects of all sizes is made of, in columns.
 * Letters: D detections, C pairs of a class and an image with objects of it.
 */
export type CocoMatches = {
  /** D indices of images in the data set. */
  images: Int32Array;
  /** D indices of classes: label − 1. */
  classes: Int32Array;
  /** D scores, 0..1. */
  scores: Float64Array;
  /** D sets of bits. Bit t: whether the detection matches an object at IoU 0.5 + 0.05·t. */
  matched: Uint32Array;
  /** D sets of bits. Bit t: whether the detection is neither right nor wrong, as on a crowd. */
  ignored: Uint32Array;
  /** C indices of images. */
  wantedImages: Int32Array;
  /** C indices of classes. */
  wantedClasses: Int32Array;
  /** C numbers of objects to find. */
  wanted: Int32Array;
};

/** The scores, the precision-recall curves that they are averaged from, and the matches that these are made of. */
export type CocoEvaluation = {scores: CocoScores; curves: PrecisionRecall; matches: CocoMatches};

/**
 * COCO's average precision and recall. They equal those of pycocotools' COCOeval on the same detections.
 * `data.detected` and `data.truth` must be ordered by image id, because that order breaks ties between equal scores.
 */
export async function scoreCoco(
  data: NativeEvaluationData,
  {classes, limits = DETECTION_LIMITS}: {classes: readonly string[]; limits?: readonly [number, number, number]},
): Promise<CocoEvaluation> {
  const binding = await loadBinding();
  const curves = await binding.evaluation.coco(data, {
    iouThresholds: IOU_THRESHOLDS,
    recallPoints: RECALL_POINTS,
    areaRanges: Object.values(AREAS).flat(),
    limits: [...limits],
  });
  const table = new CurveTable(curves, data.classes);
  const all = classes.map((_, index) => index);
  const scores = table.summary(all);
  return {
    scores: {
      ...scores,
      classes: classes.map((name, index) => ({name, ...table.summary([index])})),
      reasons: reasonsOf(scores),
    },
    curves: {
      iouThresholds: IOU_THRESHOLDS,
      recall: RECALL_POINTS,
      classes: classes.map((name, index) => ({name, ...table.curvesOf(index)})),
    },
    matches: curves.matches,
  };
}

/** Access to the arrays of `NativeCocoCurves` by their indices. */
class CurveTable {
  readonly #curves: NativeCocoCurves;
  readonly #classes: number;

  constructor(curves: NativeCocoCurves, classes: number) {
    this.#curves = curves;
    this.#classes = classes;
  }

  summary(classes: readonly number[]): CocoSummary {
    const precision = (area: Area, thresholds = IOU_THRESHOLDS) =>
      mean(
        thresholds.flatMap((threshold) =>
          classes.flatMap((index) => this.#precision('precision', IOU_THRESHOLDS.indexOf(threshold), index, area)),
        ),
      );
    const recall = (area: Area, limit: number) =>
      mean(
        IOU_THRESHOLDS.flatMap((_, t) => classes.map((index) => this.#curves.recall[this.#at(t, index, area, limit)]!)),
      );
    const last = DETECTION_LIMITS.length - 1;
    return {
      ap: precision('all'),
      ap50: precision('all', [IOU_THRESHOLDS[0]!]),
      ap75: precision('all', [IOU_THRESHOLDS[5]!]),
      apSmall: precision('small'),
      apMedium: precision('medium'),
      apLarge: precision('large'),
      ar1: recall('all', 0),
      ar10: recall('all', 1),
      ar100: recall('all', last),
      arSmall: recall('small', last),
      arMedium: recall('medium', last),
      arLarge: recall('large', last),
    };
  }

  curvesOf(index: number): {precision: number[][] | null; scores: number[][] | null} {
    if (this.#curves.recall[this.#at(0, index, 'all', DETECTION_LIMITS.length - 1)] === -1) {
      return {precision: null, scores: null};
    }
    const byThreshold = (name: 'precision' | 'scores') =>
      IOU_THRESHOLDS.map((_, t) => this.#precision(name, t, index, 'all'));
    return {precision: byThreshold('precision'), scores: byThreshold('scores')};
  }

  /** The values at each recall point, with the last of the limits. */
  #precision(name: 'precision' | 'scores', threshold: number, index: number, area: Area): number[] {
    const last = DETECTION_LIMITS.length - 1;
    return RECALL_POINTS.map(
      (_, p) => this.#curves[name][this.#at(threshold * RECALL_POINTS.length + p, index, area, last)]!,
    );
  }

  #at(row: number, index: number, area: Area, limit: number): number {
    const column = (row * this.#classes + index) * AREA_NAMES.length + AREA_NAMES.indexOf(area);
    return column * DETECTION_LIMITS.length + limit;
  }
}

function reasonsOf(scores: CocoSummary): CocoScores['reasons'] {
  const sizes = {
    Small: 'smaller than 32² pixels',
    Medium: 'between 32² and 96² pixels',
    Large: 'larger than 96² pixels',
  };
  const reasons: CocoScores['reasons'] = {};
  for (const [name, score] of Object.entries(scores) as [keyof CocoSummary, number | null][]) {
    if (score !== null) continue;
    const size = Object.entries(sizes).find(([suffix]) => name.endsWith(suffix));
    reasons[name] = `No object${size === undefined ? '' : ` ${size[1]}`} is in the data set.`;
  }
  return reasons;
}

/** The mean of the values that are not -1, which marks a missing value; null if none remain. */
function mean(values: readonly number[]): number | null {
  const present = values.filter((value) => value > -1);
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}

/** As NumPy's linspace: multiplies the step instead of summing it, and the last value is exact. */
function linspace(first: number, last: number, count: number): number[] {
  const step = (last - first) / (count - 1);
  return Array.from({length: count}, (_, i) => (i === count - 1 ? last : first + i * step));
}
