import type {StateTensor} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {describe, type ModelDescription} from '../model/checkpoint.js';
import {invalidCheckpoint} from '../weights/invalid-checkpoint.js';
import {readWeights} from '../weights/read-weights.js';
import {type StateDict, toStateDict, withName} from '../weights/state-dict.js';
import {writeSafetensors} from '../weights/write-safetensors.js';
import type {LossScale} from './loss-scale.js';
import type {ResolvedTrainOptions} from './options.js';

/** The metadata key of a state file under which the training state is stored as JSON. */
const TRAINING = 'maskrcnn_training';

/** How far a run has got, and where it resumes. */
export type Position = {
  /** The next step, counted from 0 over the whole run. */
  step: number;
  /** The epoch of that step, and the step's first batch within the epoch. */
  epoch: number;
  batch: number;
  /** The score of the best checkpoint, where higher is better; null before the first one. */
  bestScore: number | null;
  /** Number of scores since then that were not better. */
  sinceBest: number;
  /** Number of steps that were skipped because losses or gradients were not finite. */
  nonFinite: number;
  /** The loss scale; in float16 only. */
  lossScale?: LossScale;
  /** Duration of the run so far in seconds. */
  seconds: number;
};

export const START: Position = {step: 0, epoch: 0, batch: 0, bestScore: null, sinceBest: 0, nonFinite: 0, seconds: 0};

/** Everything that the rest of a run depends on, except the data. */
export type TrainingState = {
  model: StateDict;
  /** The moments of the optimizer and, with `ema`, the moving average of the weights. */
  optimizer: readonly StateTensor[];
  /**
   * State of the samplers' random generator. Image order and augmentation have no state: they follow from seed, epoch
   * and index.
   */
  samplers: Uint8Array;
  position: Position;
  options: ResolvedTrainOptions;
  /** Number of images in the data set. */
  images: number;
  /** The id of the run (`RunFolder.id`); undefined in states of older versions. */
  runId: string | undefined;
};

const PARTS = ['model', 'optimizer', 'random'] as const;

/**
 * Writes the state of a run, including its weights, to a single safetensors file, so that a kill cannot separate them.
 * The tensors are `model.NAME`, `optimizer.NAME` and `random.samplers`; the rest is JSON in the metadata. Throws
 * WRITE_FAILED.
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
 * Reads a file that `writeTrainingState()` wrote. Throws INVALID_CHECKPOINT if it is another kind of file, or if its
 * network differs from `description`.
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
  const {position, options, images, runId} = JSON.parse(training) as Omit<
    TrainingState,
    'model' | 'optimizer' | 'samplers'
  >;
  return {model: toStateDict(parts.model), optimizer: parts.optimizer, samplers, position, options, images, runId};
}

/** Describes the first difference between two descriptions of a network. */
function difference(saved: unknown, own: unknown): string {
  if (Array.isArray(own)) return `its classes are ${JSON.stringify(saved)}, the model's ${JSON.stringify(own)}`;
  const [before, now] = [saved, own].map((text) => JSON.parse(String(text ?? '{}')) as Record<string, unknown>);
  const differs = (name: string) => JSON.stringify(before![name]) !== JSON.stringify(now![name]);
  const name = [...new Set([...Object.keys(now!), ...Object.keys(before!)])].find(differs)!;
  return `its ${name} is ${JSON.stringify(before![name])}, the model's ${JSON.stringify(now![name])}`;
}
