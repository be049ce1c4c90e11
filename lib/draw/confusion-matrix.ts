import {MaskRcnnError} from '../basics/errors.js';
import {bool, checkOptions, type Schema, text} from '../basics/schema.js';
import type {ConfusionMatrix} from '../evaluation/scored-data.js';
import {svg, svgTitle} from './canvas.js';
import {chartPng} from './chart.js';
import {type Color, css, inkOn, PALETTE} from './colors.js';
import {cutText, textPath, textWidth} from './font.js';

/** How a confusion matrix is drawn. */
export type ConfusionMatrixOptions = {
  /** Write shares of the row, 0..1, in place of counts (default false). */
  normalize?: boolean;
  /** Written above the matrix (default 'Confusion matrix'). */
  title?: string;
};

/** Where the matrix is in the picture, in pixels: `count` cells of side `cell` each way. */
type Frame = {left: number; top: number; cell: number; count: number};

const SCHEMA: Schema = {normalize: bool, title: text};
const SIDE = 800;
const [LEAST_CELL, MOST_CELL] = [12, 84];
/** Smaller cells have no numbers. */
const LEAST_NUMBERED = 26;
const MOST_LABEL = 160;
const [MARGIN, TITLE_HEIGHT, AXIS_NAME, BAR_ROOM] = [16, 46, 26, 92];
const WHITE: Color = [255, 255, 255];
const FULL = PALETTE[4]!;
const INK = '#333';
const FRAME = `fill="none" stroke="${INK}"`;

/**
 * A confusion matrix as SVG that needs no fonts to be shown: cells as dark as their share of the row, with their numbers where
 * there is room for them. Throws INVALID_OPTION if the counts are not (K+1)×(K+1) numbers from 0 on.
 */
export function confusionMatrixSvg(matrix: ConfusionMatrix, options: ConfusionMatrixOptions = {}): string {
  checkOptions(options, SCHEMA, 'confusionMatrixSvg');
  checkMatrix(matrix);
  const {normalize = false, title = 'Confusion matrix'} = options;
  const {classes, counts} = matrix;
  const count = counts.length;
  const cell = Math.max(LEAST_CELL, Math.min(MOST_CELL, Math.floor(SIDE / count)));
  const size = Math.min(10, cell - 4);
  const names = [...classes, 'background'].map((name) => cutText(name, MOST_LABEL, size));
  const longest = Math.ceil(Math.max(...names.map((name) => textWidth(name, size))));
  const isTurned = longest > cell - 6;
  const frame = {left: MARGIN + AXIS_NAME + longest + 10, top: TITLE_HEIGHT, cell, count};
  const side = count * cell;
  const width = Math.max(frame.left + side + BAR_ROOM, Math.min(SIDE, Math.ceil(textWidth(title, 12)) + 2 * MARGIN));
  const height = frame.top + side + 10 + (isTurned ? longest : size) + AXIS_NAME + MARGIN;
  const middle = {size: 10, color: INK, anchor: 'middle'} as const;
  return svg(width, height, [
    svgTitle(title),
    '<rect width="100%" height="100%" fill="#fff"/>',
    textPath(cutText(title, width - 2 * MARGIN, 12), MARGIN, 28, {size: 12, color: INK}),
    ...cells(frame, counts, normalize),
    grid(frame),
    ...labels(frame, names, {size, isTurned}),
    textPath('true', MARGIN + 10, frame.top + side / 2, {...middle, turn: -90}),
    textPath('predicted', frame.left + side / 2, height - MARGIN, middle),
    ...bar(frame.left + side + 22, frame.top, Math.min(side, 240)),
  ]);
}

/** As `confusionMatrixSvg()`, in pixels. */
export async function confusionMatrixPng(
  matrix: ConfusionMatrix,
  options: ConfusionMatrixOptions = {},
): Promise<Buffer> {
  return chartPng(confusionMatrixSvg(matrix, options));
}

function checkMatrix({classes, counts}: ConfusionMatrix): void {
  const count = classes.length + 1;
  const found = counts.length === count ? firstFault(counts) : `${counts.length} of them`;
  if (found === undefined) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `The counts of confusionMatrixSvg must be ${count} rows of ${count} numbers from 0 on, got ${found}.`,
    {hint: 'There is a row and a column for each class, and one each behind them for the background.'},
  );
}

function firstFault(counts: ConfusionMatrix['counts']): string | undefined {
  for (const [r, row] of counts.entries()) {
    if (row.length !== counts.length) return `${row.length} in row ${r}`;
    const c = row.findIndex((value) => !(value >= 0 && value < Infinity));
    if (c >= 0) return `${row[c]} in row ${r}, column ${c}`;
  }
  return undefined;
}

/** The cells that are not empty, and the numbers of all. Nothing counts what is background and was taken for it. */
function cells({left, top, cell, count}: Frame, counts: ConfusionMatrix['counts'], normalize: boolean): string[] {
  return counts.flatMap((row, r) => {
    const total = row.reduce((sum, value) => sum + value, 0);
    return row.flatMap((value, c) => {
      const [x, y] = [left + c * cell, top + r * cell];
      const square = (fill: string) => `<rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${fill}"/>`;
      if (value === 0 && r === count - 1 && c === count - 1) return [square('#eee')];
      const share = total === 0 ? 0 : value / total;
      const color = shade(share);
      const elements = value === 0 ? [] : [square(css(color))];
      if (cell < LEAST_NUMBERED) return elements;
      const number = normalize ? shortShare(value, total) : shortCount(value);
      const size = Math.min(11, cell / 4, (11 * (cell - 6)) / textWidth(number, 11));
      // Zeros are all around in a good matrix: they must not drown the others.
      const ink = value === 0 ? '#a8a8a8' : inkOn(color);
      return [...elements, textPath(number, x + cell / 2, y + (cell + size) / 2, {size, color: ink, anchor: 'middle'})];
    });
  });
}

/** Lines between the cells, stronger ones before the background. */
function grid({left, top, cell, count}: Frame): string {
  const side = count * cell;
  const lines = (at: readonly number[]) => at.map((i) => cross(left, top, i * cell, side)).join('');
  const thin = lines(Array.from({length: count - 1}, (_, i) => i + 1));
  return [
    `<path d="${thin}" fill="none" stroke="#e4e4e4"/>`,
    count > 1 ? `<path d="${lines([count - 1])}" ${FRAME}/>` : '',
    `<rect x="${left}" y="${top}" width="${side}" height="${side}" ${FRAME}/>`,
  ].join('');
}

function cross(left: number, top: number, offset: number, side: number): string {
  return `M${left} ${top + offset}h${side}M${left + offset} ${top}v${side}`;
}

function labels(
  {left, top, cell, count}: Frame,
  names: readonly string[],
  {size, isTurned}: {size: number; isTurned: boolean},
): string[] {
  const bottom = top + count * cell;
  return names.flatMap((name, i) => {
    const middle = (i + 0.5) * cell;
    const turned = {size, color: INK, anchor: 'end', turn: -90} as const;
    return [
      textPath(name, left - 8, top + middle + size / 2, {size, color: INK, anchor: 'end'}),
      isTurned
        ? textPath(name, left + middle + size / 2, bottom + 8, turned)
        : textPath(name, left + middle, bottom + 8 + size, {size, color: INK, anchor: 'middle'}),
    ];
  });
}

/** What the shades stand for: a strip from share 1, above, to 0. */
function bar(left: number, top: number, height: number): string[] {
  const style = {size: 9, color: INK} as const;
  const parts = [1, 0.75, 0.5, 0.25, 0];
  return [
    `<defs><linearGradient id="share" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${css(shade(1))}"/>` +
      `<stop offset="1" stop-color="${css(shade(0))}"/></linearGradient></defs>`,
    `<path d="M${left} ${top}h14v${height}h-14z" fill="url(#share)" stroke="${INK}"/>`,
    ...parts.map((part) => textPath(String(part), left + 20, top + 4.5 + (1 - part) * height, style)),
    textPath('share of row', left + 66, top + height / 2, {...style, anchor: 'middle', turn: -90}),
  ];
}

function shade(share: number): Color {
  const mix = (c: 0 | 1 | 2) => Math.round(WHITE[c] + (FULL[c] - WHITE[c]) * share);
  return [mix(0), mix(1), mix(2)];
}

/** '0.42'; '0' is none at all, '0.00' very few; '–': the row is empty. */
function shortShare(value: number, total: number): string {
  if (total === 0) return '–';
  return value === 0 ? '0' : (value / total).toFixed(2);
}

/** '9999', '12k', '3.4M': at most four digits. */
function shortCount(value: number): string {
  if (value < 10_000) return String(Math.round(value * 100) / 100);
  const [scaled, unit] = value < 999_500 ? [value / 1000, 'k'] : [value / 1e6, 'M'];
  return `${scaled.toFixed(scaled < 9.95 ? 1 : 0)}${unit}`;
}
