import type {Evaluation} from '../evaluation/evaluate.js';
import type {EpochRecord} from './history.js';

/** Which score chooses the best checkpoint, the highest winning: see `evaluate()`; 'loss' is the training loss, negated. */
export type BestBy = 'ap' | 'ap50' | 'boxAp' | 'iou' | 'f1' | 'objectF1' | 'objectDice' | 'loss';

/** The scores of an evaluation to choose by; those of pixels and objects are means over images. */
export const BEST_BY: Record<Exclude<BestBy, 'loss'>, (evaluation: Evaluation) => number | null> = {
  ap: ({segm}) => segm.ap,
  ap50: ({segm}) => segm.ap50,
  boxAp: ({bbox}) => bbox.ap,
  iou: ({pixel}) => pixel.mean.iou,
  f1: ({pixel}) => pixel.mean.f1,
  objectF1: ({objects}) => objects.mean.f1,
  objectDice: ({objects}) => objects.mean.dice,
};

/** What `bestBy` says of an epoch, more being better; null where the epoch was not evaluated. */
export function scoreOf({loss, validation}: EpochRecord, bestBy: BestBy): number | null {
  if (bestBy === 'loss') return -loss;
  return validation === null ? null : BEST_BY[bestBy](validation);
}
