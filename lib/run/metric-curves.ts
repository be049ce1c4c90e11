import {chartPng, chartSvg, type Line, type Panel} from '../draw/chart.js';
import {LINE_STYLES, lineStyle} from '../draw/colors.js';
import type {EpochRecord, History} from './history.js';
import {leaves} from './scalars.js';

/**
 * Draws all validation metrics by epoch as an SVG. Metrics between 0 and 1 share one diagram per group ('pixel mean',
 * 'pixel pooled', ...). Every other metric has its own diagram. Counts and metrics below 0 are left out.
 */
export function metricCurveSvg({epochs}: Pick<History, 'epochs'>): string {
  // With a single epoch, place it in the middle instead of on the edge.
  const maxX = Math.max(2, (epochs.at(-1)?.epoch ?? 0) + 1);
  const panels = [...groups(curves(epochs))].map(([title, group]) => panel(title, maxX, group));
  if (panels.length > 0) return chartSvg('Validation metrics', panels);
  const title = 'Validation metrics (none yet)';
  return chartSvg('Validation metrics', [{title, unit: 'epoch', height: 150, maxX, maxY: 1, lines: []}]);
}

/** Like `metricCurveSvg()`, but as PNG. */
export async function metricCurvePng(history: Pick<History, 'epochs'>): Promise<Buffer> {
  return chartPng(metricCurveSvg(history));
}

/** The values of a metric by epoch, counted from 1. */
type Curve = {names: string[]; points: [x: number, y: number][]};

function curves(epochs: readonly EpochRecord[]): Curve[] {
  const found = new Map<string, Curve>();
  for (const {epoch, validation} of epochs) {
    for (const [names, value] of leaves(validation)) {
      const path = names.join('.');
      if (!found.has(path)) found.set(path, {names, points: []});
      found.get(path)!.points.push([epoch + 1, value]);
    }
  }
  return [...found.values()];
}

function groups(curves: readonly Curve[]): Map<string, Curve[]> {
  const found = new Map<string, Curve[]>();
  for (const curve of curves) {
    const values = curve.points.map(([, y]) => y).filter(Number.isFinite);
    if (values.length === 0 || isCount(curve.names.at(-1)!, values) || values.some((value) => value < 0)) continue;
    const isShare = values.every((value) => value <= 1);
    const title = (isShare && curve.names.length > 1 ? curve.names.slice(0, -1) : curve.names).join(' ');
    if (!found.has(title)) found.set(title, []);
    found.get(title)!.push(curve);
  }
  return found;
}

/** Numbers of images and objects stay counts even if they are 0 or 1 throughout. */
function isCount(name: string, values: readonly number[]): boolean {
  return (
    /images$|^(truth|predicted|truePositives|dropped)$/i.test(name) ||
    (values.every(Number.isInteger) && values.some((value) => value > 1))
  );
}

function panel(title: string, maxX: number, group: readonly Curve[]): Panel {
  const shown = group.slice(0, LINE_STYLES);
  const lines = shown.map(
    ({names, points}, i): Line => ({
      name: names.at(-1)!,
      ...lineStyle(i),
      width: 2,
      points,
    }),
  );
  const highest = group
    .flatMap(({points}) => points)
    .reduce((most, [, y]) => (y > most && Number.isFinite(y) ? y : most), 0);
  return {
    title: shown.length < group.length ? `${title} (${shown.length} of ${group.length})` : title,
    unit: 'epoch',
    height: 180,
    maxX,
    maxY: highest <= 1 ? 1 : highest * 1.1,
    lines,
    dots: maxX <= 60 ? 3 : 0,
  };
}
