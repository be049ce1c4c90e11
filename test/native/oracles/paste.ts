/** The probability that a mask of side × side stretched over `box` gives to pixel (x, y), by the definition. */
export function naivePaste(
  mask: Float32Array,
  side: number,
  box: readonly [number, number, number, number],
  x: number,
  y: number,
): number {
  const padded = side + 2;
  const place = (low: number, high: number, pixel: number) => {
    const half = ((high - low) / 2) * (padded / side);
    const first = Math.trunc((low + high) / 2 - half);
    const last = Math.trunc((low + high) / 2 + half);
    if (pixel < first || pixel > last) return undefined;
    const source = ((pixel - first + 0.5) * padded) / Math.max(last - first + 1, 1) - 0.5;
    return Math.min(Math.max(source, 0), padded - 1);
  };
  const [row, column] = [place(box[1], box[3], y), place(box[0], box[2], x)];
  if (row === undefined || column === undefined) return 0;
  const value = (i: number, j: number) => (i < 1 || j < 1 || i > side || j > side ? 0 : mask[(i - 1) * side + j - 1]!);
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [down, right] = [row - top, column - left];
  return (
    (1 - down) * ((1 - right) * value(top, left) + right * value(top, left + 1)) +
    down * ((1 - right) * value(top + 1, left) + right * value(top + 1, left + 1))
  );
}
