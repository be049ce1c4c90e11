/** Intersection over union of boxes a and b of a D×4 array, rounded to float32 like the operator's. */
function iou(boxes: ArrayLike<number>, a: number, b: number): number {
  const side = (axis: number) =>
    Math.max(
      0,
      Math.min(boxes[4 * a + axis + 2]!, boxes[4 * b + axis + 2]!) -
        Math.max(boxes[4 * a + axis]!, boxes[4 * b + axis]!),
    );
  const area = (d: number) => (boxes[4 * d + 2]! - boxes[4 * d]!) * (boxes[4 * d + 3]! - boxes[4 * d + 1]!);
  const shared = side(0) * side(1);
  return Math.fround(shared / (area(a) + area(b) - shared));
}

/** Greedy non-maximum suppression by its definition. It is exact for boxes with small integer coordinates. */
export function naiveNms(
  boxes: ArrayLike<number>,
  scores: ArrayLike<number>,
  threshold: number,
  groups: ArrayLike<number> = new Uint8Array(scores.length),
): number[] {
  const order = Array.from(scores, (_, d) => d).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const kept: number[] = [];
  for (const d of order) {
    if (kept.every((k) => groups[k] !== groups[d] || !(iou(boxes, k, d) > threshold))) kept.push(d);
  }
  return kept;
}
