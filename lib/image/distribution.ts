import {inTurns} from '../basics/turns.js';
import {isFloat, isShort, type Plane, type SampleType, SHORT_TYPES} from './samples.js';

/** What is known of the numbers of a plane. */
export type Distribution = {
  /** Smallest and largest number that is finite. Undefined if there is none. */
  values: [least: number, most: number] | undefined;
  /** Number of pixels that are NaN. */
  nans: number;
  /** Whether some number is infinite. */
  hasInfinite: boolean;
  /**
   * Percentiles of the finite numbers, equal to `numpy.percentile(numbers.astype('float64'), percents)` with its
   * default method, 'linear'. Undefined if no number is finite.
   */
  percentiles: (percents: readonly number[]) => Promise<number[] | undefined>;
};

/** Reads the numbers of a plane once, and again for percentiles of 32 bits. */
export async function distributionOf(plane: Plane, type: SampleType): Promise<Distribution> {
  return isShort(type)
    ? ofCounts(await countsOf(plane, type), plane.length, SHORT_TYPES[type].least)
    : ofLong(plane, type);
}

/** The order statistics of `count` numbers: `at` gives the numbers of these ranks, from 0 for the smallest. */
type Orders = {count: number; at: (ranks: readonly number[]) => Promise<number[]>};

async function percentilesOf({count, at}: Orders, percents: readonly number[]): Promise<number[] | undefined> {
  if (count === 0) return undefined;
  const places = percents.map((percent) => (percent / 100) * (count - 1));
  const below = places.map(Math.floor);
  const numbers = await at(below.flatMap((rank) => [rank, Math.min(rank + 1, count - 1)]));
  return places.map((place, i) => between(numbers[2 * i]!, numbers[2 * i + 1]!, place - below[i]!));
}

/** Interpolates from the nearer end, as numpy does: this decides the last bit. */
function between(a: number, b: number, share: number): number {
  return share >= 0.5 ? b - (b - a) * (1 - share) : a + (b - a) * share;
}

/** How often each value of a type of up to 16 bits occurs, from the least. */
async function countsOf({values, offset, stride, length}: Plane, type: keyof typeof SHORT_TYPES): Promise<Uint32Array> {
  const {least, values: number} = SHORT_TYPES[type];
  const counts = new Uint32Array(number);
  await inTurns(length, (from, to) => {
    for (let i = from, at = offset + from * stride; i < to; i++, at += stride) counts[values[at]! - least]!++;
  });
  return counts;
}

function ofCounts(counts: Uint32Array, length: number, least: number): Distribution {
  const isThere = (count: number) => count > 0;
  const at = async (ranks: readonly number[]) => ranks.map((rank) => placeOf(counts, rank).bin + least);
  return {
    values: [counts.findIndex(isThere) + least, counts.findLastIndex(isThere) + least],
    nans: 0,
    hasInfinite: false,
    percentiles: (percents) => percentilesOf({count: length, at}, percents),
  };
}

/** The bin in which the number of this rank is, and its rank within the bin. */
function placeOf(counts: Uint32Array, rank: number): {bin: number; rest: number} {
  let rest = rank;
  let bin = 0;
  while (rest >= counts[bin]!) rest -= counts[bin++]!;
  return {bin, rest};
}

async function ofLong(plane: Plane, type: SampleType): Promise<Distribution> {
  const {values, offset, stride, length} = plane;
  let [least, most, nans] = [Infinity, -Infinity, 0];
  let hasInfinite = false;
  await inTurns(length, (from, to) => {
    for (let i = from, at = offset + from * stride; i < to; i++, at += stride) {
      const value = values[at]!;
      if (value - value === 0) {
        if (value < least) least = value;
        if (value > most) most = value;
      } else if (Number.isNaN(value)) nans++;
      else hasInfinite = true;
    }
  });
  return {
    values: least > most ? undefined : [least, most],
    nans,
    hasInfinite,
    percentiles: async (percents) => percentilesOf(await radixOrders(plane, type), percents),
  };
}

/**
 * Of numbers of 32 bits: counts the upper halves of keys that are ordered as the numbers, and then the lower halves of
 * those that share the upper half. Sorting millions of numbers would hold the event loop.
 */
async function radixOrders({values, offset, stride, length}: Plane, type: SampleType): Promise<Orders> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const hasFloats = isFloat(type);
  // What turns the bits of a number into its key: those of a negative float, and those of any other number.
  const flips = hasFloats ? [-1, SIGN] : type === 'int32' ? [SIGN, SIGN] : [0, 0];
  const [ofNegative, ofOthers] = flips as [number, number];
  const upper = new Uint32Array(65536);
  let count = 0;
  const eachKey = (each: (key: number) => void) =>
    inTurns(length, (from, to) => {
      for (let i = from, at = offset + from * stride; i < to; i++, at += stride) {
        const number = bits[at]!;
        if (hasFloats && (number & EXPONENT) === EXPONENT) continue; // NaN or infinite
        each((number ^ (number & SIGN ? ofNegative : ofOthers)) >>> 0);
      }
    });
  await eachKey((key) => {
    upper[key >>> 16]!++;
    count++;
  });
  const numberOf = (key: number): number => {
    const number = Uint32Array.of(key ^ (hasFloats && key & SIGN ? SIGN : ofNegative));
    return hasFloats ? new Float32Array(number.buffer)[0]! : type === 'int32' ? number[0]! | 0 : number[0]!;
  };
  const at = async (ranks: readonly number[]) => {
    const places = ranks.map((rank) => placeOf(upper, rank));
    const lower = new Map(places.map(({bin}) => [bin, new Uint32Array(65536)]));
    const wanted = Uint8Array.from({length: 65536}, (_, bin) => Number(lower.has(bin)));
    await eachKey((key) => {
      if (wanted[key >>> 16] === 1) lower.get(key >>> 16)![key & 0xffff]!++;
    });
    return places.map(({bin, rest}) => numberOf(((bin << 16) | placeOf(lower.get(bin)!, rest).bin) >>> 0));
  };
  return {count, at};
}

/** The bits of the sign and of the exponent of a float (IEEE 754). Positive floats are ordered as their bits. */
const SIGN = 0x80000000 | 0;
const EXPONENT = 0x7f800000;
