import {Turn} from '../basics/turns.js';
import type {Rle} from '../masks/rle.js';
import {mergeRles, rleAreas, rleIou} from '../masks/rle-operations.js';
import type {Found} from './mirrored-views.js';

/** How far two predictions on an image agree: sums over the objects of both. */
export type Agreement = {
  /** Sum of the scores. */
  weight: number;
  /** Sum of the scores, each times the overlap with the object's partner in the other prediction. */
  agreed: number;
};

/** Objects with a score above this are the foreground: the default of `evaluate()`. */
const LIKELY = 0.5;

/** An overlap of object `i` of the one and object `j` of the other prediction. */
export type Pair = {i: number; j: number; iou: number};

/** Compares two predictions on the same image. An object without a partner agrees with nothing. Works in turns. */
export async function agreementOf(one: Found, other: Found): Promise<Agreement> {
  const matches = await matchesOf(one, other);
  const sum = (scores: Float32Array) => scores.reduce((total, score) => total + score, 0);
  return {
    agreed: matches.reduce((total, {i, j, iou}) => total + iou * (one.scores[i]! + other.scores[j]!), 0),
    weight: sum(one.scores) + sum(other.scores),
  };
}

/**
 * The partners in two predictions on the same image: objects of the same class that overlap, those with the largest
 * overlap (IoU of masks, or of boxes if neither has a mask with a pixel) first, and each at most once. Works in turns.
 */
export async function matchesOf(one: Found, other: Found): Promise<Pair[]> {
  const pairs = (await overlaps(one, other)).sort((a, b) => b.iou - a.iou || a.i - b.i || a.j - b.j);
  const [paired, taken] = [new Set<number>(), new Set<number>()];
  return pairs.filter(({i, j}) => {
    if (paired.has(i) || taken.has(j)) return false;
    paired.add(i);
    taken.add(j);
    return true;
  });
}

/**
 * Intersection over union of what the masks of all likely objects cover in each of two predictions, 0..1. Undefined if
 * they cover no pixel in either, as without objects or masks.
 */
export async function foregroundIou(one: Found, other: Found): Promise<number | undefined> {
  const covers: Rle[] = [];
  for (const {masks, scores} of [one, other]) {
    const likely = masks.filter((_, i) => scores[i]! > LIKELY);
    if (likely.length > 0) covers.push(await mergeRles(likely));
  }
  if ((await rleAreas(covers)).every((area) => area === 0)) return undefined;
  const [a, b] = covers;
  if (b === undefined) return 0;
  const [iou] = await rleIou([a!], [b]);
  return iou![0]!;
}

async function overlaps(one: Found, other: Found): Promise<Pair[]> {
  const pairs: Pair[] = [];
  const turn = new Turn();
  const [ours, theirs] = [await rleAreas(one.masks), await rleAreas(other.masks)];
  /** Whether an object is compared by its box: it has no mask, or one without a pixel. */
  const isBox = (area: number | undefined) => area === undefined || area === 0;
  for (const [i, label] of one.labels.entries()) {
    if (turn.isOver()) await turn.next();
    const byBox = isBox(ours[i]);
    const same = Array.from(other.labels.keys()).filter((j) => other.labels[j] === label && isBox(theirs[j]) === byBox);
    const ious = byBox
      ? same.map((j) => boxIou(one.boxes.subarray(4 * i, 4 * i + 4), other.boxes.subarray(4 * j, 4 * j + 4)))
      : (
          await rleIou(
            [one.masks[i]!],
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
