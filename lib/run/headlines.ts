import {leaves} from './scalars.js';

/** The scores for a one-line summary of an evaluation. Each takes the first metric of its group with this name. */
const HEADLINES = [
  ['segm', 'ap', 'mask AP'],
  // Only of a network or data set without masks: else that of masks says as much.
  ['bbox', 'ap', 'box AP'],
  ['pixel', 'iou', 'pixel IoU'],
  ['pixel', 'f1', 'pixel F1'],
  ['objects', 'f1', 'object F1'],
  ['objects', 'dice', 'object Dice'],
] as const;

/** The headline scores that this evaluation has, each with the names that lead to it in the evaluation. */
export function headlines(evaluation: object | null): {name: string; value: number; path: string[]}[] {
  const scores = leaves(evaluation);
  const hasMasks = scores.some(([[group]]) => group === 'segm');
  return HEADLINES.filter(([group]) => group !== 'bbox' || !hasMasks).flatMap(([group, score, name]) => {
    const found = scores.find(([names]) => names[0] === group && names.at(-1) === score);
    return found === undefined ? [] : [{name, path: found[0], value: found[1]}];
  });
}
