import {inTurns} from '../basics/turns.js';
import {Undecodable} from './bytes.js';
import {type Distribution, distributionOf, percentilesOf} from './distribution.js';
import type {PixelRange} from './pixel-options.js';
import {fullRange, isShort, type Plane, type SampleType, SHORT_TYPES} from './samples.js';

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
  /** The levels of these two. */
  levels: [number, number];
  /** Number of pixels that are NaN, over all channels. */
  nans: number;
};

/**
 * The levels, 0..255, of one to three planes as RGB: one becomes grey, and of two the blue is 0. Throws an Error with
 * the reason for floats outside 0..1 with the range 'full'. Works in turns.
 */
export async function toLevels(
  planes: readonly Plane[],
  {type, range, inverted}: {type: SampleType; range: PixelRange; inverted: boolean},
): Promise<Levels> {
  const {length} = planes[0]!;
  const rgb = new Uint8Array(length * 3);
  const found: Distribution[] = [];
  let levels: [number, number] = [255, 0];
  // Each channel has its own percentiles, as in Cellpose and in Fiji's composites: fluorescence channels are exposed
  // independently, and the brightest would blacken the others.
  for (const [i, plane] of planes.entries()) {
    const distribution = await distributionOf(plane);
    found.push(distribution);
    if (type === 'float32' && range === 'full') requireShares(distribution);
    const level = await levelOf(plane, {type, range});
    const shown = (value: number) => (inverted ? 255 - level(value) : level(value));
    await paint(plane, rgb, {type, level: shown, from: i, to: planes.length === 1 ? 3 : i + 1});
    const ends = (distribution.values ?? []).map(shown);
    levels = [Math.min(levels[0], ...ends), Math.max(levels[1], ...ends)];
  }
  const all = found.flatMap(({values = []}) => values);
  const values: Levels['values'] = all.length === 0 ? undefined : [Math.min(...all), Math.max(...all)];
  return {rgb, values, levels, nans: found.reduce((sum, {nans}) => sum + nans, 0)};
}

/** The level of each number of a plane. */
async function levelOf(
  plane: Plane,
  {type, range}: {type: SampleType; range: PixelRange},
): Promise<(value: number) => number> {
  if (range === 'full' && type !== 'float32') {
    const [least, most] = fullRange(type);
    const step = (most - least + 1) / 256;
    return (value) => Math.floor((value - least) / step);
  }
  const ends = range === 'percentile' ? await percentilesOf(plane, type, PERCENTS) : range;
  const [low, high] = ends === 'full' ? [0, 1] : (ends ?? [0, 0]);
  // Nothing is brighter than anything else.
  if (!(low! < high!)) return () => 0;
  return (value) => linearLevel(value, low!, high!);
}

function linearLevel(value: number, low: number, high: number): number {
  const level = Math.floor(((value - low) * 255) / (high - low) + 0.5);
  // The order of the comparisons makes NaN black.
  return level > 0 ? Math.min(level, 255) : 0;
}

/** Writes the levels of a plane to the channels `from`..`to` - 1 of `rgb`. */
async function paint(
  {values, offset, stride, length}: Plane,
  rgb: Uint8Array,
  {type, level, from, to}: {type: SampleType; level: (value: number) => number; from: number; to: number},
): Promise<void> {
  const shown = isShort(type) ? tableOf(type, level) : level;
  await inTurns(length, (start, end) => {
    for (let i = start, at = offset + start * stride; i < end; i++, at += stride) {
      const value = shown(values[at]!);
      for (let channel = from; channel < to; channel++) rgb[i * 3 + channel] = value;
    }
  });
}

/** The same as `level`, from a table of all values. */
function tableOf(type: keyof typeof SHORT_TYPES, level: (value: number) => number): (value: number) => number {
  const {least, values} = SHORT_TYPES[type];
  const table = Uint8Array.from({length: values}, (_, i) => level(i + least));
  return (value) => table[value - least]!;
}

function requireShares({values, hasInfinite}: Distribution): void {
  const [least, most] = values ?? [0, 1];
  if (least >= 0 && most <= 1 && !hasInfinite) return;
  const infinite = hasInfinite ? ', and infinite ones' : '';
  throw new Undecodable(`its values are floating-point numbers from ${least} to ${most}${infinite}, not in 0..1`, {
    hint: `Nothing says which is black and which is white: pass range: [${least}, ${most}], or range: 'percentile'.`,
  });
}
