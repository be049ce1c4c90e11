import type {Random} from '../basics/random.js';
import type {Sample} from '../datasets/dataset.js';

/** What an augmentation may ask for beyond its own sample. */
export type AugmentContext = {
  /** Another sample of the data set, drawn at random and not augmented. */
  another(): Promise<Sample>;
};

/**
 * Changes a sample for training. It must not write into what it is given, must draw from `random` alone, and must move
 * image, boxes and masks together.
 */
export type Augmentation = (sample: Sample, random: Random, context: AugmentContext) => Sample | Promise<Sample>;

/** One after the other, in the order given. */
export function compose(...augmentations: readonly Augmentation[]): Augmentation {
  return async (sample, random, context) => {
    let changed = sample;
    for (const augment of augmentations) changed = await augment(changed, random, context);
    return changed;
  };
}

/** A number from `low` to `high`, each equally likely. */
export function uniform(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}
