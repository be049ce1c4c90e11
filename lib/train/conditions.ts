import {loadBinding} from '../addon/binding.js';
import {describeInstructions} from '../addon/cpus.js';
import {gpuIndex} from '../addon/device.js';
import {versions} from '../addon/versions.js';
import {type ErrorCode, MaskRcnnError} from '../basics/errors.js';
import type {Dataset} from '../datasets/dataset.js';
import {compareFingerprints, type Fingerprint, fingerprintOf} from '../datasets/fingerprint.js';
import type {MaskRcnn} from '../model/model.js';
import type {TrainOptions} from './options.js';

/** What the course of a run depends on besides its options. It is saved with the state, to be compared on resuming. */
export type Conditions = {
  data: Fingerprint;
  /** Null without a validation set. */
  validation: Fingerprint | null;
  precision: string;
  device: 'cpu' | 'cuda';
  /** What may change the last digits of the results, by names for messages. */
  minor: Record<string, string | number>;
};

/** Which conditions have changed, as sentences. */
export type Changes = {
  /** These make another run. */
  major: {code: ErrorCode; text: string; file?: string | undefined}[];
  /** These may make another run. */
  minor: string[];
  /** Whether the scores of before are of other validation data. */
  ofValidation: boolean;
};

/** The conditions of a run that begins or goes on now. Throws the signal's reason, and errors of `data.sources()`. */
export async function conditionsOf(
  {options: {device, precision, tf32, threads}}: MaskRcnn,
  {data, validation, signal}: Pick<TrainOptions, 'data' | 'validation' | 'signal'>,
  processes = 1,
): Promise<Conditions> {
  const {maskrcnn, libtorch} = await versions();
  const instructions = describeInstructions((await loadBinding()).environment());
  const isOnGpu = gpuIndex(device) !== undefined;
  return {
    data: await fingerprintOf(data, signal),
    validation: validation === undefined ? null : await fingerprintOf(validation, signal),
    precision,
    device: isOnGpu ? 'cuda' : 'cpu',
    minor: {maskrcnn, libtorch, processes, threads, 'CPU capability': instructions, ...(isOnGpu && {tf32})},
  };
}

/** How the conditions of `given` differ from those that a run had `before`. */
export function compareConditions(
  before: Conditions,
  now: Conditions,
  {data, validation}: Pick<TrainOptions, 'data' | 'validation'>,
): Changes {
  const ofData = compareFingerprints(before.data, now.data, data).map(dataChange('data'));
  const ofValidation = compareValidation(before.validation, now.validation, validation);
  const ofModel = (['precision', 'device'] as const)
    .filter((name) => before[name] !== now[name])
    .map((name) => ({
      code: 'INVALID_OPTION' as const,
      text: `The model of a resumed run must have the ${name} '${before[name]}' as before, got '${now[name]}'.`,
    }));
  const minor = Object.keys({...before.minor, ...now.minor})
    .filter((name) => before.minor[name] !== now.minor[name])
    .map((name) => `${name} ${before.minor[name] ?? 'unknown'} before, ${now.minor[name] ?? 'unknown'} now`);
  return {major: [...ofData, ...ofValidation, ...ofModel], minor, ofValidation: ofValidation.length > 0};
}

/** Throws a single error that tells all major changes: INVALID_DATASET, or INVALID_OPTION if they are the model's. */
export function refuseChanges({major}: Changes, state: string): void {
  const [first] = major;
  if (first === undefined) return;
  throw new MaskRcnnError(first.code, major.map(({text}) => text).join(' '), {
    file: first.file ?? state,
    hint:
      'Restore what was there, or begin another run with the last.safetensors of this one as `weights`. ' +
      'allowChanges: true goes on regardless, and the result is then that of no uninterrupted run.',
  });
}

function compareValidation(
  before: Fingerprint | null,
  now: Fingerprint | null,
  validation: Dataset | undefined,
): Changes['major'] {
  const change = dataChange('validation');
  if (before === null && now === null) return [];
  if (now === null || validation === undefined) return [change({text: 'must be given as before, got none'})];
  if (before === null) return [change({text: `must be none as before, got one of ${now.length} images`})];
  return compareFingerprints(before, now, validation).map(change);
}

function dataChange(name: 'data' | 'validation') {
  return ({text, file}: {text: string; file?: string | undefined}) => ({
    code: 'INVALID_DATASET' as const,
    text: `'${name}' of a resumed run ${text}.`,
    file,
  });
}
