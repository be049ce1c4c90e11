import {Turn} from '../basics/turns.js';
import {pixelsOf, type Rle} from './rle.js';

/**
 * Which of several detections gets a pixel that all of them cover.
 *
 * - 'better': the one with the higher score. A detection of which less than half stays visible is left out, because it
 *   is probably a duplicate. `evaluate()` counts objects by this rule.
 * - 'smaller': the one with the smaller area; of equal areas, the better one. A detection is left out only if no pixel
 *   of it stays visible.
 */
export type OnTop = 'better' | 'smaller';

export const ON_TOP: readonly OnTop[] = ['better', 'smaller'];

/**
 * A detection is dropped if less than this fraction of it remains visible next to better ones: it is then taken for a
 * duplicate, as in Detectron2 (`combine_overlap_thresh` of its PanopticFPN).
 */
const LEAST_VISIBLE = 0.5;

/** The number of the object that each pixel belongs to, row-major, and the ids of the objects that have no pixel. */
export type PaintedLabels = {labels: Int32Array; missing: number[]};

/**
 * The number of the detection that each pixel belongs to, in row-major order: 0 for none, else 1, 2, ... in the order
 * of `masks`, which is best first. With 'better', detections that are mostly covered are dropped together with their
 * pixels (the merging step of Kirillov et al., "Panoptic segmentation", 2019).
 */
export function paintLabels(masks: readonly Rle[], width: number, height: number, onTop: OnTop): PaintedLabels {
  const work = painting(masks, width, height, onTop);
  for (;;) {
    const {done, value} = work.next();
    if (done) return value;
  }
}

/** As `paintLabels()`, in turns, so that the event loop runs on. */
export async function paintLabelsInTurns(
  masks: readonly Rle[],
  width: number,
  height: number,
  onTop: OnTop,
): Promise<PaintedLabels> {
  const work = painting(masks, width, height, onTop);
  const turn = new Turn();
  for (;;) {
    if (turn.isOver()) await turn.next();
    const {done, value} = work.next();
    if (done) return value;
  }
}

/** Yields after each mask. */
function* painting(
  masks: readonly Rle[],
  width: number,
  height: number,
  onTop: OnTop,
): Generator<void, PaintedLabels, undefined> {
  const labels = new Int32Array(width * height);
  const missing: number[] = [];
  const leastVisible = onTop === 'better' ? LEAST_VISIBLE : 0;
  for (const index of onTop === 'better' ? masks.keys() : yield* smallestFirst(masks)) {
    const pixels = pixelsOf(masks[index]!);
    let visible = 0;
    for (const at of pixels) if (labels[at] === 0) visible++;
    if (visible === 0 || visible < leastVisible * pixels.length) missing.push(index + 1);
    else for (const at of pixels) if (labels[at] === 0) labels[at] = index + 1;
    yield;
  }
  return {labels, missing: missing.sort((a, b) => a - b)};
}

function* smallestFirst(masks: readonly Rle[]): Generator<void, number[], undefined> {
  const areas: number[] = [];
  for (const mask of masks) {
    areas.push(pixelsOf(mask).length);
    yield;
  }
  return [...masks.keys()].sort((a, b) => areas[a]! - areas[b]!);
}
