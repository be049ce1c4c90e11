export type RoiAlignOptions = {spatialScale: number; outputSize: number; samplingRatio: number};

type Corner = {x: number; y: number; weight: number};

const f = Math.fround;

/** The positions of each cell's samples along one axis, in the operator's float32 arithmetic. */
function positions(low: number, high: number, {spatialScale, outputSize, samplingRatio}: RoiAlignOptions): number[][] {
  const start = f(f(low) * f(spatialScale));
  const length = Math.max(f(f(f(high) * f(spatialScale)) - start), 1);
  const cell = f(length / outputSize);
  const samples = samplingRatio > 0 ? samplingRatio : Math.ceil(cell);
  return Array.from({length: outputSize}, (_, i) =>
    Array.from({length: samples}, (_, s) => f(f(start + f(i * cell)) + f(f((s + 0.5) * cell) / samples))),
  );
}

/** The four pixels around a sample; none if it is more than one pixel outside of the image. */
function corners(y: number, x: number, height: number, width: number): Corner[] {
  if (y < -1 || y > height || x < -1 || x > width) return [];
  const [row, column] = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(x, 0), width - 1)];
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  return [
    {y: top, x: left, weight: (1 - (row - top)) * (1 - (column - left))},
    {y: top, x: right, weight: (1 - (row - top)) * (column - left)},
    {y: bottom, x: left, weight: (row - top) * (1 - (column - left))},
    {y: bottom, x: right, weight: (row - top) * (column - left)},
  ];
}

/** Calls `visit` for each connected pair of an input and an output element, with the weight between them. */
function connect(
  [, channels, height, width]: readonly [number, number, number, number],
  rois: Float32Array,
  options: RoiAlignOptions,
  visit: (input: number, output: number, weight: number) => void,
): void {
  const side = options.outputSize;
  for (let r = 0; r < rois.length / 5; r++) {
    const [image, x0, y0, x1, y1] = rois.subarray(5 * r, 5 * r + 5) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    const ys = positions(y0, y1, options);
    const xs = positions(x0, x1, options);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < side; i++) {
        for (let j = 0; j < side; j++) {
          const samples = ys[i]!.flatMap((y) => xs[j]!.map((x) => corners(y, x, height, width)));
          for (const {y, x, weight} of samples.flat()) {
            const input = ((image * channels + c) * height + y) * width + x;
            visit(input, ((r * channels + c) * side + i) * side + j, weight / samples.length);
          }
        }
      }
    }
  }
}

export function naiveRoiAlign(
  input: Float32Array,
  shape: readonly [number, number, number, number],
  rois: Float32Array,
  options: RoiAlignOptions,
): Float64Array {
  const pooled = new Float64Array((rois.length / 5) * shape[1] * options.outputSize ** 2);
  connect(shape, rois, options, (from, to, weight) => {
    pooled[to]! += weight * input[from]!;
  });
  return pooled;
}

export function naiveRoiAlignBackward(
  gradOutput: Float32Array,
  shape: readonly [number, number, number, number],
  rois: Float32Array,
  options: RoiAlignOptions,
): Float64Array {
  const grad = new Float64Array(shape[0] * shape[1] * shape[2] * shape[3]);
  connect(shape, rois, options, (to, from, weight) => {
    grad[to]! += weight * gradOutput[from]!;
  });
  return grad;
}
