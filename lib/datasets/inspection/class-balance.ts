import {count} from '../../basics/wording.js';
import {repeatFactors} from '../repeat-factors.js';

/** What repeat-factor sampling (`balance: 'repeat-factor'` of `train()`) would do with the images that can be read. */
export type ClassBalance = {
  /** The fraction of the images below which a class is repeated. */
  threshold: number;
  /**
   * For each class, in the data set's order: how often an image that contains it is taken per epoch, at least. 1 for a
   * class that is on enough images, or on none.
   */
  repeats: number[];
  /** Mean number of images in an epoch. Equal to the number of images if no class is repeated. */
  epochImages: number;
};

/** `labels` has the labels of each image, all of which are classes of the data set. */
export function classBalance(
  labels: readonly ArrayLike<number>[],
  {classes, threshold}: {classes: number; threshold: number},
): ClassBalance {
  const factors = repeatFactors(labels, {classes, threshold});
  return {
    threshold,
    repeats: [...factors.classes],
    epochImages: factors.images.reduce((sum, repeats) => sum + repeats, 0),
  };
}

/** A line that tells what repeat-factor sampling would do; nothing if no class is rare enough. */
export function describeBalance(
  {threshold, repeats, epochImages}: ClassBalance,
  classes: readonly {name: string}[],
): string[] {
  const told = describeRepeats(
    repeats,
    classes.map(({name}) => name),
  );
  if (told === '') return [];
  return [
    `Repeat-factor sampling (threshold ${threshold}) would make an epoch of about ` +
      `${count(Math.round(epochImages), 'image')}, and repeat ${told}.`,
  ];
}

/** Number of classes that are named. */
const MOST_NAMED = 10;

/** The classes that are repeated, most often first: "'rare' 3.16 times, 'odd' 1.41 times". Empty if none is. */
export function describeRepeats(repeats: readonly number[], classes: readonly string[]): string {
  const repeated = classes
    .map((name, index) => ({name, factor: repeats[index]!}))
    .filter(({factor}) => factor > 1)
    .sort((a, b) => b.factor - a.factor);
  const named = repeated.slice(0, MOST_NAMED).map(({name, factor}) => `'${name}' ${factor.toFixed(2)} times`);
  const more = repeated.length - named.length;
  return [...named, ...(more > 0 ? [`and ${count(more, 'more class', 'more classes')}`] : [])].join(', ');
}
