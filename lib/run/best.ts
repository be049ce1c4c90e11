import type {Evaluation} from '../evaluation/evaluation.js';
import type {EpochRecord} from './history.js';

/**
 * The score that selects the best checkpoint; the highest wins. Ties go to the higher mask AP, then to the lower
 * training loss. 'loss' is the negated training loss. The others are scores of `evaluate()`: 'ap' and 'ap50' of masks,
 * 'boxAp' of boxes, 'iou' and 'f1' of pixels, 'objectF1' and 'objectDice' of objects.
 */
export type BestBy = 'ap' | 'ap50' | 'boxAp' | 'iou' | 'f1' | 'objectF1' | 'objectDice' | 'loss';

/** The scores to select by. Pixel and object scores are means over images. */
export const BEST_BY: Record<Exclude<BestBy, 'loss'>, (evaluation: Evaluation) => number | null> = {
  ap: ({segm}) => segm?.ap ?? null,
  ap50: ({segm}) => segm?.ap50 ?? null,
  boxAp: ({bbox}) => bbox.ap,
  iou: ({pixel}) => pixel.mean.iou,
  f1: ({pixel}) => pixel.mean.f1,
  objectF1: ({objects}) => objects.mean.f1,
  objectDice: ({objects}) => objects.mean.dice,
};

/** What breaks a tie between epochs with the same score: the AP of masks, or else of boxes, then the training loss. */
export type TieBreak = {ap: number | null; loss: number};

/** The values of an epoch that break ties. A record of another version may have no COCO scores. */
export function tieBreakOf({loss, validation}: EpochRecord): TieBreak {
  const {bbox, segm} = (validation ?? {}) as Partial<Evaluation>;
  return {ap: (segm ?? bbox)?.ap ?? null, loss};
}

/**
 * Whether an epoch is better than the best one so far: by a higher score, or else a higher mask AP, or else a lower
 * training loss. Without the tie break of the best one, as in states of older versions, the earlier epoch stays.
 */
export function isBetter(
  [score, tieBreak]: readonly [score: number, tieBreak: TieBreak],
  [bestScore, best]: readonly [score: number | null, tieBreak: TieBreak | undefined],
): boolean {
  if (bestScore === null) return true;
  if (score !== bestScore || best === undefined) return score > bestScore;
  const [ap, bestAp] = [tieBreak.ap ?? -Infinity, best.ap ?? -Infinity];
  return ap === bestAp ? lossOf(tieBreak) < lossOf(best) : ap > bestAp;
}

/** The epoch that a run keeps as its best one, by the rule of `isBetter()`; undefined if none has a score. */
export function bestEpoch(epochs: readonly EpochRecord[], bestBy: BestBy): EpochRecord | undefined {
  let best: {record: EpochRecord; score: number} | undefined;
  for (const record of epochs) {
    const score = scoreOf(record, bestBy);
    if (score === null) continue;
    if (isBetter([score, tieBreakOf(record)], [best?.score ?? null, best && tieBreakOf(best.record)])) {
      best = {record, score};
    }
  }
  return best?.record;
}

/** A loss that is not finite is the worst. It is NaN until it is saved, and null in a state, which is JSON. */
function lossOf({loss}: TieBreak): number {
  return Number.isFinite(loss) ? loss : Infinity;
}

/**
 * The score of an epoch by `bestBy`, where higher is better. Null if the epoch has none: it was not evaluated, or was
 * cut short, or its loss is not finite.
 */
export function scoreOf({loss, validation, cut}: EpochRecord, bestBy: BestBy): number | null {
  if (cut) return null;
  if (bestBy === 'loss') return Number.isFinite(loss) ? -loss : null;
  return validation === null ? null : BEST_BY[bestBy](validation);
}
