import {count} from '../basics/wording.js';
import type {CocoScores} from '../evaluation/coco-scores.js';
import type {CountErrors, CountSummary} from '../evaluation/count-errors.js';
import type {Evaluation, EvaluationDetails} from '../evaluation/evaluation.js';
import type {ObjectSummary} from '../evaluation/object-scores.js';
import {meaningOf} from './score-meanings.js';

const LABEL = 24;
const CELL = 11;
/** Width of a heading in the legend. */
const MEANING = 14;

/** A column of a table: its heading, and the name of its score. */
type Columns = readonly (readonly [heading: string, score: string])[];

const PRECISION: Columns = [
  ['AP', 'ap'],
  ['AP50', 'ap50'],
  ['AP75', 'ap75'],
  ['small', 'apSmall'],
  ['medium', 'apMedium'],
  ['large', 'apLarge'],
];
const RECALL: Columns = [
  ['AR1', 'ar1'],
  ['AR10', 'ar10'],
  ['AR100', 'ar100'],
  ['small', 'arSmall'],
  ['medium', 'arMedium'],
  ['large', 'arLarge'],
];
const PIXELS: Columns = [
  ['IoU', 'iou'],
  ['F1', 'f1'],
  ['precision', 'precision'],
  ['recall', 'recall'],
];
const OBJECTS: Columns = [
  ['F1', 'f1'],
  ['precision', 'precision'],
  ['recall', 'recall'],
  ['Dice', 'dice'],
  ['Hausdorff', 'hausdorff'],
];
/** The words of the line below the objects. */
const TALLY: Columns = [
  ['true', 'truth'],
  ['predicted', 'predicted'],
  ['true positives', 'truePositives'],
  ['dropped', 'dropped'],
];
const NUCLEI: Columns = [
  ['AJI', 'aji'],
  ['PQ', 'pq'],
  ['SQ', 'sq'],
  ['DQ', 'dq'],
];
const COUNTS: Columns = [
  ['true', 'truth'],
  ['detected', 'predicted'],
  ['bias', 'meanError'],
  ['abs. error', 'meanAbsoluteError'],
];

type Table = {
  /** The member of `Evaluation` that it shows. */
  group: string;
  title: string;
  columns: Columns;
  /** What follows the heading. */
  lines: string[];
  /** Scores that the lines show beside those of the columns. */
  others?: Columns;
};

/**
 * Formats the scores of an evaluation, or some of them, as plain-text tables. A null score is shown as a dash, and its
 * reason below the tables. Below that is a sentence on each score that is shown. With `details`, these sentences name
 * the score threshold.
 */
export function describeEvaluation(
  evaluation: Partial<Evaluation> & {details?: Pick<EvaluationDetails, 'scoreThreshold'>},
): string {
  const {bbox, segm, details} = evaluation;
  const coco = [
    ...(bbox === undefined ? [] : [{name: 'boxes', scores: bbox}]),
    ...(segm ? [{name: 'masks', scores: segm}] : []),
  ];
  const tables = [...cocoTables(coco), ...thresholdTables(evaluation)];
  const reasons = [...new Set(coco.flatMap(({scores}) => Object.values(scores.reasons as Record<string, string>)))];
  return [
    ...tables.map(({title, columns, lines}) =>
      [
        row(
          title,
          columns.map(([heading]) => heading),
        ),
        ...lines,
      ].join('\n'),
    ),
    ...(reasons.length > 0 ? [reasons.join('\n')] : []),
    ...legend(tables, details?.scoreThreshold),
  ].join('\n\n');
}

function cocoTables(coco: readonly {name: string; scores: CocoScores}[]): Table[] {
  if (coco.length === 0) return [];
  const lines = (columns: Columns) => coco.map(({name, scores}) => row(name, cellsOf(scores, columns)));
  return [
    {group: 'segm', title: 'COCO, precision', columns: PRECISION, lines: lines(PRECISION)},
    {group: 'segm', title: 'COCO, recall', columns: RECALL, lines: lines(RECALL)},
  ];
}

/** The tables of the scores that count only detections above the score threshold. */
function thresholdTables({pixel, objects, nuclei, counts}: Partial<Evaluation>): Table[] {
  const tables: Table[] = [];
  if (pixel !== undefined) {
    tables.push({group: 'pixel', title: 'pixels', columns: PIXELS, lines: bothWays(pixel, PIXELS)});
  }
  if (objects !== undefined) {
    const lines = [...bothWays(objects, OBJECTS), ...tally(objects)];
    tables.push({group: 'objects', title: 'objects', columns: OBJECTS, lines, others: TALLY});
  }
  if (nuclei !== undefined) {
    tables.push({group: 'nuclei', title: 'objects as nuclei', columns: NUCLEI, lines: bothWays(nuclei, NUCLEI)});
  }
  if (counts !== undefined) {
    tables.push({group: 'counts', title: 'objects per image', columns: COUNTS, lines: countLines(counts)});
  }
  return tables;
}

/** The numbers that the object scores of all images together are made of, and what the means leave out. */
function tally({truth, predicted, truePositives, dropped, emptyImages, falseAlarmsPerEmptyImage}: ObjectSummary) {
  return [
    `all images together: ${truth} true, ${predicted} predicted, ${truePositives} true positives, ${dropped} dropped`,
    ...(falseAlarmsPerEmptyImage === null
      ? []
      : [
          `${count(emptyImages, 'image')} without objects, not in the means: ${falseAlarmsPerEmptyImage.toFixed(2)} false alarms each`,
        ]),
  ];
}

/** One line per class that occurs, and one for all of them if there are several. */
function countLines({classes, ...all}: CountSummary): string[] {
  const line = (name: string, {truth, predicted, meanError, meanAbsoluteError}: CountErrors) =>
    row(name, [String(truth), String(predicted), signed(meanError), meanAbsoluteError.toFixed(2)]);
  const present = classes.filter(({truth, predicted}) => truth > 0 || predicted > 0);
  return [
    ...present.map(({name, ...errors}) => line(name, errors)),
    ...(present.length === 1 ? [] : [line('all classes', all)]),
  ];
}

function legend(tables: readonly Table[], scoreThreshold: number | undefined): string[] {
  const above = `above ${scoreThreshold === undefined ? 'the score threshold' : `the score ${scoreThreshold}`}`;
  const heads = [
    ...(tables.some(({group}) => group !== 'segm') ? [`All but COCO's scores are of the detections ${above}.`] : []),
    ...(tables.some(({group}) => group === 'segm')
      ? ["COCO's scores are of all detections, whatever their score."]
      : []),
  ];
  const lines = tables.flatMap(({group, title, columns, others = []}) => [
    `${title}:`,
    ...[...columns, ...others].map(([heading, score]) => `  ${heading.padEnd(MEANING)} ${meaningOf([group, score])}`),
  ]);
  return tables.length === 0 ? [] : [[...heads, ...lines].join('\n')];
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

type Scores = Partial<Record<string, unknown>>;

function bothWays({mean, pooled}: {mean: Scores; pooled: Scores}, columns: Columns): string[] {
  return [row('mean over images', cellsOf(mean, columns)), row('all images together', cellsOf(pooled, columns))];
}

function cellsOf(scores: Scores, columns: Columns): string[] {
  return columns.map(([, name]) => {
    const value = scores[name] as number | null;
    return name === 'hausdorff' ? (value?.toFixed(1) ?? '-') : share(value);
  });
}

function row(title: string, values: readonly string[]): string {
  return [title.padEnd(LABEL), ...values.map((value) => value.padStart(CELL))].join('');
}

function share(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}

/** With two digits, and with a sign unless it is 0. */
export function signed(value: number): string {
  const text = value.toFixed(2).replace(/^-0\.00$/, '0.00');
  return Number(text) > 0 ? `+${text}` : text;
}
