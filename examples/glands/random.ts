/** Returns a number in 0..1 (1 excluded) on each call. */
export type Random = () => number;

/** Mulberry32: small, fast, and identical on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

/** Approximately normal with mean 0 and variance 1: a scaled sum of three uniform numbers, each of variance 1/12. */
export function gaussian(random: Random): number {
  return 2 * (random() + random() + random() - 1.5);
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}
