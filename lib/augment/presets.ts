import {MaskRcnnError} from '../basics/errors.js';
import {callback, either, listOf, oneOf, type Rule} from '../basics/schema.js';
import {closest, show} from '../basics/wording.js';
import {randomAffine} from './affine.js';
import {type Augmentation, compose} from './augmentation.js';
import {colorJitter, stainJitter} from './color.js';
import {randomHorizontalFlip, randomVerticalFlip} from './flip.js';
import {scaleJitter} from './scale-jitter.js';

/** The augmentations that can be chosen by name. */
const PRESETS = {
  none: () => compose(),
  hflip: () => randomHorizontalFlip(),
  flips: () => compose(randomHorizontalFlip(), randomVerticalFlip()),
  multiscale: () => compose(scaleJitter({range: [0.6, 1.5]}), randomHorizontalFlip()),
  lsj: () => compose(scaleJitter(), randomHorizontalFlip()),
  histology: () =>
    compose(
      randomHorizontalFlip(),
      randomVerticalFlip(),
      // Keep the rotation small: a larger one mirrors more of the image into the border, where cut objects merge with
      // their mirror images.
      randomAffine({rotate: 15, translate: 0.05, elastic: {}}),
      colorJitter({brightness: 0.15, contrast: 0.15, saturation: 0.15}),
      stainJitter(),
    ),
} satisfies Record<string, () => Augmentation>;

/** The preset names that the option `augment` of `train()` accepts. `docs/training.md` describes each one. */
export type AugmentName = keyof typeof PRESETS;

export const AUGMENT_NAMES = Object.keys(PRESETS) as readonly AugmentName[];

export const augmentRule: Rule = either(oneOf(...AUGMENT_NAMES), callback, listOf(callback));

/**
 * The augmentation for a preset name, for your own function, or for a list of functions in order. Throws
 * INVALID_OPTION.
 */
export function toAugmentation(given: AugmentName | Augmentation | readonly Augmentation[]): Augmentation {
  if (!augmentRule.accepts(given)) {
    const near = typeof given === 'string' ? closest(given, AUGMENT_NAMES) : undefined;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `An augmentation must be ${augmentRule.expected}, got ${show(given)}.`,
      near === undefined ? {} : {hint: `Did you mean '${near}'?`},
    );
  }
  if (typeof given === 'string') return PRESETS[given]();
  return typeof given === 'function' ? given : compose(...given);
}
