import {count} from '../basics/wording.js';
import type {Interval} from '../evaluation/bootstrap.js';
import type {ComparedScore, EvaluationComparison} from '../evaluation/compare-evaluations.js';

/** What the tables call the scores that have intervals. */
const NAMES: Record<string, string> = {
  'segm.ap': 'mask AP',
  'segm.ap50': 'mask AP50',
  'bbox.ap': 'box AP',
  'pixel.mean.iou': 'pixel IoU',
  'pixel.mean.f1': 'pixel F1',
  'objects.mean.f1': 'object F1',
  'objects.mean.dice': 'object Dice',
  'nuclei.mean.aji': 'AJI',
  'nuclei.mean.pq': 'PQ',
  'objects.pooled.f1': 'object F1, pooled',
  'counts.meanAbsoluteError': 'count error',
};

/** The scores that have intervals, with their names. */
export function mainScores({
  scores,
}: EvaluationComparison): (EvaluationComparison['scores'][number] & {name: string})[] {
  return scores
    .filter(({intervals}) => intervals !== undefined)
    .map((score) => ({...score, name: NAMES[score.path.join('.')] ?? score.path.join(' ')}));
}

/** What the intervals are, as a sentence. */
export function describeIntervals({images, resamples, seed, confidence}: EvaluationComparison): string {
  if (resamples === 0) return `${count(images, 'image')}, without intervals.`;
  return (
    `${count(images, 'image')}. Intervals hold ${100 * confidence} % of the differences in ` +
    `${count(resamples, 'resample')} of the images (paired bootstrap, seed ${seed}).`
  );
}

const LEAST_LABEL = 24;
const CELL = 10;
const RANGE = 20;

/** Formats a comparison as plain-text tables: the main scores, and the AP of each class. */
export function describeComparison(comparison: EvaluationComparison): string {
  const {names, classes} = comparison;
  const label = Math.max(LEAST_LABEL, ...classes.map(({name}) => name.length + 2));
  const heading = (title: string) =>
    [
      title.padEnd(label),
      ...names.map((_, i) => String(i + 1).padStart(CELL)),
      ...names.slice(1).map((_, i) => `${i + 2} − 1`.padStart(CELL) + '95 % interval'.padStart(RANGE)),
    ].join('');
  const row = (name: string, {values, differences, intervals}: ComparedScore) =>
    [
      name.padEnd(label),
      ...values.map((value) => fixed(value).padStart(CELL)),
      ...differences
        .slice(1)
        .map((each, i) => signedScore(each).padStart(CELL) + range(intervals?.[i + 1]).padStart(RANGE)),
    ].join('');
  return [
    names.map((name, i) => `${i + 1}  ${name}`).join('\n'),
    [heading('score'), ...mainScores(comparison).map((score) => row(score.name, score))].join('\n'),
    [heading('AP of masks by class'), ...classes.map((each) => row(each.name, each))].join('\n'),
    describeIntervals(comparison),
  ].join('\n\n');
}

/** A score with three digits; a dash if it has no value. */
export function fixed(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}

/** A difference with its sign; a dash if it has no value. */
export function signedScore(value: number | null): string {
  if (value === null) return '-';
  const text = value.toFixed(3).replace(/^-(0\.000)$/, '$1');
  return Number(text) > 0 ? `+${text}` : text;
}

/** An interval, such as '-0.010 to +0.031'; a dash if there is none. */
export function range(interval: Interval | null | undefined): string {
  return interval ? `${signedScore(interval.low)} to ${signedScore(interval.high)}` : '-';
}

/** Whether an interval has only positive or only negative differences. */
export function excludesZero(interval: Interval | null | undefined): boolean {
  return interval !== null && interval !== undefined && (interval.low > 0 || interval.high < 0);
}
