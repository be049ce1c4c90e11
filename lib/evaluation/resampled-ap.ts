import type {Turn} from '../basics/turns.js';
import {type CocoMatches, IOU_THRESHOLDS, RECALL_POINTS} from './coco-scores.js';

/** COCO's AP of a choice of images; null if none of their objects counts. */
export type ResampledScores = {
  ap: number | null;
  ap50: number | null;
  /** AP of each class, in the data set's order. */
  classes: (number | null)[];
};

/** The detections of a class, best first, and its objects. */
type ClassMatches = {
  images: Int32Array;
  matched: Uint32Array;
  ignored: Uint32Array;
  wanted: {image: number; objects: number}[];
};

/**
 * COCO's AP for any choice of the images, each taken any number of times, without matching again: the matches of an
 * image do not depend on other images. With each image once, the scores are those of `evaluate()`.
 *
 * An image that is taken several times stands for as many images of the same content. Their detections have the same
 * score, so they come one after the other; only the last of them counts, because precision grows with each match in
 * a row, and AP takes the highest precision at a recall or above.
 */
export class ResampledAp {
  readonly #classes: readonly ClassMatches[];

  constructor(matches: CocoMatches, classes: number) {
    const rows = Array.from({length: classes}, (): number[] => []);
    for (const [row, index] of matches.classes.entries()) rows[index]!.push(row);
    const wanted = Array.from({length: classes}, (): ClassMatches['wanted'] => []);
    for (const [i, index] of matches.wantedClasses.entries()) {
      wanted[index]!.push({image: matches.wantedImages[i]!, objects: matches.wanted[i]!});
    }
    this.#classes = rows.map((own, index) => {
      // Stable: detections of one score stay in the order of their images, as in COCO's evaluation.
      own.sort((a, b) => matches.scores[b]! - matches.scores[a]!);
      return {
        images: Int32Array.from(own, (row) => matches.images[row]!),
        matched: Uint32Array.from(own, (row) => matches.matched[row]!),
        ignored: Uint32Array.from(own, (row) => matches.ignored[row]!),
        wanted: wanted[index]!,
      };
    });
  }

  /** `times` says for each image how many times it is taken. */
  async scores(times: Uint32Array, turn: Turn): Promise<ResampledScores> {
    const byClass: (number[] | undefined)[] = [];
    for (const own of this.#classes) {
      if (turn.isOver()) await turn.next();
      const wanted = own.wanted.reduce((sum, {image, objects}) => sum + times[image]! * objects, 0);
      byClass.push(wanted === 0 ? undefined : IOU_THRESHOLDS.map((_, t) => averagePrecision(own, t, times, wanted)));
    }
    const present = byClass.filter((values) => values !== undefined);
    return {
      ap: mean(present.flat()),
      ap50: mean(present.map((values) => values[0]!)),
      classes: byClass.map((values) => (values === undefined ? null : mean(values))),
    };
  }
}

/** The mean of the highest precisions at the recall points and above: pycocotools' COCOeval.accumulate. */
function averagePrecision(
  {images, matched, ignored}: ClassMatches,
  threshold: number,
  times: Uint32Array,
  wanted: number,
): number {
  const bit = 1 << threshold;
  // Only after a match can the precision be the highest from there on.
  const right: number[] = [];
  const precision: number[] = [];
  let [found, wrong] = [0, 0];
  for (let i = 0; i < images.length; i++) {
    const taken = times[images[i]!]!;
    if (taken === 0 || (ignored[i]! & bit) !== 0) continue;
    if ((matched[i]! & bit) === 0) {
      wrong += taken;
      continue;
    }
    found += taken;
    right.push(found);
    precision.push(found / (wrong + found + Number.EPSILON));
  }
  let sum = 0;
  let highest = 0;
  let last = right.length - 1;
  for (let point = RECALL_POINTS.length - 1; point >= 0; point--) {
    for (; last >= 0 && right[last]! / wanted >= RECALL_POINTS[point]!; last--) {
      highest = Math.max(highest, precision[last]!);
    }
    sum += highest;
  }
  return sum / RECALL_POINTS.length;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
