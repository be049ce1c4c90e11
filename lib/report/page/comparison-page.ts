import {count} from '../../basics/wording.js';
import {escapeMarkup} from '../../draw/canvas.js';
import type {Interval} from '../../evaluation/bootstrap.js';
import type {ComparedScore, EvaluationComparison} from '../../evaluation/compare-evaluations.js';
import {describeIntervals, excludesZero, fixed, mainScores, range, signedScore} from '../describe-comparison.js';
import {meaningOf} from '../score-meanings.js';
import {documentHtml, tableHtml} from './document.js';
import {explained} from './explained.js';

/** Number of images in the table of the page. The CSV file has all. */
const MOST_IMAGES = 200;

/** The page of a comparison as one self-contained HTML file. */
export function comparisonPageHtml(comparison: EvaluationComparison): Promise<string> {
  const {names, scores, classes, scoreThreshold, resamples} = comparison;
  const main = mainScores(comparison);
  // The error of counts is in objects, all others are fractions.
  const mainExtent = extentOf(main.filter(({path}) => path[0] !== 'counts'));
  const classExtent = extentOf(classes);
  const legend = names.map(
    (name, i) =>
      `<li><b>${i + 1}</b> ${escapeMarkup(name)}${i === 0 ? ' <span class="soft">(compared with)</span>' : ''}</li>`,
  );
  const others = scores.filter(({intervals}) => intervals === undefined);
  const bold = resamples === 0 ? '' : ' Bold: the interval does not include 0.';
  const body = `<p class="soft">${escapeMarkup(describeIntervals(comparison))} All but AP and AR are of the detections with a score above ${scoreThreshold}.${bold} Point at a name for its meaning.</p>
<ul class="compared">
${legend.join('\n')}
</ul>
<h2>Main scores</h2>
${tableHtml(
  headingsOf('score', names, {intervals: true}),
  main.map((score) => [
    explained(score.name, meaningOf(score.path)),
    ...cellsOf(score, {extent: score.path[0] === 'counts' ? undefined : mainExtent, intervals: true}),
  ]),
)}
<h2>AP of masks by class</h2>
${tableHtml(
  headingsOf('class', names, {intervals: true}),
  classes.map((each) => [escapeMarkup(each.name), ...cellsOf(each, {extent: classExtent, intervals: true})]),
)}
${imagesHtml(comparison)}
<h2>Other scores</h2>
<details class="metrics"><summary>${count(others.length, 'score')} without intervals</summary>
${tableHtml(
  headingsOf('score', names, {intervals: false}),
  others.map((score) => [
    explained(score.path.join(' '), meaningOf(score.path)),
    ...cellsOf(score, {extent: undefined, intervals: false}),
  ]),
)}</details>`;
  return documentHtml({title: 'Comparison', body});
}

function headingsOf(first: string, names: readonly string[], {intervals}: {intervals: boolean}): string[] {
  return [
    first,
    ...names.map((_, i) => String(i + 1)),
    ...names.slice(1).flatMap((_, i) => [`${i + 2} − 1`, ...(intervals ? ['95 % interval', ''] : [])]),
  ];
}

/** The values, and for each evaluation but the first the difference and its interval, in figures and as a picture. */
function cellsOf(
  {values, differences, intervals}: ComparedScore,
  {extent, intervals: withIntervals}: {extent: Interval | undefined; intervals: boolean},
): string[] {
  return [
    ...values.map(fixed),
    ...differences.slice(1).flatMap((difference, i) => {
      const interval = intervals?.[i + 1];
      const text = signedScore(difference);
      const shown = excludesZero(interval) ? `<b>${text}</b>` : text;
      return withIntervals ? [shown, range(interval), bar(interval, difference, extent)] : [shown];
    }),
  ];
}

const WIDTH = 120;
const HEIGHT = 14;

/** What the pictures of the intervals of these scores show: all intervals, and 0. */
function extentOf(rows: readonly ComparedScore[]): Interval {
  const extent = {low: 0, high: 0};
  for (const {intervals = []} of rows) {
    for (const each of intervals) {
      extent.low = Math.min(extent.low, each?.low ?? 0);
      extent.high = Math.max(extent.high, each?.high ?? 0);
    }
  }
  return extent;
}

/** The interval as a line with a dot at the difference, and a mark at 0. */
function bar(interval: Interval | null | undefined, difference: number | null, extent: Interval | undefined): string {
  if (!interval || difference === null || extent === undefined || extent.high === extent.low) return '';
  const x = (value: number) => (4 + ((value - extent.low) / (extent.high - extent.low)) * (WIDTH - 8)).toFixed(1);
  const y = HEIGHT / 2;
  return (
    `<svg class="interval" width="${WIDTH}" height="${HEIGHT}" aria-hidden="true">` +
    `<path d="M${x(0)} 0V${HEIGHT}"/>` +
    `<path d="M${x(interval.low)} ${y}H${x(interval.high)}" class="range"/>` +
    `<circle cx="${x(difference)}" cy="${y}" r="3"/></svg>`
  );
}

/** The images whose object F1 differs most, then those whose pixel IoU does. */
function imagesHtml({names, perImage}: EvaluationComparison): string {
  const largest = ({differences}: ComparedScore) => Math.max(0, ...differences.map((each) => Math.abs(each ?? 0)));
  const ranked = perImage
    .map((image) => ({image, f1: largest(image.f1), iou: largest(image.iou)}))
    .sort((a, b) => b.f1 - a.f1 || b.iou - a.iou)
    .slice(0, MOST_IMAGES);
  const headings = [
    'image',
    ...names.map((_, i) => `F1, ${i + 1}`),
    ...names.slice(1).map((_, i) => `F1, ${i + 2} − 1`),
    ...names.map((_, i) => `IoU, ${i + 1}`),
    ...names.slice(1).map((_, i) => `IoU, ${i + 2} − 1`),
    ...names.map((_, i) => `count error, ${i + 1}`),
  ];
  const rows = ranked.map(({image: {file, f1, iou, countError}}) => [
    escapeMarkup(file),
    ...f1.values.map(fixed),
    ...f1.differences.slice(1).map(signedScore),
    ...iou.values.map(fixed),
    ...iou.differences.slice(1).map(signedScore),
    ...countError.values.map(String),
  ]);
  const more = perImage.length > rows.length ? `The ${rows.length} of ${perImage.length} images` : 'Images';
  return `<h2>${more} by difference</h2>
<p class="soft">Those whose object F1 differs most come first, then those whose pixel IoU does. images.csv has all images.</p>
${tableHtml(headings, rows)}`;
}
