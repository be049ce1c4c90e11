import {leaves} from './scalars.js';

/** What is told of an evaluation in a line: of each group of metrics the first of this name. */
const HEADLINES = [
  ['segm', 'ap', 'mask AP'],
  ['pixel', 'iou', 'pixel IoU'],
  ['pixel', 'f1', 'F1'],
  ['objects', 'f1', 'object F1'],
  ['objects', 'dice', 'object Dice'],
] as const;

/** The headlines of an evaluation, those that it has. */
export function headlines(evaluation: object | null): {name: string; value: number}[] {
  const scores = leaves(evaluation);
  return HEADLINES.flatMap(([group, score, name]) => {
    const value = scores.find(([names]) => names[0] === group && names.at(-1) === score)?.[1];
    return value === undefined ? [] : [{name, value}];
  });
}
