export type Matching = {highThreshold: number; lowThreshold: number; allowLowQuality: boolean};

/** Intersection over union, rounded to float32 after each operation, as torchvision's `box_iou` computes it. */
function iou(a: Float32Array, b: Float32Array): number {
  const f = Math.fround;
  const side = (axis: 0 | 1) => Math.max(0, f(Math.min(a[axis + 2]!, b[axis + 2]!) - Math.max(a[axis]!, b[axis]!)));
  const area = (box: Float32Array) => f(f(box[2]! - box[0]!) * f(box[3]! - box[1]!));
  const shared = f(side(0) * side(1));
  return f(shared / f(f(area(a) + area(b)) - shared));
}

/** The place of the maximum as PyTorch finds it: the first NaN, or else the first of the highest values. */
function argmax(values: readonly number[]): number {
  const nan = values.findIndex(Number.isNaN);
  return nan >= 0 ? nan : values.indexOf(Math.max(...values));
}

/** torchvision's `Matcher` by its definition, with the matrix of all pairs. */
export function naiveMatches(instances: Float32Array, boxes: Float32Array, matching: Matching): number[] {
  const rows = (all: Float32Array) => Array.from({length: all.length / 4}, (_, i) => all.subarray(4 * i, 4 * i + 4));
  const matrix = rows(instances).map((instance) => rows(boxes).map((box) => iou(instance, box)));
  const highest = matrix.map((row) => (row.length === 0 ? Number.NaN : row[argmax(row)]!));
  const [high, low] = [Math.fround(matching.highThreshold), Math.fround(matching.lowThreshold)];
  return rows(boxes).map((_, r) => {
    const column = matrix.map((row) => row[r]!);
    const instance = argmax(column);
    if (matching.allowLowQuality && column.some((value, g) => value === highest[g])) return instance;
    if (column[instance]! < low) return -1;
    return column[instance]! < high ? -2 : instance;
  });
}
