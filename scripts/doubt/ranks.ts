/** The ranks of values, from 0 on. Equal values have the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal - 1) / 2;
  });
}

export const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Spearman's rank correlation, -1..1. NaN if all values of one side are equal. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [a, b].map((values) => {
    const ranks = ranksOf(values);
    return ranks.map((rank) => rank - mean(ranks));
  }) as [number[], number[]];
  const product = (p: readonly number[], q: readonly number[]) => p.reduce((sum, value, i) => sum + value * q[i]!, 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

/** The mean of `values` over the quarter with the largest `keys`, over all, and over that with the smallest ones. */
export function meansOfQuarters(keys: readonly number[], values: readonly number[]): [number, number, number] {
  const ordered = Array.from(keys.keys())
    .sort((i, j) => keys[j]! - keys[i]!)
    .map((i) => values[i]!);
  const quarter = Math.max(1, Math.floor(ordered.length / 4));
  return [mean(ordered.slice(0, quarter)), mean(ordered), mean(ordered.slice(-quarter))];
}
