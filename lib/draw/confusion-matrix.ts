import {MaskRcnnError} from '../basics/errors.js';
import {bool, checkOptions, type Schema, text} from '../basics/schema.js';
import type {ConfusionMatrix} from '../evaluation/scored-data.js';
import {svg, svgTitle} from './canvas.js';
import {chartPng} from './chart.js';
import {type Color, css, inkOn, PALETTE} from './colors.js';
import {cutText, textPath, textWidth} from './font.js';

/** Options of `confusionMatrixSvg()` and `confusionMatrixPng()`. */
export type ConfusionMatrixOptions = {
  /** Write fractions of the row, 0..1, instead of counts. Default false. */
  normalize?: boolean;
  /** Title above the matrix. Default 'Confusion matrix'. */
  title?: string;
};

/** The position of the matrix in the picture, in pixels: `count` × `count` square cells with sides of `cell`. */
type Frame = {left: number; top: number; cell: number; count: number};

const SCHEMA: Schema = {normalize: bool, title: text};
const SIDE = 800;
const [LEAST_CELL, MOST_CELL] = [12, 84];
/** Cells smaller than this show no numbers. */
const LEAST_NUMBERED = 26;
const MOST_LABEL = 160;
const [MARGIN, TITLE_HEIGHT, AXIS_NAME, BAR_ROOM] = [16, 46, 26, 92];
const WHITE: Color = [255, 255, 255];
const FULL = PALETTE[4]!;
const INK = '#333';
const FRAME = `fill="none" stroke="${INK}"`;

/**
 * Draws a confusion matrix as an SVG that needs no fonts. The shade of a cell shows its fraction of the row. Cells that
 * are large enough show their number. Throws INVALID_OPTION if the counts are not (K+1)×(K+1) finite numbers of at
 * least 0.
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

/** Like `confusionMatrixSvg()`, but as PNG. */
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

/**
 * The cells that are not 0, and the numbers of all cells. The corner of background predicted as background is grey:
 * such cases are not counted.
 */
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
      // A good matrix is full of zeros, so draw them pale to keep the other numbers visible.
      const ink = value === 0 ? '#a8a8a8' : inkOn(color);
      return [...elements, textPath(number, x + cell / 2, y + (cell + size) / 2, {size, color: ink, anchor: 'middle'})];
    });
  });
}

/** Lines between the cells, with stronger ones before the background. */
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

/** The legend of the shades: a strip from fraction 1 at the top to 0. */
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

/** A fraction such as '0.42'. '0' means none at all, '0.00' very few, and '–' an empty row. */
function shortShare(value: number, total: number): string {
  if (total === 0) return '–';
  return value === 0 ? '0' : (value / total).toFixed(2);
}

/** A count such as '9999', '12k' or '3.4M', with at most four digits. */
function shortCount(value: number): string {
  if (value < 10_000) return String(Math.round(value * 100) / 100);
  const [scaled, unit] = value < 999_500 ? [value / 1000, 'k'] : [value / 1e6, 'M'];
  return `${scaled.toFixed(scaled < 9.95 ? 1 : 0)}${unit}`;
}
