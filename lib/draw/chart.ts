import {loadSharp} from '../image/load-sharp.js';
import {attribute, svg, svgTitle} from './canvas.js';
import {cutText, textPath, textWidth} from './font.js';
import {ticks} from './ticks.js';

export type Line = {
  name: string;
  color: string;
  width: number;
  /** Lengths of dashes and gaps; undefined for a solid line. */
  dash?: string | undefined;
  /** Text after the name in the legend. Default: the last finite value of y. */
  note?: string;
  /** A value that is not finite interrupts the line. */
  points: readonly (readonly [x: number, y: number])[];
};

/** One diagram. Both axes start at 0. */
export type Panel = {
  title: string;
  /** The label of the x axis. */
  unit: string;
  /** The label of the y axis, if the title does not say it. */
  yUnit?: string;
  /** Whether the x axis has ticks at fractions. Default: at whole numbers only. */
  fractions?: boolean;
  height: number;
  maxX: number;
  maxY: number;
  lines: readonly Line[];
  /** Lines that are drawn behind the others and are not in the legend. */
  behind?: readonly Line[];
  /** Radius of the dots on the points; 0 for none. */
  dots?: number;
  /** x positions without a finite value, shown as crosses at the upper edge. */
  crosses?: readonly number[];
  /** Further legend entries: lines drawn behind, or, without a colour, lines that are not drawn. */
  alsoNamed?: readonly Named[];
};

type Named = {name: string; note: string; color?: string; dash?: string | undefined};

/** The position of a panel in the picture, in pixels. */
type Frame = {left: number; top: number; width: number; height: number; maxX: number; maxY: number};

const WIDTH = 960;
const LEFT = 70;
const RIGHT = 270;
const TITLE_HEIGHT = 40;
const AXIS_HEIGHT = 52;
const GAP = 12;
const LEGEND_LINE = 20;
const INK = '#333';
const ALARM = '#c00';

/** The panels one below another, as an SVG that needs no fonts. */
export function chartSvg(title: string, panels: readonly Panel[]): string {
  const elements = [svgTitle(title), '<rect width="100%" height="100%" fill="#fff"/>'];
  let top = 0;
  for (const panel of panels) {
    const frame = {left: LEFT, top: top + TITLE_HEIGHT, width: WIDTH - LEFT - RIGHT, ...panel};
    // report/page/report.js needs this to show the values under the pointer.
    const {left, width, height, maxX, maxY} = frame;
    elements.push(
      `<g data-frame="${[left, frame.top, width, height, maxX, maxY].join(' ')}" ${attribute('data-unit', panel.unit)}>`,
    );
    elements.push(...axes(frame, panel));
    for (const line of [...(panel.behind ?? []), ...panel.lines]) elements.push(...draw(frame, line, panel.dots ?? 0));
    elements.push(...crosses(frame, panel.crosses ?? []), ...legend(frame, panel), '</g>');
    const legendHeight = legendRows(panel) * LEGEND_LINE;
    top = frame.top + Math.max(panel.height + AXIS_HEIGHT, legendHeight) + GAP;
  }
  return svg(WIDTH, top, elements);
}

export async function chartPng(chart: string): Promise<Buffer> {
  const sharp = await loadSharp();
  return sharp(Buffer.from(chart)).removeAlpha().png().toBuffer();
}

/** A line, split at its gaps, and its dots. A piece with a single point is drawn as a dot. */
function draw(frame: Frame, {name, points, color, width, dash}: Line, dots: number): string[] {
  const pieces: [number, number][][] = [[]];
  for (const point of points) {
    if (point.every(Number.isFinite)) pieces.at(-1)!.push(place(frame, point));
    else if (pieces.at(-1)!.length > 0) pieces.push([]);
  }
  const style = `fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"`;
  return pieces.flatMap((piece) => {
    const radius = piece.length === 1 ? Math.max(3, dots) : dots;
    const chain = piece.map(([x, y]) => `${x},${y}`).join(' ');
    return [
      ...(piece.length > 1
        ? [`<polyline points="${chain}" ${style}${dashed(dash)} ${attribute('data-name', name)}/>`]
        : []),
      ...(radius > 0 ? piece.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="${radius}" fill="${color}"/>`) : []),
    ];
  });
}

function crosses(frame: Frame, xs: readonly number[]): string[] {
  return xs.map((value) => {
    const [x] = place(frame, [value, 0]);
    return cross(x, frame.top + 6);
  });
}

function cross(x: number, y: number): string {
  return `<path d="M${x - 4} ${y - 4}l8 8m0-8l-8 8" fill="none" stroke="${ALARM}" stroke-width="2"/>`;
}

function axes({left, top, width, height, maxX, maxY}: Frame, {title, unit, yUnit, fractions = false}: Panel): string[] {
  const frame = {left, top, width, height, maxX, maxY};
  const elements = [textPath(cutText(title, WIDTH - left - 12, 12), left, top - 14, {size: 12, color: INK})];
  for (const tick of ticks(maxY, height / 36)) {
    const [, y] = place(frame, [0, tick]);
    elements.push(`<line x1="${left}" y1="${y}" x2="${left + width}" y2="${y}" stroke="#e4e4e4"/>`);
    elements.push(textPath(String(tick), left - 8, y + 4, {size: 9, color: INK, anchor: 'end'}));
  }
  for (const tick of ticks(maxX, width / 90, !fractions)) {
    const [x] = place(frame, [tick, 0]);
    elements.push(`<line x1="${x}" y1="${top + height}" x2="${x}" y2="${top + height + 5}" stroke="${INK}"/>`);
    elements.push(textPath(String(tick), x, top + height + 19, {size: 9, color: INK, anchor: 'middle'}));
  }
  elements.push(
    `<polyline points="${left},${top} ${left},${top + height} ${left + width},${top + height}" fill="none" stroke="${INK}"/>`,
    textPath(unit, left + width / 2, top + height + 36, {size: 10, color: INK, anchor: 'middle'}),
  );
  if (yUnit !== undefined) {
    elements.push(textPath(yUnit, 26, top + height / 2, {size: 10, color: INK, anchor: 'middle', turn: -90}));
  }
  return elements;
}

/** The legend to the right of the diagram: names with their note or last finite value. */
function legend({left, top, width}: Frame, {lines, crosses = [], alsoNamed = []}: Panel): string[] {
  const x = left + width + 16;
  const right = WIDTH - 12;
  const row = (index: number) => top + 10 + index * LEGEND_LINE;
  const named = [...lines.map((line) => ({...line, note: line.note ?? lastValue(line)})), ...alsoNamed];
  const elements = named.flatMap(({name, note, color, dash}: Named, i) => {
    const y = row(i);
    const room = right - textWidth(note, 9) - 10 - (x + 26);
    const stroke = `stroke="${color}" stroke-width="3"${dashed(dash)}`;
    return [
      ...(color === undefined ? [] : [`<line x1="${x}" y1="${y - 4}" x2="${x + 18}" y2="${y - 4}" ${stroke}/>`]),
      textPath(cutText(name, room, 9), x + 26, y, {size: 9, color: INK}),
      textPath(note, right, y, {size: 9, color: INK, anchor: 'end'}),
    ];
  });
  if (crosses.length > 0) {
    const y = row(named.length);
    elements.push(cross(x + 9, y - 4), textPath('not finite', x + 26, y, {size: 9, color: INK}));
    elements.push(textPath(String(crosses.length), right, y, {size: 9, color: INK, anchor: 'end'}));
  }
  return elements;
}

function legendRows({lines, crosses = [], alsoNamed = []}: Panel): number {
  return lines.length + alsoNamed.length + (crosses.length > 0 ? 1 : 0);
}

function lastValue({points}: Line): string {
  const last = points.findLast(([, value]) => Number.isFinite(value))?.[1];
  return last === undefined ? '' : shortNumber(last);
}

/** '0.042', '12.3', '48200': enough digits to tell two values apart. */
function shortNumber(value: number): string {
  if (value === 0 || Math.abs(value) >= 1000) return String(Math.round(value));
  if (Math.abs(value) < 0.0005) return value.toExponential(1);
  return value.toFixed(Math.abs(value) < 10 ? 3 : 1);
}

function dashed(dash: string | undefined): string {
  return dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
}

function place({left, top, width, height, maxX, maxY}: Frame, [x, y]: readonly [number, number]): [number, number] {
  const round = (value: number) => Math.round(value * 100) / 100;
  return [round(left + (x / maxX) * width), round(top + height - (Math.min(y, maxY) / maxY) * height)];
}
