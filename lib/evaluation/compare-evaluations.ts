import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, integer, type Schema} from '../basics/schema.js';
import {Turn} from '../basics/turns.js';
import {count, show} from '../basics/wording.js';
import {CONFIDENCE, type Interval, percentileInterval, resample} from './bootstrap.js';
import type {Evaluation, EvaluationDetails, ImageScores} from './evaluation.js';
import {ResampledEvaluation} from './resampled-evaluation.js';

/** An evaluation with the name that a comparison shows for it, such as the path of the weights. */
export type NamedEvaluation = {name: string; evaluation: Evaluation & {details: EvaluationDetails}};

/** Options of `compareEvaluations()`. */
export type CompareOptions = {
  /** Number of resamples for the intervals; 0 for none. Default 1000. */
  resamples?: number;
  /** Random seed of the resamples. Default 0. */
  seed?: number;
  /** Called after each resample with the number of resamples done. */
  onResample?: (done: number) => void;
  /** Stops the work. `compareEvaluations()` then rejects with the signal's reason. */
  signal?: AbortSignal;
};

/** A score of several evaluations. */
export type ComparedScore = {
  /** One for each evaluation. Null where it has no value. */
  values: (number | null)[];
  /** Each value minus that of the first evaluation, so the first is 0. Null where one of them has no value. */
  differences: (number | null)[];
  /**
   * For each difference, the interval of 95 % of its resamples. Null for the first evaluation, without resamples, or if
   * fewer than two resamples have a value. Undefined for a score that is not resampled.
   */
  intervals?: (Interval | null)[];
};

/** Several evaluations on the same images, compared with the first one. */
export type EvaluationComparison = {
  names: string[];
  /** Number of images. */
  images: number;
  /** The threshold of all scores but those of COCO. */
  scoreThreshold: number;
  resamples: number;
  seed: number;
  /** Share of the resamples inside an interval: 0.95. */
  confidence: number;
  /** All scores, each with the names that lead to it in `Evaluation`, such as ['segm', 'ap']. */
  scores: ({path: string[]} & ComparedScore)[];
  /** AP of each class, in the data set's order: of masks, or of boxes if an evaluation has no masks. */
  classes: ({name: string} & ComparedScore)[];
  /** Scores of each image: F1 and Dice of the objects, IoU of the pixels, and detections minus objects. */
  perImage: {file: string; f1: ComparedScore; dice: ComparedScore; iou: ComparedScore; countError: ComparedScore}[];
};

/** The default number of resamples. */
export const RESAMPLES = 1000;

const COMPARE: Schema = {
  resamples: integer({min: 0}),
  seed: integer({min: 0}),
  onResample: callback,
  signal: instanceOf(AbortSignal),
};

/**
 * Compares evaluations of the same data set: every score, the AP of each class, and the scores of each image.
 *
 * The differences of the main scores and of each class's AP have an interval by the paired bootstrap: the images are
 * drawn anew with replacement, as many as there are, and the scores of all evaluations are computed again on the same
 * draw. For AP the matches of each image are kept, and precision and recall are accumulated again, so it is the AP of
 * the drawn images, not a mean over images. Resamples in which a score has no value are left out of its interval. If
 * an interval does not include 0, the difference is unlikely to be due to the choice of the images. If an evaluation
 * has no scores of masks, those of the others are left out.
 *
 * Throws INVALID_OPTION, also if the evaluations are not of the same images, classes and score threshold, or the
 * signal's reason.
 */
export async function compareEvaluations(
  evaluations: readonly NamedEvaluation[],
  options: CompareOptions = {},
): Promise<EvaluationComparison> {
  checkOptions(options, COMPARE, 'compareEvaluations()');
  requireComparable(evaluations);
  const {resamples = RESAMPLES, seed = 0, onResample, signal} = options;
  const [first] = evaluations as [NamedEvaluation];
  const {images, scoreThreshold} = first.evaluation.details;
  const shape = evaluations.every(({evaluation}) => evaluation.segm !== null) ? 'segm' : 'bbox';
  const draws = evaluations.map(({evaluation}) => new ResampledEvaluation(evaluation));
  const drawn = {
    scores: ResampledEvaluation.paths.map(() => evaluations.map(() => [] as number[])),
    classes: first.evaluation.bbox.classes.map(() => evaluations.map(() => [] as number[])),
  };
  const turn = new Turn();
  for (let number = 0; number < resamples; number++) {
    signal?.throwIfAborted();
    const times = resample(images.length, seed, number);
    const found = [];
    for (const evaluation of draws) {
      const {scores, classes} = await evaluation.scores(times, turn);
      found.push({scores, classes: classes[shape]!});
    }
    for (const part of ['scores', 'classes'] as const) {
      for (const [row, byEvaluation] of drawn[part].entries()) {
        for (const [i, differences] of byEvaluation.entries()) {
          const difference = minus(found[i]![part][row]!, found[0]![part][row]!);
          if (difference !== null) differences.push(difference);
        }
      }
    }
    onResample?.(number + 1);
  }
  const intervals = (byEvaluation: readonly number[][]) =>
    byEvaluation.map((differences, i) => (i === 0 ? null : percentileInterval(differences)));
  const all = evaluations.map(({evaluation}) => evaluation);
  return {
    names: evaluations.map(({name}) => name),
    images: images.length,
    scoreThreshold,
    resamples,
    seed,
    confidence: CONFIDENCE,
    scores: pathsOf(first.evaluation, shape).map((path) => {
      const row = ResampledEvaluation.paths.findIndex((each) => each.join() === path.join());
      const score = compared(all.map((evaluation) => valueAt(evaluation, path)));
      return {path, ...score, ...(row >= 0 && {intervals: intervals(drawn.scores[row]!)})};
    }),
    classes: first.evaluation.bbox.classes.map(({name}, k) => ({
      name,
      ...compared(all.map((evaluation) => evaluation[shape]!.classes[k]!.ap)),
      intervals: intervals(drawn.classes[k]!),
    })),
    perImage: images.map(({file}, index) => {
      const of = (score: (image: ImageScores) => number | null) =>
        compared(all.map(({details}) => score(details.images[index]!)));
      return {
        file,
        f1: of(({objects}) => objects.f1),
        dice: of(({objects}) => objects.dice),
        iou: of(({pixel}) => pixel.iou),
        countError: of(({counts}) => counts.reduce((sum, {error}) => sum + error, 0)),
      };
    }),
  };
}

function compared(values: (number | null)[]): ComparedScore {
  return {values, differences: values.map((value) => minus(value, values[0]!))};
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

/** The groups of scores, without numbers that are the same for all evaluations. */
const GROUPS = ['segm', 'bbox', 'pixel', 'objects', 'nuclei', 'counts'] as const;
const SAME = ['images', 'emptyImages', 'truth'];

/** The paths of all scores, of those of masks only if `shape` is 'segm'. A score that is null has one too. */
function pathsOf(evaluation: Evaluation, shape: 'segm' | 'bbox'): string[][] {
  const inside = (record: object): string[][] =>
    Object.entries(record).flatMap(([name, value]) => {
      if (SAME.includes(name) || name === 'reasons' || Array.isArray(value)) return [];
      return typeof value === 'object' && value !== null ? inside(value).map((path) => [name, ...path]) : [[name]];
    });
  return GROUPS.flatMap((group) => {
    if (group === 'segm' && shape === 'bbox') return [];
    return inside(evaluation[group]!).map((path) => [group, ...path]);
  });
}

function valueAt(evaluation: Evaluation, path: readonly string[]): number | null {
  let value: unknown = evaluation;
  for (const name of path) value = (value as Record<string, unknown>)[name];
  return value as number | null;
}

/** Throws INVALID_OPTION unless these are evaluations of the same images under different names. */
function requireComparable(evaluations: readonly NamedEvaluation[]): void {
  const refuse = (text: string) => new MaskRcnnError('INVALID_OPTION', `compareEvaluations() ${text}.`);
  if (!Array.isArray(evaluations as unknown)) throw refuse(`takes a list of evaluations, got ${show(evaluations)}`);
  if (evaluations.length < 2) throw refuse(`takes at least 2 evaluations, got ${evaluations.length}`);
  for (const [i, {name, evaluation}] of evaluations.entries()) {
    if (typeof name !== 'string' || name === '') throw refuse(`needs a name for each evaluation, got ${show(name)}`);
    if (evaluation?.details?.matches === undefined) {
      throw refuse(`takes what evaluate() resolves to, with its details, got ${show(evaluation)} as '${name}'`);
    }
    if (evaluations.findIndex((other) => other.name === name) < i) throw refuse(`got two evaluations named '${name}'`);
    const [{evaluation: first, name: firstName}] = evaluations as [NamedEvaluation];
    const [own, other] = [evaluation.details, first.details];
    const must = `needs evaluations of the same data set: '${firstName}'`;
    if (own.images.length !== other.images.length) {
      throw refuse(`${must} has ${count(other.images.length, 'image')}, '${name}' ${own.images.length}`);
    }
    const differs = own.images.findIndex(({file}, index) => file !== other.images[index]!.file);
    if (differs >= 0) {
      throw refuse(`${must} has ${other.images[differs]!.file}, where '${name}' has ${own.images[differs]!.file}`);
    }
    const [classes, firstClasses] = [evaluation, first].map(({bbox}) => bbox.classes.map((each) => each.name).join());
    if (classes !== firstClasses) throw refuse(`${must} has the classes ${firstClasses}, '${name}' ${classes}`);
    if (own.scoreThreshold !== other.scoreThreshold) {
      throw refuse(
        `needs one score threshold, got ${other.scoreThreshold} of '${firstName}' and ${own.scoreThreshold} of '${name}'`,
      );
    }
  }
}
