import {eachSample, isShort, type Plane, type SampleType, SHORT_TYPES} from './samples.js';

/** What is known of the numbers of a plane. */
export type Distribution = {
  /** Smallest and largest number that is finite. Undefined if there is none. */
  values: [least: number, most: number] | undefined;
  /** Number of pixels that are NaN. */
  nans: number;
  /** Whether some number is infinite. */
  hasInfinite: boolean;
};

/** The smallest and the largest number of a plane. */
export async function distributionOf(plane: Plane): Promise<Distribution> {
  let [least, most, nans] = [Infinity, -Infinity, 0];
  let hasInfinite = false;
  await eachSample(plane, (value) => {
    if (value - value !== 0) {
      if (Number.isNaN(value)) nans++;
      else hasInfinite = true;
      return;
    }
    if (value < least) least = value;
    if (value > most) most = value;
  });
  return {values: least > most ? undefined : [least, most], nans, hasInfinite};
}

/**
 * Percentiles of the finite numbers of a plane, equal to `numpy.percentile(numbers.astype('float64'), percents)` with
 * its default method, 'linear'. Undefined if no number is finite.
 */
export async function percentilesOf(
  plane: Plane,
  type: SampleType,
  percents: readonly number[],
): Promise<number[] | undefined> {
  const orders = isShort(type) ? await countedOrders(plane, type) : await radixOrders(plane, type);
  if (orders.count === 0) return undefined;
  const places = percents.map((percent) => (percent / 100) * (orders.count - 1));
  const below = places.map(Math.floor);
  const ranks = below.flatMap((rank) => [rank, Math.min(rank + 1, orders.count - 1)]);
  const numbers = await orders.at(ranks);
  return places.map((place, i) => between(numbers[2 * i]!, numbers[2 * i + 1]!, place - below[i]!));
}

/** Interpolates from the nearer end, as numpy does: this decides the last bit. */
function between(a: number, b: number, share: number): number {
  return share >= 0.5 ? b - (b - a) * (1 - share) : a + (b - a) * share;
}

/** The order statistics of a plane: `at` gives the numbers of these ranks, from 0 for the smallest. */
type Orders = {count: number; at: (ranks: readonly number[]) => Promise<number[]>};

/** Counts how often each value occurs. */
async function countedOrders(plane: Plane, type: keyof typeof SHORT_TYPES): Promise<Orders> {
  const {least, values} = SHORT_TYPES[type];
  const counts = new Uint32Array(values);
  await eachSample(plane, (value) => {
    counts[value - least]!++;
  });
  return {count: plane.length, at: async (ranks) => ranks.map((rank) => placeOf(counts, rank).bin + least)};
}

/** The bin in which the number of this rank is, and its rank within the bin. */
function placeOf(counts: Uint32Array, rank: number): {bin: number; rest: number} {
  let rest = rank;
  let bin = 0;
  while (rest >= counts[bin]!) rest -= counts[bin++]!;
  return {bin, rest};
}

/**
 * Of numbers of 32 bits: counts the upper halves of keys that are ordered as the numbers, and then the lower halves of
 * those that share the upper half. Sorting millions of numbers would hold the event loop.
 */
async function radixOrders(plane: Plane, type: SampleType): Promise<Orders> {
  const keyed = type === 'float32' ? floatKeys() : type === 'int32' ? signedKeys : unsignedKeys;
  const upper = new Uint32Array(65536);
  let count = 0;
  await eachSample(plane, (value) => {
    if (value - value !== 0) return; // NaN or infinite
    upper[keyed.key(value) >>> 16]!++;
    count++;
  });
  const at = async (ranks: readonly number[]) => {
    const places = ranks.map((rank) => placeOf(upper, rank));
    const lower = new Map(places.map(({bin}) => [bin, new Uint32Array(65536)]));
    await eachSample(plane, (value) => {
      if (value - value !== 0) return;
      const key = keyed.key(value);
      const counts = lower.get(key >>> 16);
      if (counts !== undefined) counts[key & 0xffff]!++;
    });
    return places.map(({bin, rest}) => keyed.value(((bin << 16) | placeOf(lower.get(bin)!, rest).bin) >>> 0));
  };
  return {count, at};
}

/** Whole numbers of 32 bits that are ordered as the numbers of a type, without sign. */
type Keys = {key: (value: number) => number; value: (key: number) => number};

const unsignedKeys: Keys = {key: (value) => value, value: (key) => key};
const signedKeys: Keys = {key: (value) => (value ^ 0x80000000) >>> 0, value: (key) => key ^ 0x80000000};

/** The bits of positive floats are ordered as the floats, those of negative ones in reverse (IEEE 754). */
function floatKeys(): Keys {
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  return {
    key: (value) => {
      float[0] = value;
      return (bits[0]! & 0x80000000 ? ~bits[0]! : bits[0]! | 0x80000000) >>> 0;
    },
    value: (key) => {
      bits[0] = key & 0x80000000 ? key & 0x7fffffff : ~key;
      return float[0]!;
    },
  };
}
