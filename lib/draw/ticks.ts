/** About `count` round numbers from 0 to at most `max`. Their spacing is 1, 2 or 5 times a power of ten. */
export function ticks(max: number, count: number, whole = false): number[] {
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => power * factor >= rough * 0.999) ?? 10);
  const spacing = whole ? Math.max(1, Math.round(step)) : step;
  return Array.from({length: Math.floor(max / spacing + 1e-9) + 1}, (_, i) => Number((i * spacing).toPrecision(12)));
}
