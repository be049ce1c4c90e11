type Shape = readonly [number, number, number, number];

/** A 3×3 convolution with stride 1 and zero padding of 1, by its definition and in double precision. */
export function naiveConvolution(
  input: ArrayLike<number>,
  [n, c, h, w]: Shape,
  weight: ArrayLike<number>,
  outputs: number,
  bias: ArrayLike<number>,
): Float64Array {
  const result = new Float64Array(n * outputs * h * w);
  forEachProduct([n, c, h, w], outputs, 3, (to, from, tap) => {
    result[to]! += input[from]! * weight[tap]!;
  });
  return result.map((value, i) => value + bias[Math.floor(i / (h * w)) % outputs]!);
}

/**
 * The gradient of a side×side convolution with respect to the weights, given the gradient with respect to the outputs.
 */
export function naiveWeightGradient(
  input: ArrayLike<number>,
  [n, c, h, w]: Shape,
  grad: ArrayLike<number>,
  outputs: number,
  side = 3,
): Float64Array {
  const result = new Float64Array(outputs * c * side * side);
  forEachProduct([n, c, h, w], outputs, side, (to, from, tap) => {
    result[tap]! += input[from]! * grad[to]!;
  });
  return result;
}

/** Calls `visit` with the indices of an output, an input, and the weight that connects them. */
function forEachProduct(
  [n, c, h, w]: Shape,
  outputs: number,
  side: number,
  visit: (to: number, from: number, tap: number) => void,
): void {
  for (let image = 0; image < n; image++)
    for (let k = 0; k < outputs; k++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          for (let channel = 0; channel < c; channel++)
            for (let tap = 0; tap < side * side; tap++) {
              const [row, column] = [y + Math.floor(tap / side) - (side >> 1), x + (tap % side) - (side >> 1)];
              if (row < 0 || row >= h || column < 0 || column >= w) continue;
              const to = ((image * outputs + k) * h + y) * w + x;
              visit(to, ((image * c + channel) * h + row) * w + column, (k * c + channel) * side * side + tap);
            }
}
