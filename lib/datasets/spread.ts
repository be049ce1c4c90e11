/** Minimum, median and maximum. For an even count, the median is the upper one of the two middle values. */
export type Spread = {min: number; median: number; max: number};

/** Null if there are no values. */
export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return {min: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)!};
}
