/** Minimum, median and maximum. For an even count, the median is the upper one of the two middle values. */
export type Spread = {min: number; median: number; max: number};

/** The spread of the values in all `parts` together; null if there are none. */
export function spread(parts: readonly Float64Array[]): Spread | null {
  const values = new Float64Array(parts.reduce((sum, {length}) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    values.set(part, end);
    end += part.length;
  }
  values.sort();
  if (values.length === 0) return null;
  return {min: values[0]!, median: values[Math.floor(values.length / 2)]!, max: values.at(-1)!};
}
