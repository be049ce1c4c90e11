import type {Evaluation} from '../evaluation/evaluate.js';
import type {EpochRecord} from './history.js';

/**
 * The score that selects the best checkpoint; the highest wins. 'loss' is the negated training loss. The others are
 * scores of `evaluate()`: 'ap' and 'ap50' of masks, 'boxAp' of boxes, 'iou' and 'f1' of pixels, 'objectF1' and
 * 'objectDice' of objects.
 */
export type BestBy = 'ap' | 'ap50' | 'boxAp' | 'iou' | 'f1' | 'objectF1' | 'objectDice' | 'loss';

/** The scores to select by. Pixel and object scores are means over images. */
export const BEST_BY: Record<Exclude<BestBy, 'loss'>, (evaluation: Evaluation) => number | null> = {
  ap: ({segm}) => segm.ap,
  ap50: ({segm}) => segm.ap50,
  boxAp: ({bbox}) => bbox.ap,
  iou: ({pixel}) => pixel.mean.iou,
  f1: ({pixel}) => pixel.mean.f1,
  objectF1: ({objects}) => objects.mean.f1,
  objectDice: ({objects}) => objects.mean.dice,
};

/** The score of an epoch by `bestBy`, where higher is better; null if the epoch was not evaluated. */
export function scoreOf({loss, validation}: EpochRecord, bestBy: BestBy): number | null {
  if (bestBy === 'loss') return -loss;
  return validation === null ? null : BEST_BY[bestBy](validation);
}
