import type {Random} from '../basics/random.js';
import type {Sample} from '../datasets/dataset.js';

/** What an augmentation may use besides its own sample. */
export type AugmentContext = {
  /** Another sample of the data set, drawn at random, without augmentation. */
  another(): Promise<Sample>;
};

/**
 * Changes a sample for training. It must not modify its input, must draw random numbers from `random` only, and must
 * transform the image, the boxes and the masks together.
 */
export type Augmentation = (sample: Sample, random: Random, context: AugmentContext) => Sample | Promise<Sample>;

/** Applies the augmentations one after another, in the given order. */
export function compose(...augmentations: readonly Augmentation[]): Augmentation {
  return async (sample, random, context) => {
    let changed = sample;
    for (const augment of augmentations) changed = await augment(changed, random, context);
    return changed;
  };
}

/** A number drawn uniformly from `low` to `high`. */
export function uniform(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}
