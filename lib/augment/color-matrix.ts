/** Three rows of four numbers. The rows give the new R, G and B as linear combinations of (R, G, B, 1). */
export type ColorMatrix = readonly number[];

/** Weights of red, green and blue in grey (ITU-R BT.601). */
const GREY = [0.299, 0.587, 0.114] as const;

/** Converts RGB to YIQ: BT.601's luma and two chroma axes. In these axes, a hue change is a rotation. */
const YIQ: ColorMatrix = [...GREY, 0, 0.596, -0.274, -0.322, 0, 0.211, -0.523, 0.312, 0];

/** The matrix with these three rows of three, without an offset. */
export function linear(rows: readonly (readonly number[])[]): ColorMatrix {
  return rows.flatMap(([r, g, b]) => [r!, g!, b!, 0]);
}

export const scaled = (factor: number): ColorMatrix => diagonal([factor, factor, factor], [0, 0, 0]);

/** Multiplies each channel by its factor and adds its offset. */
export function diagonal(factors: readonly number[], offsets: readonly number[]): ColorMatrix {
  return factors.flatMap((factor, c) => [0, 1, 2].map((k) => (k === c ? factor : 0)).concat(offsets[c]!));
}

/** Multiplies the distance of each value from `middle` by `factor`. */
export function contrasted(factor: number, middle: number): ColorMatrix {
  return diagonal([factor, factor, factor], new Array<number>(3).fill((1 - factor) * middle));
}

/** Multiplies the distance of each channel from the pixel's own grey by `factor`. */
export function saturated(factor: number): ColorMatrix {
  return linear([0, 1, 2].map((c) => GREY.map((part, k) => (1 - factor) * part + (k === c ? factor : 0))));
}

/** Rotates hues by `turns` full circles and keeps the luma. */
export function hueTurned(turns: number): ColorMatrix {
  const [cos, sin] = [Math.cos(2 * Math.PI * turns), Math.sin(2 * Math.PI * turns)];
  const turned = linear([
    [1, 0, 0],
    [0, cos, -sin],
    [0, sin, cos],
  ]);
  return inOrder(YIQ, turned, inverted(YIQ));
}

/** Combines several matrices into one that applies them in the given order. */
export function inOrder(...matrices: readonly ColorMatrix[]): ColorMatrix {
  return matrices.reduce((first, then) =>
    first.map((_, i) => {
      const [row, column] = [Math.floor(i / 4), i % 4];
      const sum = [0, 1, 2].reduce((total, k) => total + then[4 * row + k]! * first[4 * k + column]!, 0);
      return column === 3 ? sum + then[4 * row + 3]! : sum;
    }),
  );
}

/** The inverse of a matrix without offsets, whose determinant must not be 0. */
export function inverted(matrix: ColorMatrix): ColorMatrix {
  const at = (row: number, column: number) => matrix[4 * (row % 3) + (column % 3)]!;
  const cofactor = (row: number, column: number) =>
    at(row + 1, column + 1) * at(row + 2, column + 2) - at(row + 1, column + 2) * at(row + 2, column + 1);
  const determinant = [0, 1, 2].reduce((sum, k) => sum + at(0, k) * cofactor(0, k), 0);
  return linear([0, 1, 2].map((row) => [0, 1, 2].map((column) => cofactor(column, row) / determinant)));
}

export function greyOf([r, g, b]: readonly number[]): number {
  return GREY[0] * r! + GREY[1] * g! + GREY[2] * b!;
}
