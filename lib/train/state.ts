import type {StateTensor} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {describe, type ModelDescription} from '../model/checkpoint.js';
import {invalidCheckpoint} from '../weights/invalid-checkpoint.js';
import {readWeights} from '../weights/read-weights.js';
import {type StateDict, toStateDict, withName} from '../weights/state-dict.js';
import {writeSafetensors} from '../weights/write-safetensors.js';
import type {LossScale} from './loss-scale.js';
import type {ResolvedTrainOptions} from './options.js';

/** Under this name a state file keeps, as JSON, where its training stood. */
const TRAINING = 'maskrcnn_training';

/** Where a run stands: what it goes on from. */
export type Position = {
  /** The next step, counted from 0 over the whole run. */
  step: number;
  /** Its epoch, and its first batch within that. */
  epoch: number;
  batch: number;
  /** The score of the best checkpoint, higher being better, or null before the first. */
  bestScore: number | null;
  /** Scores since then that were no better. */
  sinceBest: number;
  /** Steps left out because they were not finite. */
  nonFinite: number;
  /** In float16. */
  lossScale?: LossScale;
  /** What the run has taken so far. */
  seconds: number;
};

export const START: Position = {step: 0, epoch: 0, batch: 0, bestScore: null, sinceBest: 0, nonFinite: 0, seconds: 0};

/** Everything that the rest of a run depends on, but for the data. */
export type TrainingState = {
  model: StateDict;
  /** Moments, and the moving average of the weights where there is one. */
  optimizer: readonly StateTensor[];
  /** State of the samplers' generator. Order and augmentation need none: they follow from seed, epoch and index. */
  samplers: Uint8Array;
  position: Position;
  options: ResolvedTrainOptions;
  /** Images of the data set. */
  images: number;
};

const PARTS = ['model', 'optimizer', 'random'] as const;

/**
 * Writes the state of a run as one safetensors file, weights included, so that no kill can part them: tensors `model.NAME`,
 * `optimizer.NAME` and `random.samplers`, and the rest as JSON in the metadata. Throws WRITE_FAILED.
 */
export async function writeTrainingState(
  path: string,
  {model, optimizer, samplers, ...training}: TrainingState,
  description: ModelDescription,
): Promise<void> {
  const tensors = toStateDict([
    ...Array.from(model.values(), (tensor) => withName(tensor, `model.${tensor.name}`)),
    ...optimizer.map((tensor) => withName(tensor, `optimizer.${tensor.name}`)),
    {name: 'random.samplers', dtype: 'uint8', shape: [samplers.length], data: samplers},
  ]);
  await writeSafetensors(path, tensors, {...describe(description), [TRAINING]: JSON.stringify(training)});
}

/**
 * Reads what `writeTrainingState()` wrote. Throws INVALID_CHECKPOINT for another file, and where the network was not that of
 * `description`.
 */
export async function readTrainingState(path: string, description: ModelDescription): Promise<TrainingState> {
  const {tensors, metadata} = await readWeights(path);
  const {[TRAINING]: training, ...network} = metadata;
  if (typeof training !== 'string') throw invalidCheckpoint(path, 'is not the state of a training run');
  const expected = describe(description);
  for (const [key, value] of Object.entries(expected)) {
    if (JSON.stringify(network[key]) === JSON.stringify(value)) continue;
    throw new MaskRcnnError(
      'INVALID_CHECKPOINT',
      `${path} must be of the network that is trained: ${difference(network[key], value)}.`,
      {file: path, hint: "Make the model with the options of the run: they are in its folder's options.json."},
    );
  }
  const parts: Record<(typeof PARTS)[number], StateTensor[]> = {model: [], optimizer: [], random: []};
  for (const tensor of tensors.values()) {
    const part = PARTS.find((name) => tensor.name.startsWith(`${name}.`));
    if (part === undefined) throw invalidCheckpoint(path, `has a tensor ${tensor.name}, which no state has`);
    parts[part].push(withName(tensor, tensor.name.slice(part.length + 1)));
  }
  const samplers = parts.random.find(({name}) => name === 'samplers')?.data;
  if (samplers === undefined) throw invalidCheckpoint(path, 'has no tensor random.samplers');
  const {position, options, images} = JSON.parse(training) as Pick<TrainingState, 'position' | 'options' | 'images'>;
  return {model: toStateDict(parts.model), optimizer: parts.optimizer, samplers, position, options, images};
}

/** The first difference of two descriptions of a network, in words. */
function difference(saved: unknown, own: unknown): string {
  if (Array.isArray(own)) return `its classes are ${JSON.stringify(saved)}, the model's ${JSON.stringify(own)}`;
  const [before, now] = [saved, own].map((text) => JSON.parse(String(text ?? '{}')) as Record<string, unknown>);
  const differs = (name: string) => JSON.stringify(before![name]) !== JSON.stringify(now![name]);
  const name = [...new Set([...Object.keys(now!), ...Object.keys(before!)])].find(differs)!;
  return `its ${name} is ${JSON.stringify(before![name])}, the model's ${JSON.stringify(now![name])}`;
}
