import {MaskRcnnError} from '../basics/errors.js';
import {count, show} from '../basics/wording.js';
import {RunFolder} from '../run/run-folder.js';
import {completeTrainOptions} from './complete-options.js';
import {type Conditions, compareConditions, refuseChanges} from './conditions.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';
import type {TrainingState} from './state.js';

/**
 * Options that may change when a run resumes. They only affect how long it runs, when it evaluates, what it saves and
 * how much memory it takes (`activationCheckpointing` also the last digits of gradients).
 * `bestBy` and `scoreThreshold` are not among them: scores of different kinds cannot be compared, and the weights of
 * the earlier epochs, which may be the best ones by another score, are gone.
 */
const FREE: readonly (keyof ResolvedTrainOptions)[] = [
  'prefetch',
  'activationCheckpointing',
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
export function completeResumedOptions(
  given: TrainOptions,
  {options, images}: TrainingState,
  masks: 'instance' | 'none' = 'instance',
): ResolvedTrainOptions {
  if (given.data.length !== images) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `'data' of a resumed run must have its ${count(images, 'image')}, got ${given.data.length}.`,
    );
  }
  const {augment, ...before} = options;
  const merged = {
    ...before,
    ...(augment !== 'own' && {augment}),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    data: given.data,
  };
  const resolved = completeTrainOptions(merged, masks, options.processes);
  for (const name of Object.keys(resolved) as (keyof ResolvedTrainOptions)[]) {
    if (FREE.includes(name) || JSON.stringify(resolved[name]) === JSON.stringify(options[name])) continue;
    // An older version did not know the option, and did what its default does.
    if (options[name] === undefined && (given as Record<string, unknown>)[name] === undefined) continue;
    const [then, now] = [options[name], resolved[name]].map((value) =>
      value === 'own' ? 'functions' : typeof value === 'object' ? JSON.stringify(value) : show(value),
    );
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option '${name}' of a resumed run must be ${then} as before, got ${now}.`,
      {
        hint: 'Leave it out, or begin another run with the last.safetensors of this one as `weights`.',
      },
    );
  }
  return resolved;
}

/**
 * Compares the conditions of now with those of the state. Returns the state to go on from, and what to tell. Throws
 * INVALID_DATASET or INVALID_OPTION for changes that make another run, unless `allowChanges` is set.
 */
export function resumeUnder(
  now: Conditions,
  state: TrainingState,
  given: TrainOptions,
): {state: TrainingState; notices: string[]} {
  if (state.conditions === undefined) {
    return {
      state,
      notices: [
        'The state is of an older version: whether data, precision and device are those of before could not be compared.',
      ],
    };
  }
  const changes = compareConditions(state.conditions, now, given);
  if (!given.allowChanges) refuseChanges(changes, RunFolder.statePath(given.output!));
  const notices = changes.major.map(({text}) => `Going on regardless: ${text}`);
  if (changes.minor.length > 0) {
    notices.push(
      `Changed since the state was saved: ${changes.minor.join('; ')}. Results may differ in their last digits from those ` +
        'of an uninterrupted run.',
    );
  }
  return {state: changes.ofValidation ? withoutBest(state) : state, notices};
}

/** Scores on different data cannot be compared, so the next epoch is the best one so far. */
function withoutBest(state: TrainingState): TrainingState {
  const {bestTieBreak: _, ...position} = state.position;
  return {...state, position: {...position, bestScore: null, sinceBest: 0}};
}
