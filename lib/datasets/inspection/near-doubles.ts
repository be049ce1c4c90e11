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
  // In columns, because a crowded image has millions of pairs to pass over.
  const column = (of: (mask: MeasuredMask) => number) => Float64Array.from(masks, of);
  const [x, y] = [column(({centre}) => centre.x), column(({centre}) => centre.y)];
  const [width, height] = [column(({x0, x1}) => x1 - x0), column(({y0, y1}) => y1 - y0)];
  for (const {label, step, positions} of groups.values()) {
    const next = groups.get(nameOf(label, step + 1))?.positions ?? [];
    let widest = 0;
    for (const i of [...positions, ...next]) widest = Math.max(widest, width[i]!);
    let from = 0;
    for (const [place, i] of positions.entries()) {
      if (twins.has(i)) continue;
      if (turn.isOver()) await turn.next();
      while (from < next.length && x[next[from]!]! < x[i]! - widest / 5) from++;
      const end = x[i]! + (width[i]! + widest) / 10;
      for (const [others, start] of [
        [positions, place + 1],
        [next, from],
      ] as const) {
        for (let at = start; at < others.length; at++) {
          const j = others[at]!;
          if (x[j]! >= end) break;
          if (Math.abs(y[i]! - y[j]!) >= (height[i]! + height[j]!) / 10) continue;
          if (Math.abs(x[i]! - x[j]!) >= (width[i]! + width[j]!) / 10) continue;
          if (twins.has(j) || !((await iouOf(masks[i]!, masks[j]!, turn)) > DOUBLED_IOU)) continue;
          twins.set(Math.max(i, j), Math.min(i, j));
          if (twins.has(i)) break;
        }
        if (twins.has(i)) break;
      }
    }
  }
  return twins;
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

async function iouOf(a: MeasuredMask, b: MeasuredMask, turn: Turn): Promise<number> {
  if (Math.min(a.area, b.area) <= DOUBLED_IOU * Math.max(a.area, b.area)) return 0; // it cannot be above
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
