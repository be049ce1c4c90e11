import {escapeMarkup} from '../../draw/canvas.js';
import type {CountErrors, CountSummary} from '../../evaluation/count-errors.js';
import {signed} from '../describe-evaluation.js';
import {meaningOf} from '../score-meanings.js';
import {tableHtml} from './document.js';
import {explained} from './explained.js';

const COLUMNS: readonly (readonly [name: string, score: keyof CountErrors])[] = [
  ['true', 'truth'],
  ['detected', 'predicted'],
  ['bias per image', 'meanError'],
  ['absolute error per image', 'meanAbsoluteError'],
];

/**
 * A table of the errors of the number of objects, with a row for each class that occurs, and one for all if there are
 * several. `of` says of which images they are.
 */
export function countTable(
  {classes, images: _, ...all}: CountSummary,
  {of, scoreThreshold}: {of: string; scoreThreshold: number | undefined},
): string {
  const above = scoreThreshold === undefined ? '' : ` above the score ${scoreThreshold}`;
  const present = classes.filter(({truth, predicted}) => truth > 0 || predicted > 0);
  const rows = [...present, ...(present.length === 1 ? [] : [{name: 'all classes', ...all}])].map(
    ({name, truth, predicted, meanError, meanAbsoluteError}) => [
      ...[name, String(truth), String(predicted)],
      ...[signed(meanError), meanAbsoluteError.toFixed(2)],
    ],
  );
  const headings = COLUMNS.map(([name, score]) => explained(name, meaningOf(['counts', score])));
  return `<details open class="metrics"><summary>Number of objects on ${escapeMarkup(of)}, detections${above}</summary>
${tableHtml(
  ['class', ...headings],
  rows.map((row) => row.map(escapeMarkup)),
)}</details>`;
}
