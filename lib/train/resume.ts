import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';
import {completeTrainOptions} from './complete-options.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';
import type {TrainingState} from './state.js';

/**
 * Options that may change when a run resumes. They only affect how long it runs, when it evaluates and what it saves.
 * `bestBy` and `scoreThreshold` are not among them: scores of different kinds cannot be compared, and the weights of
 * the earlier epochs, which may be the best ones by another score, are gone.
 */
const FREE: readonly (keyof ResolvedTrainOptions)[] = [
  'prefetch',
  'skipNonFinite',
  'evaluateEvery',
  'patience',
  'limitHours',
  'saveEvery',
  'saveEveryMinutes',
];

/**
 * The options of a run that resumes from `state`: those given now, or else those of the earlier run. Throws
 * INVALID_OPTION if an option that affects the training itself differs, and INVALID_DATASET if the number of images
 * differs.
 */
export function completeResumedOptions(given: TrainOptions, {options, images}: TrainingState): ResolvedTrainOptions {
  if (given.data.length !== images) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `'data' of a resumed run must have its ${images} images, got ${given.data.length}.`,
    );
  }
  const {augment, ...before} = options;
  const resolved = completeTrainOptions({
    ...before,
    ...(augment !== 'own' && {augment}),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    data: given.data,
  });
  for (const name of Object.keys(resolved) as (keyof ResolvedTrainOptions)[]) {
    if (FREE.includes(name) || JSON.stringify(resolved[name]) === JSON.stringify(options[name])) continue;
    const [then, now] = [options[name], resolved[name]].map((value) =>
      value === 'own' ? 'functions' : typeof value === 'object' ? JSON.stringify(value) : show(value),
    );
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option '${name}' of a resumed run must be ${then} as before, got ${now}.`,
      {
        hint: 'Leave it out, or begin another run with weights: the last.safetensors of this one.',
      },
    );
  }
  return resolved;
}
