import {count} from '../basics/wording.js';
import type {CocoScores} from '../evaluation/coco-scores.js';
import type {Evaluation} from '../evaluation/evaluate.js';

const LABEL = 24;
const CELL = 11;

/**
 * Formats the scores of an evaluation, or some of them, as plain-text tables. A null score is shown as a dash, and its
 * reason below the tables.
 */
export function describeEvaluation(evaluation: Partial<Evaluation>): string {
  const {bbox, segm, pixel, objects, nuclei} = evaluation;
  const tables: string[][] = [];
  const coco = [
    ...(bbox === undefined ? [] : [{name: 'boxes', scores: bbox}]),
    ...(segm ? [{name: 'masks', scores: segm}] : []),
  ];
  if (coco.length > 0) {
    tables.push([
      row('COCO, precision', ['AP', 'AP50', 'AP75', 'small', 'medium', 'large']),
      ...coco.map(({name, scores: s}) =>
        row(name, [s.ap, s.ap50, s.ap75, s.apSmall, s.apMedium, s.apLarge].map(share)),
      ),
    ]);
    tables.push([
      row('COCO, recall', ['AR1', 'AR10', 'AR100', 'small', 'medium', 'large']),
      ...coco.map(({name, scores: s}) =>
        row(name, [s.ar1, s.ar10, s.ar100, s.arSmall, s.arMedium, s.arLarge].map(share)),
      ),
    ]);
  }
  if (pixel !== undefined) {
    const cells = ({iou, f1, precision, recall}: typeof pixel.mean) => [iou, f1, precision, recall].map(share);
    tables.push([row('pixels', ['IoU', 'F1', 'precision', 'recall']), ...bothWays(pixel, cells)]);
  }
  if (objects !== undefined) {
    const cells = ({f1, precision, recall, dice, hausdorff}: typeof objects.mean) => [
      ...[f1, precision, recall, dice].map(share),
      hausdorff?.toFixed(1) ?? '-',
    ];
    const title = `objects (${objects.truth} true)`;
    const {emptyImages, falseAlarmsPerEmptyImage: alarms} = objects;
    tables.push([
      row(title, ['F1', 'precision', 'recall', 'Dice', 'Hausdorff']),
      ...bothWays(objects, cells),
      ...(alarms === null
        ? []
        : [`${count(emptyImages, 'image')} without objects, ${alarms.toFixed(2)} false alarms each`]),
    ]);
  }
  if (nuclei !== undefined) {
    const cells = ({aji, pq, sq, dq}: typeof nuclei.mean) => [aji, pq, sq, dq].map(share);
    tables.push([row('objects as nuclei', ['AJI', 'PQ', 'SQ', 'DQ']), ...bothWays(nuclei, cells)]);
  }
  const reasons = [...new Set(coco.flatMap(({scores}) => Object.values(scores.reasons as Record<string, string>)))];
  return [...tables.map((lines) => lines.join('\n')), ...(reasons.length > 0 ? [reasons.join('\n')] : [])].join('\n\n');
}

/**
 * Formats the scores of each class, sorted by AP of masks (or boxes), best first. Classes without objects come last.
 */
export function describeClasses({classes}: CocoScores): string {
  const ranked = [...classes].sort((a, b) => (b.ap ?? -1) - (a.ap ?? -1));
  return [
    row('class', ['AP', 'AP50', 'AP75', 'AR100']),
    ...ranked.map(({name, ap, ap50, ap75, ar100}) => row(name, [ap, ap50, ap75, ar100].map(share))),
  ].join('\n');
}

function bothWays<T>({mean, pooled}: {mean: T; pooled: T}, cells: (scores: T) => string[]): string[] {
  return [row('mean over images', cells(mean)), row('all images together', cells(pooled))];
}

function row(title: string, values: readonly string[]): string {
  return [title.padEnd(LABEL), ...values.map((value) => value.padStart(CELL))].join('');
}

function share(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}
