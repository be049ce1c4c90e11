import {setImmediate} from 'node:timers/promises';
import {crc32} from 'node:zlib';
import type {StateTensor} from '../../binding.js';
import {MaskRcnnError, sentenceOf} from '../basics/errors.js';
import {describe, type ModelDescription} from '../model/checkpoint.js';
import {invalidCheckpoint} from '../weights/invalid-checkpoint.js';
import type {WeightsMetadata} from '../weights/metadata.js';
import {readWeights} from '../weights/read-weights.js';
import {TRAINING} from '../weights/run-weights.js';
import {type StateDict, toStateDict, withName} from '../weights/state-dict.js';
import {writeSafetensors} from '../weights/write-safetensors.js';
import type {Conditions} from './conditions.js';
import type {LossScale} from './loss-scale.js';
import type {ResolvedTrainOptions} from './options.js';
import type {Standing} from './standing.js';

/** The metadata key of the checksum. */
const CHECKSUM = 'maskrcnn_checksum';

/** A checksum over this many bytes takes some milliseconds. Other work runs between such parts. */
const CHECKSUM_PART = 8 << 20;

/** How far a run has got, and where it resumes. */
export type Position = Standing & {
  /** The next step, counted from 0 over the whole run. */
  step: number;
  /** The epoch of that step, and the step's first batch within the epoch. */
  epoch: number;
  batch: number;
  /** Number of steps that were skipped because losses or gradients were not finite. */
  nonFinite: number;
  /** The loss scale; in float16 only. */
  lossScale?: LossScale;
  /** Duration of the run so far in seconds. */
  seconds: number;
};

export const START: Position = {step: 0, epoch: 0, batch: 0, bestScore: null, sinceBest: 0, nonFinite: 0, seconds: 0};

/**
 * Everything that the rest of a run depends on. Of the data it has only what tells whether they are the same. Random
 * numbers have no state: those of image order, augmentation and samples follow from seed, epoch and index.
 */
export type TrainingState = {
  model: StateDict;
  /** The moments of the optimizer and, with `ema`, the moving average of the weights. */
  optimizer: readonly StateTensor[];
  position: Position;
  options: ResolvedTrainOptions;
  /** Number of images in the data set. */
  images: number;
  /** The id of the run (`RunFolder.id`); undefined in states of older versions. */
  runId: string | undefined;
  /** Undefined in states of older versions. */
  conditions: Conditions | undefined;
};

/** States of older versions also have the random generator that all samples were drawn from. */
const PARTS = ['model', 'optimizer', 'random'] as const;

/**
 * Writes the state of a run, including its weights, to a single safetensors file, so that a kill cannot separate them.
 * The tensors are `model.NAME` and `optimizer.NAME`; the rest is JSON in the metadata. Throws
 * WRITE_FAILED.
 */
export async function writeTrainingState(
  path: string,
  {model, optimizer, ...training}: TrainingState,
  {classes, options}: ModelDescription,
): Promise<void> {
  const tensors = toStateDict([
    ...Array.from(model.values(), (tensor) => withName(tensor, `model.${tensor.name}`)),
    ...optimizer.map((tensor) => withName(tensor, `optimizer.${tensor.name}`)),
  ]);
  const metadata = {...describe({classes, options}), [TRAINING]: JSON.stringify(training)};
  await writeSafetensors(path, tensors, {...metadata, [CHECKSUM]: await checksum(tensors, metadata)});
}

/** CRC-32 in hex over everything that a state has: the metadata, and each tensor with its name, dtype and shape. */
async function checksum(tensors: StateDict, metadata: WeightsMetadata): Promise<string> {
  // In the order of the names: a reader may give the metadata in another order than the writer.
  let crc = crc32(JSON.stringify(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))));
  for (const {name, dtype, shape, data} of tensors.values()) {
    crc = crc32(JSON.stringify([name, dtype, shape]), crc);
    for (let begin = 0; begin < data.length; begin += CHECKSUM_PART) {
      crc = crc32(data.subarray(begin, begin + CHECKSUM_PART), crc);
      if (data.length > CHECKSUM_PART) await setImmediate();
    }
  }
  return crc.toString(16).padStart(8, '0');
}

/** The way out if a state is damaged. */
const GIVE_UP =
  'The run cannot be resumed from it. Begin another one with its last.safetensors or best.safetensors as `weights`.';

/** Throws INVALID_CHECKPOINT if the content has changed since it was written. States of older versions have no sum. */
async function verify(path: string, tensors: StateDict, metadata: WeightsMetadata): Promise<void> {
  const {[CHECKSUM]: expected, format: _, ...content} = metadata;
  if (expected === undefined) return;
  const got = await checksum(tensors, content);
  if (got === expected) return;
  throw invalidCheckpoint(path, `is damaged: its content must have the checksum ${expected}, got ${got}`, GIVE_UP);
}

/**
 * Reads a file that `writeTrainingState()` wrote. Throws INVALID_CHECKPOINT if it is another kind of file, if it is
 * damaged, or if its network differs from the one described.
 */
export async function readTrainingState(
  path: string,
  {classes, options: network}: ModelDescription,
): Promise<TrainingState> {
  const {tensors, metadata} = await readWeights(path).catch((error) => {
    if (!(error instanceof MaskRcnnError && error.code === 'INVALID_CHECKPOINT')) throw error;
    throw new MaskRcnnError('INVALID_CHECKPOINT', sentenceOf(error), {file: path, hint: GIVE_UP, cause: error});
  });
  const {[TRAINING]: training, ...saved} = metadata;
  if (typeof training !== 'string') throw invalidCheckpoint(path, 'is not the state of a training run');
  await verify(path, tensors, metadata);
  // How images are read is a condition of the run, which may be allowed to change.
  const expected = describe({classes, options: network});
  for (const [key, value] of Object.entries(expected)) {
    if (JSON.stringify(saved[key]) === JSON.stringify(value)) continue;
    throw new MaskRcnnError(
      'INVALID_CHECKPOINT',
      `${path} must be of the network that is trained: ${difference(saved[key], value)}.`,
      {file: path, hint: "Make the model with the options of the run: they are in its folder's options.json."},
    );
  }
  const parts: Record<(typeof PARTS)[number], StateTensor[]> = {model: [], optimizer: [], random: []};
  for (const tensor of tensors.values()) {
    const part = PARTS.find((name) => tensor.name.startsWith(`${name}.`));
    if (part === undefined) throw invalidCheckpoint(path, `has a tensor ${tensor.name}, which no state has`);
    parts[part].push(withName(tensor, tensor.name.slice(part.length + 1)));
  }
  const {position, options, images, runId, conditions} = parseTraining(path, training);
  const model = toStateDict(parts.model);
  return {model, optimizer: parts.optimizer, position, options, images, runId, conditions};
}

type Training = Omit<TrainingState, 'model' | 'optimizer'>;

/** Parses the part of a state that is JSON. States of older versions have no checksum, so it may be damaged. */
function parseTraining(path: string, text: string): Training {
  let value: Partial<Training> | null;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidCheckpoint(path, `is damaged: its metadata are no JSON (${(cause as Error).message})`, GIVE_UP, cause);
  }
  const isWhole =
    typeof value?.position?.step === 'number' &&
    typeof value.options === 'object' &&
    value.options !== null &&
    Number.isSafeInteger(value.images);
  if (!isWhole)
    throw invalidCheckpoint(path, 'is damaged: its metadata lack the position or options of a run', GIVE_UP);
  return value as Training;
}

/** An object as JSON; an empty one if the text is not that. */
function parseObject(text: unknown): Record<string, unknown> {
  try {
    return {...JSON.parse(String(text))};
  } catch {
    return {};
  }
}

/** Describes the first difference between two descriptions of a network. */
function difference(saved: unknown, own: unknown): string {
  if (Array.isArray(own)) return `its classes are ${JSON.stringify(saved)}, the model's ${JSON.stringify(own)}`;
  const [before, now] = [parseObject(saved), parseObject(own)];
  const differs = (name: string) => JSON.stringify(before[name]) !== JSON.stringify(now[name]);
  const name = [...new Set([...Object.keys(now), ...Object.keys(before)])].find(differs);
  if (name === undefined) return `its options are ${String(saved)}, the model's ${String(own)}`;
  return `its ${name} is ${JSON.stringify(before[name])}, the model's ${JSON.stringify(now[name])}`;
}
