import {Turn} from '../basics/turns.js';
import {rleIou} from '../masks/rle-operations.js';
import type {Detections} from './detections.js';

/** How far two predictions on an image agree: sums over the objects of both. */
export type Agreement = {
  /** Sum of the scores. */
  weight: number;
  /** Sum of the scores, each times the overlap with the object's partner in the other prediction. */
  agreed: number;
};

type Found = Detections<'rle' | 'none'>;

/** An overlap of object `i` of the one and object `j` of the other prediction. */
type Pair = {i: number; j: number; iou: number};

/**
 * Compares two predictions on the same image. Objects of the same class become partners, those with the largest
 * overlap (IoU of masks, or of boxes if there are no masks) first, and each at most once. An object without a partner
 * agrees with nothing. Works in turns.
 */
export async function agreementOf(one: Found, other: Found): Promise<Agreement> {
  const pairs = (await overlaps(one, other)).sort((a, b) => b.iou - a.iou || a.i - b.i || a.j - b.j);
  const [paired, taken] = [new Set<number>(), new Set<number>()];
  let agreed = 0;
  for (const {i, j, iou} of pairs) {
    if (paired.has(i) || taken.has(j)) continue;
    paired.add(i);
    taken.add(j);
    agreed += iou * (one.scores[i]! + other.scores[j]!);
  }
  const sum = (scores: Float32Array) => scores.reduce((total, score) => total + score, 0);
  return {agreed, weight: sum(one.scores) + sum(other.scores)};
}

async function overlaps(one: Found, other: Found): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const turn = new Turn();
  for (const [i, label] of one.labels.entries()) {
    if (turn.isOver()) await turn.next();
    const same = Array.from(other.labels.keys()).filter((j) => other.labels[j] === label);
    const mask = one.masks[i];
    const ious =
      mask === undefined
        ? same.map((j) => boxIou(one.boxes.subarray(4 * i, 4 * i + 4), other.boxes.subarray(4 * j, 4 * j + 4)))
        : (
            await rleIou(
              [mask],
              same.map((j) => other.masks[j]!),
            )
          )[0]!;
    for (const [at, iou] of ious.entries()) if (iou > 0) pairs.push({i, j: same[at]!, iou});
  }
  return pairs;
}

/** Intersection over union of boxes x0, y0, x1, y1; 0 for two without area. */
function boxIou(a: Float32Array, b: Float32Array): number {
  const side = (lower: number, upper: number) =>
    Math.max(0, Math.min(a[upper]!, b[upper]!) - Math.max(a[lower]!, b[lower]!));
  const area = (box: Float32Array) => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  const intersection = side(0, 2) * side(1, 3);
  return intersection === 0 ? 0 : intersection / (area(a) + area(b) - intersection);
}
