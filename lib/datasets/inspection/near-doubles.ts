import {rowsInTurns, Turn} from '../../basics/turns.js';
import type {InstanceMask} from '../dataset.js';

/** Masks that overlap by more than this are probably one object that was annotated twice. */
export const DOUBLED_IOU = 0.9;

/** A mask with what is known of its pixels. Maxima are exclusive. */
export type MeasuredMask = {
  label: number;
  mask: InstanceMask;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  area: number;
  /** Mean of the columns and of the rows of the pixels. */
  centre: {x: number; y: number};
};

/**
 * Finds masks that have the label of an earlier one and an IoU above 0.9 with it, and gives the position of that one
 * for each. Of each such pair at least one mask is found.
 *
 * Not all pairs are compared. With an IoU above 0.9, the smaller area is more than 0.9 of the larger one. Also, less
 * than a tenth of either mask lies outside of the intersection, so the centre of a mask is less than a tenth of its
 * width or height away from that of the intersection. The masks are divided by label and area, and those whose centres
 * are too far apart are passed over in the order of their columns. Works in turns.
 */
export async function nearDoubles(masks: readonly MeasuredMask[], turn = new Turn()): Promise<Map<number, number>> {
  const twins = new Map<number, number>();
  const groups = divide(masks);
  const x = (i: number) => masks[i]!.centre.x;
  for (const {label, step, positions} of groups.values()) {
    const next = groups.get(nameOf(label, step + 1))?.positions ?? [];
    let widest = 0;
    for (const i of [...positions, ...next]) widest = Math.max(widest, widthOf(masks[i]!));
    let from = 0;
    for (const [place, i] of positions.entries()) {
      if (twins.has(i)) continue;
      if (turn.isOver()) await turn.next();
      while (from < next.length && x(next[from]!) < x(i) - widest / 5) from++;
      const end = x(i) + (widthOf(masks[i]!) + widest) / 10;
      for (const j of [...before(end, positions, place + 1, x), ...before(end, next, from, x)]) {
        if (twins.has(j) || !mayBeDoubled(masks[i]!, masks[j]!)) continue;
        if (!((await iouOf(masks[i]!, masks[j]!, turn)) > DOUBLED_IOU)) continue;
        twins.set(Math.max(i, j), Math.min(i, j));
        if (twins.has(i)) break;
      }
    }
  }
  return twins;
}

/** The items of `sorted`, from `start` on, whose `value` is below `end`. */
function* before(end: number, sorted: readonly number[], start: number, value: (item: number) => number) {
  for (let at = start; at < sorted.length && value(sorted[at]!) < end; at++) yield sorted[at]!;
}

function widthOf({x0, x1}: MeasuredMask): number {
  return x1 - x0;
}

type Group = {label: number; step: number; positions: number[]};

/** Divides masks by label and by area, in steps of a factor of 1 / 0.9. Each group is sorted by column. */
function divide(masks: readonly MeasuredMask[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const [i, {label, area}] of masks.entries()) {
    const step = Math.floor(Math.log(area) / -Math.log(DOUBLED_IOU));
    const name = nameOf(label, step);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, {label, step, positions: [i]});
    else group.positions.push(i);
  }
  for (const {positions} of groups.values()) {
    positions.sort((a, b) => masks[a]!.centre.x - masks[b]!.centre.x || a - b);
  }
  return groups;
}

function nameOf(label: number, step: number): string {
  return `${label} ${step}`;
}

function mayBeDoubled(a: MeasuredMask, b: MeasuredMask): boolean {
  if (Math.min(a.area, b.area) <= DOUBLED_IOU * Math.max(a.area, b.area)) return false;
  const isNear = (distance: number, sides: number) => Math.abs(distance) < sides / 10;
  return (
    isNear(a.centre.x - b.centre.x, a.x1 - a.x0 + b.x1 - b.x0) &&
    isNear(a.centre.y - b.centre.y, a.y1 - a.y0 + b.y1 - b.y0)
  );
}

async function iouOf(a: MeasuredMask, b: MeasuredMask, turn: Turn): Promise<number> {
  const [x0, y0] = [Math.max(a.x0, b.x0), Math.max(a.y0, b.y0)];
  const [x1, y1] = [Math.min(a.x1, b.x1), Math.min(a.y1, b.y1)];
  let both = 0;
  const row = (i: number) => {
    const inA = (y0 + i - a.mask.top) * a.mask.width - a.mask.left;
    const inB = (y0 + i - b.mask.top) * b.mask.width - b.mask.left;
    for (let x = x0; x < x1; x++) both += a.mask.data[inA + x]! & b.mask.data[inB + x]!;
  };
  if (x1 > x0 && y1 > y0) await rowsInTurns(x1 - x0, y1 - y0, row, turn);
  return both / (a.area + b.area - both);
}
