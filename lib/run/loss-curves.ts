import {chartPng, chartSvg, type Line, type Panel} from '../draw/chart.js';
import {css, PALETTE} from '../draw/colors.js';
import type {History, Losses, StepRecord} from './history.js';

const MOST_POINTS = 1000;
const NAMES: Record<keyof Losses, string> = {
  loss_classifier: 'classifier',
  loss_box_reg: 'box regression',
  loss_mask: 'mask',
  loss_objectness: 'objectness',
  loss_rpn_box_reg: 'RPN box regression',
};

/**
 * Draws the loss curves of a run as an SVG that needs no fonts: the total and the five losses by step, smoothed, with
 * the raw total behind them. Steps whose loss is not finite are marked. If epochs were evaluated, their pixel IoU and
 * F1 follow below.
 */
export function lossCurveSvg({steps, epochs}: Pick<History, 'steps' | 'epochs'>): string {
  const finite = steps.filter(({loss}) => Number.isFinite(loss));
  const maxX = Math.max(1, (steps.at(-1)?.step ?? 0) + 1);
  const lines = lossLines(finite);
  const highest = lines.flatMap(({points}) => points).reduce((most, [, y]) => Math.max(most, y), 0);
  const losses: Panel = {
    title: finite.length === 0 ? 'Loss (no steps yet)' : 'Loss',
    unit: 'step',
    height: 340,
    maxX,
    maxY: highest * 1.15 || 1,
    lines,
    behind: [{name: '', color: '#ccc', width: 1, points: thin(finite).map(({step, loss}) => [step + 1, loss])}],
    crosses: thin(steps.filter(({loss}) => !Number.isFinite(loss))).map(({step}) => step + 1),
  };

  const evaluated = epochs.filter(({validation}) => validation !== null);
  if (evaluated.length === 0) return chartSvg('Training losses', [losses]);
  // The score of an epoch is drawn at its last step.
  const ends = new Map(steps.map(({epoch, step}) => [epoch, step + 1]));
  const scoreLine = (name: string, color: string, score: 'iou' | 'f1'): Line => ({
    name,
    color,
    width: 2,
    points: evaluated.flatMap(({epoch, validation}) => {
      const value = validation!.pixel.mean[score];
      return value === null ? [] : [[ends.get(epoch) ?? maxX, value] as const];
    }),
  });
  const scores: Panel = {
    title: 'Validation',
    unit: 'step',
    height: 150,
    maxX,
    maxY: 1,
    lines: [scoreLine('pixel IoU', css(PALETTE[4]!), 'iou'), scoreLine('pixel F1', css(PALETTE[5]!), 'f1')],
    dots: 3,
  };
  return chartSvg('Training losses', [losses, scores]);
}

/** Like `lossCurveSvg()`, but as PNG. */
export async function lossCurvePng(history: Pick<History, 'steps' | 'epochs'>): Promise<Buffer> {
  return chartPng(lossCurveSvg(history));
}

function lossLines(steps: readonly StepRecord[]): Line[] {
  const window = Math.max(1, Math.round(steps.length / 25));
  const line = (name: string, color: string, width: number, value: (step: StepRecord) => number): Line => {
    const values = smooth(steps.map(value), window);
    return {name, color, width, points: thin(steps.map(({step}, i) => [step + 1, values[i]!] as const))};
  };
  // Without a mask head, the mask loss is 0 throughout.
  const hasMasks = steps.length === 0 || steps.some(({losses}) => losses.loss_mask !== 0);
  const parts = Object.entries(NAMES).flatMap(([key, name], i) => {
    if (key === 'loss_mask' && !hasMasks) return [];
    return [line(name, css(PALETTE[[4, 5, 2, 1, 6][i]!]!), 1.5, ({losses}) => losses[key as keyof Losses])];
  });
  return [line('total', '#000', 2.5, ({loss}) => loss), ...parts];
}

/**
 * Moving average: the mean of the values within half a window on either side. At the ends, the mean of those that
 * exist.
 */
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

/**
 * At most `MOST_POINTS` of the points, evenly spaced and including the last, because a diagram has no more pixel
 * columns.
 */
function thin<T>(points: readonly T[]): T[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => (points.length - 1 - i) % every === 0);
}
