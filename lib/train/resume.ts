import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';
import {completeTrainOptions} from './complete-options.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';
import type {TrainingState} from './state.js';

/** Options that a run may change when it goes on: they say how long, and what is looked at and kept. */
const FREE: readonly (keyof ResolvedTrainOptions)[] = [
  'prefetch',
  'skipNonFinite',
  'evaluateEvery',
  'scoreThreshold',
  'bestBy',
  'patience',
  'limitHours',
  'saveEvery',
  'saveEveryMinutes',
];

/**
 * The options of a run that goes on from `state`: those given now, and where none is given those of before. Throws
 * INVALID_OPTION where one that decides the course differs, and INVALID_DATASET for another number of images.
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
