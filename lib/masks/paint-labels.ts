import {runInTurns} from '../basics/turns.js';
import {areaOf, atOnce, columnRuns, type Rle} from './rle.js';

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
export type PaintedLabels<Labels = Int32Array> = {labels: Labels; missing: number[]};

/** Numbers of the pixels, all 0 before. Those of 16 bits are for up to 65,535 masks, which the caller checks. */
type Canvas = Int32Array | Uint16Array;

/**
 * The number of the detection that each pixel belongs to, in row-major order: 0 for none, else 1, 2, ... in the order
 * of `masks`, which is best first. With 'better', detections that are mostly covered are dropped together with their
 * pixels (the merging step of Kirillov et al., "Panoptic segmentation", 2019).
 */
export function paintLabels(masks: readonly Rle[], width: number, height: number, onTop: OnTop): PaintedLabels {
  return atOnce(painting(masks, new Int32Array(width * height), width, onTop));
}

/** As `paintLabels()`, onto `labels`, which are 0 before. In turns, so that the event loop runs on. */
export async function paintLabelsInTurns<Labels extends Canvas>(
  masks: readonly Rle[],
  labels: Labels,
  width: number,
  onTop: OnTop,
): Promise<PaintedLabels<Labels>> {
  return runInTurns(painting(masks, labels, width, onTop));
}

/** Yields after each run of pixels. */
function* painting<Labels extends Canvas>(
  masks: readonly Rle[],
  labels: Labels,
  width: number,
  onTop: OnTop,
): Generator<void, PaintedLabels<Labels>, undefined> {
  const missing: number[] = [];
  const leastVisible = onTop === 'better' ? LEAST_VISIBLE : 0;
  for (const index of onTop === 'better' ? masks.keys() : yield* smallestFirst(masks)) {
    const mask = masks[index]!;
    let visible = 0;
    for (const [x, from, to] of columnRuns(mask)) {
      for (let at = from * width + x; at < to * width; at += width) if (labels[at] === 0) visible++;
      yield;
    }
    if (visible === 0 || visible < leastVisible * areaOf(mask)) {
      missing.push(index + 1);
      continue;
    }
    for (const [x, from, to] of columnRuns(mask)) {
      for (let at = from * width + x; at < to * width; at += width) if (labels[at] === 0) labels[at] = index + 1;
      yield;
    }
  }
  return {labels, missing: missing.sort((a, b) => a - b)};
}

function* smallestFirst(masks: readonly Rle[]): Generator<void, number[], undefined> {
  const areas: number[] = [];
  for (const mask of masks) {
    areas.push(areaOf(mask));
    yield;
  }
  return [...masks.keys()].sort((a, b) => areas[a]! - areas[b]!);
}
