/** Batch norm in training by its definition, in double precision and two passes. Arrays are N×C×H×W. */
export function naiveBatchNorm(
  x: Float32Array,
  [images, channels, height, width]: readonly [number, number, number, number],
  {weight, bias, eps, gradOutput}: {weight: Float32Array; bias: Float32Array; eps: number; gradOutput: Float32Array},
) {
  const plane = height * width;
  const rows = images * plane;
  const [output, gradX] = [new Float64Array(x.length), new Float64Array(x.length)];
  const perChannel = () => new Float64Array(channels);
  const [mean, variance, gradWeight, gradBias] = [perChannel(), perChannel(), perChannel(), perChannel()];
  for (let c = 0; c < channels; c++) {
    const each = (visit: (at: number) => void) => {
      for (let n = 0; n < images; n++) {
        const begin = (n * channels + c) * plane;
        for (let at = begin; at < begin + plane; at++) visit(at);
      }
    };
    let [sum, squares, ofGrad, ofProducts] = [0, 0, 0, 0];
    each((at) => (sum += x[at]!));
    const middle = sum / rows;
    each((at) => {
      squares += (x[at]! - middle) ** 2;
      ofGrad += gradOutput[at]!;
      ofProducts += gradOutput[at]! * (x[at]! - middle);
    });
    const inverse = 1 / Math.sqrt(squares / rows + eps);
    each((at) => {
      output[at] = (x[at]! - middle) * inverse * weight[c]! + bias[c]!;
      gradX[at] =
        weight[c]! *
        inverse *
        (gradOutput[at]! - ofGrad / rows - (((x[at]! - middle) * ofProducts) / rows) * inverse ** 2);
    });
    mean[c] = middle;
    variance[c] = squares / (rows - 1);
    gradWeight[c] = ofProducts * inverse;
    gradBias[c] = ofGrad;
  }
  return {output, mean, variance, gradX, gradWeight, gradBias};
}
