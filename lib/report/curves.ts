import sharp from 'sharp';
import type {History, Losses, StepRecord} from '../history.js';
import {svg} from './canvas.js';
import {css, PALETTE} from './colors.js';
import {textPath} from './font.js';
import {ticks} from './ticks.js';

type Line = {name: string; color: string; width: number; points: readonly (readonly [x: number, y: number])[]};
/** A diagram in the picture, in pixels. */
type Frame = {left: number; top: number; width: number; height: number; maxX: number; maxY: number};

const WIDTH = 960;
const MARGIN = {left: 70, right: 210, top: 40};
const LOSS_HEIGHT = 340;
const SCORE_HEIGHT = 150;
const AXIS_HEIGHT = 56;
const INK = '#333';
const MOST_POINTS = 1000;
const NAMES: Record<keyof Losses, string> = {
  loss_classifier: 'classifier',
  loss_box_reg: 'box regression',
  loss_mask: 'mask',
  loss_objectness: 'objectness',
  loss_rpn_box_reg: 'RPN box regression',
};

/**
 * The course of training as SVG: the total and the five losses by step, smoothed, with the total as it was behind them; below
 * them IoU and F1 of the epochs that were evaluated. It needs no fonts to be shown.
 */
export function lossCurveSvg({steps, epochs}: Pick<History, 'steps' | 'epochs'>): string {
  const finite = steps.filter(({loss}) => Number.isFinite(loss));
  const evaluated = epochs.filter(({validation}) => validation !== null);
  const width = WIDTH - MARGIN.left - MARGIN.right;
  const maxX = Math.max(1, (steps.at(-1)?.step ?? 0) + 1);
  const lines = lossLines(finite);
  const highest = lines.flatMap(({points}) => points).reduce((most, [, y]) => Math.max(most, y), 0);
  const losses: Frame = {
    left: MARGIN.left,
    top: MARGIN.top,
    width,
    height: LOSS_HEIGHT,
    maxX,
    maxY: highest * 1.15 || 1,
  };
  const raw: Line = {
    name: '',
    color: '#ccc',
    width: 1,
    points: thin(finite).map(({step, loss}) => [step + 1, Math.min(loss, losses.maxY)] as const),
  };
  const elements = ['<title>Training losses</title>', '<rect width="100%" height="100%" fill="#fff"/>'];
  const title = finite.length === 0 ? 'Loss (no steps yet)' : 'Loss';
  elements.push(...axes(losses, title), ...plot(losses, [raw]), ...plot(losses, lines), ...legend(losses, lines));
  let bottom = losses.top + losses.height + AXIS_HEIGHT;

  if (evaluated.length > 0) {
    const scores: Frame = {left: MARGIN.left, top: bottom + 24, width, height: SCORE_HEIGHT, maxX, maxY: 1};
    // An epoch's score stands at its last step.
    const ends = new Map(steps.map(({epoch, step}) => [epoch, step + 1]));
    const scoreLine = (name: string, color: string, score: 'iou' | 'f1'): Line => ({
      name,
      color,
      width: 2,
      points: evaluated.map(({epoch, validation}) => [ends.get(epoch) ?? maxX, validation!.pixel.mean[score]]),
    });
    const scoreLines = [scoreLine('pixel IoU', css(PALETTE[4]!), 'iou'), scoreLine('pixel F1', css(PALETTE[5]!), 'f1')];
    elements.push(...axes(scores, 'Validation'), ...plot(scores, scoreLines, 3), ...legend(scores, scoreLines));
    bottom = scores.top + scores.height + AXIS_HEIGHT;
  }
  return svg(WIDTH, bottom, elements);
}

export async function lossCurvePng(history: Pick<History, 'steps' | 'epochs'>): Promise<Buffer> {
  return sharp(Buffer.from(lossCurveSvg(history)))
    .removeAlpha()
    .png()
    .toBuffer();
}

function lossLines(steps: readonly StepRecord[]): Line[] {
  const window = Math.max(1, Math.round(steps.length / 25));
  const line = (name: string, color: string, width: number, value: (step: StepRecord) => number): Line => {
    const values = smooth(steps.map(value), window);
    return {name, color, width, points: thin(steps.map(({step}, i) => [step + 1, values[i]!] as const))};
  };
  const parts = Object.entries(NAMES).map(([key, name], i) =>
    line(name, css(PALETTE[[4, 5, 2, 1, 6][i]!]!), 1.5, ({losses}) => losses[key as keyof Losses]),
  );
  return [line('total', '#000', 2.5, ({loss}) => loss), ...parts];
}

/** The mean of the values within half a window on either side; at the ends of those that there are. */
export function smooth(values: readonly number[], window: number): number[] {
  const half = Math.floor(window / 2);
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1)! + value);
  return values.map((_, i) => {
    const from = Math.max(0, i - half);
    const to = Math.min(values.length, i + half + 1);
    return (sums[to]! - sums[from]!) / (to - from);
  });
}

/** At most `MOST_POINTS` of the points, evenly, the last always: a diagram has no more columns than that. */
function thin<T>(points: readonly T[]): T[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => (points.length - 1 - i) % every === 0);
}

function plot(frame: Frame, lines: readonly Line[], dotRadius = 0): string[] {
  return lines.flatMap(({points, color, width}) => {
    const at = points.map((point) => place(frame, point));
    const chain = at.map(([x, y]) => `${x},${y}`).join(' ');
    // One point makes no line.
    const radius = at.length === 1 ? Math.max(3, dotRadius) : dotRadius;
    return [
      `<polyline points="${chain}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"/>`,
      ...(radius > 0 ? at.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="${radius}" fill="${color}"/>`) : []),
    ];
  });
}

function axes(frame: Frame, title: string): string[] {
  const {left, top, width, height, maxX, maxY} = frame;
  const elements = [textPath(title, left, top - 14, {size: 12, color: INK})];
  for (const tick of ticks(maxY, height / 60)) {
    const [, y] = place(frame, [0, tick]);
    elements.push(`<line x1="${left}" y1="${y}" x2="${left + width}" y2="${y}" stroke="#e4e4e4"/>`);
    elements.push(textPath(String(tick), left - 8, y + 4, {size: 9, color: INK, anchor: 'end'}));
  }
  for (const tick of ticks(maxX, width / 90, true)) {
    const [x] = place(frame, [tick, 0]);
    elements.push(`<line x1="${x}" y1="${top + height}" x2="${x}" y2="${top + height + 5}" stroke="${INK}"/>`);
    elements.push(textPath(String(tick), x, top + height + 19, {size: 9, color: INK, anchor: 'middle'}));
  }
  elements.push(
    `<polyline points="${left},${top} ${left},${top + height} ${left + width},${top + height}" fill="none" stroke="${INK}"/>`,
    textPath('step', left + width / 2, top + height + 38, {size: 10, color: INK, anchor: 'middle'}),
  );
  return elements;
}

/** Names with the last value, right of the diagram. */
function legend({left, top, width}: Frame, lines: readonly Line[]): string[] {
  return lines.flatMap(({name, color, points}, i) => {
    const x = left + width + 16;
    const y = top + 10 + i * 24;
    const last = points.at(-1)?.[1];
    return [
      `<line x1="${x}" y1="${y - 4}" x2="${x + 18}" y2="${y - 4}" stroke="${color}" stroke-width="3"/>`,
      textPath(name, x + 26, y, {size: 9, color: INK}),
      ...(last === undefined ? [] : [textPath(last.toFixed(3), WIDTH - 12, y, {size: 9, color: INK, anchor: 'end'})]),
    ];
  });
}

function place({left, top, width, height, maxX, maxY}: Frame, [x, y]: readonly [number, number]): [number, number] {
  const round = (value: number) => Math.round(value * 100) / 100;
  return [round(left + (x / maxX) * width), round(top + height - (y / maxY) * height)];
}
