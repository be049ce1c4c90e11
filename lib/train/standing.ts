import {type BestBy, isBetter, scoreOf, type TieBreak, tieBreakOf} from '../run/best.js';
import type {EpochRecord} from '../run/history.js';

/** What the epochs so far say about the next one: which score it must beat, and how long nothing was better. */
export type Standing = {
  /** The score of the best checkpoint, where higher is better; null before the first one. */
  bestScore: number | null;
  /** What breaks ties with that score; undefined before the first one, and in states of older versions. */
  bestTieBreak?: TieBreak;
  /** Number of scores since then that were not better. */
  sinceBest: number;
};

/**
 * The standing after another epoch, and whether this epoch is the best so far. It follows from the records alone, not
 * from time or from what was saved, so a run in parts decides as a run in one. An epoch without a score changes
 * nothing. For `sinceBest`, a tie is not better, even if it makes the epoch the best one.
 */
export function judge(before: Standing, record: EpochRecord, bestBy: BestBy): {standing: Standing; isBest: boolean} {
  const score = scoreOf(record, bestBy);
  if (score === null) return {standing: before, isBest: false};
  const {bestScore, bestTieBreak, sinceBest} = before;
  const tieBreak = tieBreakOf(record);
  const isBest = isBetter([score, tieBreak], [bestScore, bestTieBreak]);
  return {
    isBest,
    standing: {
      ...(isBest ? {bestScore: score, bestTieBreak: tieBreak} : before),
      sinceBest: bestScore === null || score > bestScore ? 0 : sinceBest + 1,
    },
  };
}
