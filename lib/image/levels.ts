import {inTurns} from '../basics/turns.js';
import {Undecodable} from './bytes.js';
import {type Distribution, distributionOf} from './distribution.js';
import type {PixelRange} from './pixel-options.js';
import {fullRange, isFloat, isShort, type Plane, type SampleType, SHORT_TYPES} from './samples.js';

/**
 * The percentiles of 'percentile'. Fiji's "Enhance Contrast" saturates 0.35 % of the pixels, about half of them at each
 * end, and Cellpose 1 % at each end. Less is cut off here, because a few small bright objects may be all that there is
 * to see.
 */
const PERCENTS = [0.1, 99.9];

/** The levels of an image: 8-bit RGB, and what was found on the way. */
export type Levels = {
  rgb: Uint8Array;
  /** Smallest and largest number that is finite, over all channels. Undefined if there is none. */
  values: [least: number, most: number] | undefined;
  /** The smallest and the largest level of these. */
  levels: [number, number];
  /** Number of pixels that are NaN, over all channels. */
  nans: number;
};

/** A straight line from numbers to levels: floor((value - low) * factor / span + round), kept in 0..255. */
type Line = {low: number; span: number; factor: number; round: number; inverted: boolean};

/**
 * The levels, 0..255, of one to three planes as RGB: one becomes grey, and of two the blue is 0. Throws an Error with
 * the reason for floats outside 0..1 with the range 'full'. Works in turns.
 */
export async function toLevels(
  planes: readonly Plane[],
  {type, range, inverted}: {type: SampleType; range: PixelRange; inverted: boolean},
): Promise<Levels> {
  const rgb = new Uint8Array(planes[0]!.length * 3);
  const found: Distribution[] = [];
  const ends: number[] = [];
  // Each channel has its own percentiles, as in Cellpose and in Fiji's composites: fluorescence channels are exposed
  // independently, and the brightest would blacken the others.
  for (const [i, plane] of planes.entries()) {
    const distribution = await distributionOf(plane, type);
    found.push(distribution);
    if (isFloat(type) && range === 'full') requireShares(distribution);
    const line = {...(await lineOf(distribution, {type, range})), inverted};
    await paint(plane, rgb, {type, line, from: i, to: planes.length === 1 ? 3 : i + 1});
    ends.push(...(distribution.values ?? []).map((value) => levelOf(line, value)));
  }
  const all = found.flatMap(({values = []}) => values);
  return {
    rgb,
    values: all.length === 0 ? undefined : [Math.min(...all), Math.max(...all)],
    levels: [Math.min(...ends), Math.max(...ends)],
    nans: found.reduce((sum, {nans}) => sum + nans, 0),
  };
}

async function lineOf(
  distribution: Distribution,
  {type, range}: {type: SampleType; range: PixelRange},
): Promise<Omit<Line, 'inverted'>> {
  const [least, most] = fullRange(type);
  // The upper 8 bits.
  if (range === 'full' && !isFloat(type)) return {low: least, span: most - least + 1, factor: 256, round: 0};
  const ends = range === 'percentile' ? await distribution.percentiles(PERCENTS) : range === 'full' ? [0, 1] : range;
  const [low, high] = ends ?? [0, 0];
  // Where nothing is brighter than anything else, all is black.
  return {low: low!, span: high! - low!, factor: low === high ? 0 : 255, round: 0.5};
}

function levelOf({low, span, factor, round, inverted}: Line, value: number): number {
  const level = factor === 0 ? 0 : Math.floor(((value - low) * factor) / span + round);
  // The order of the comparisons makes NaN black.
  const kept = level > 0 ? (level < 255 ? level : 255) : 0;
  return inverted ? 255 - kept : kept;
}

/** Writes the levels of a plane to the channels `from`..`to` - 1 of `rgb`. */
async function paint(
  {values, offset, stride, length}: Plane,
  rgb: Uint8Array,
  {type, line, from, to}: {type: SampleType; line: Line; from: number; to: number},
): Promise<void> {
  const table = isShort(type) ? tableOf(type, line) : undefined;
  const least = isShort(type) ? SHORT_TYPES[type].least : 0;
  await inTurns(length, (start, end) => {
    for (let i = start, at = offset + start * stride; i < end; i++, at += stride) {
      const value = values[at]!;
      const level = table === undefined ? levelOf(line, value) : table[value - least]!;
      for (let out = i * 3 + from; out < i * 3 + to; out++) rgb[out] = level;
    }
  });
}

/** The levels of all values of a type. */
function tableOf(type: keyof typeof SHORT_TYPES, line: Line): Uint8Array {
  const {least, values} = SHORT_TYPES[type];
  return Uint8Array.from({length: values}, (_, i) => levelOf(line, i + least));
}

function requireShares({values, hasInfinite}: Distribution): void {
  const [least, most] = values ?? [0, 1];
  if (least >= 0 && most <= 1 && !hasInfinite) return;
  const infinite = hasInfinite ? ', and infinite ones' : '';
  throw new Undecodable(`its values are floating-point numbers from ${least} to ${most}${infinite}, not in 0..1`, {
    hint: `Nothing says which is black and which is white: pass range: [${least}, ${most}], or range: 'percentile'.`,
  });
}
