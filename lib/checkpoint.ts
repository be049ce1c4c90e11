import {extname} from 'node:path';
import type {StateTensor} from '../binding.js';
import {completeModelOptions} from './complete-model-options.js';
import {MaskRcnnError} from './errors.js';
import type {ModelOptions, ResolvedModelOptions} from './model-options.js';
import {checkModelOptions} from './options.js';
import type {ResolvedTrainOptions} from './train-options.js';
import type {WeightsMetadata} from './weights/metadata.js';
import {type StateDict, toStateDict, withName} from './weights/state-dict.js';
import {writePth} from './weights/write-pth.js';
import {writeSafetensors} from './weights/write-safetensors.js';

/** Under these names a file keeps, as JSON, the options of its network and where its training stood. */
const NETWORK = 'maskrcnn_options';
const TRAINING = 'maskrcnn_training';

/** What a network is built from, besides its weights. */
export type ModelDescription = {classes: readonly string[]; options: ResolvedModelOptions};

/** Where a run stands: what it would go on from. */
export type Position = {
  /** The next step, counted from 0 over the whole run. */
  step: number;
  /** Its epoch, and its batch within that. */
  epoch: number;
  batch: number;
  /** The score of the best checkpoint, higher being better, or null before the first. */
  bestScore: number | null;
};

/** Everything that the rest of a run depends on, but for the data. */
export type TrainingState = {
  model: StateDict;
  optimizer: readonly StateTensor[];
  /** State of the samplers' generator. Order and augmentation need none: they follow from seed, epoch and index. */
  samplers: Uint8Array;
  position: Position;
  options: ResolvedTrainOptions;
};

/** Writes weights with classes and options, as `.safetensors`, `.pth` or `.pt`. Throws INVALID_OPTION, WRITE_FAILED. */
export async function writeModel(path: string, tensors: StateDict, description: ModelDescription): Promise<void> {
  const metadata = describe(description);
  switch (extname(path).toLowerCase()) {
    case '.safetensors':
      return writeSafetensors(path, tensors, metadata);
    case '.pth':
    case '.pt':
      return writePth(path, tensors, metadata);
    default:
      throw new MaskRcnnError('INVALID_OPTION', `A model is saved as .safetensors, .pth or .pt, got '${path}'.`, {
        file: path,
      });
  }
}

/**
 * Writes the state of a run as one safetensors file, weights included, so that no kill can part them: tensors `model.NAME`,
 * `optimizer.NAME` and `random.samplers`, and the rest as JSON in the metadata.
 */
export async function writeTrainingState(
  path: string,
  {model, optimizer, samplers, position, options}: TrainingState,
  description: ModelDescription,
): Promise<void> {
  const tensors = toStateDict([
    ...Array.from(model.values(), (tensor) => withName(tensor, `model.${tensor.name}`)),
    ...optimizer.map((tensor) => withName(tensor, `optimizer.${tensor.name}`)),
    {name: 'random.samplers', dtype: 'uint8', shape: [samplers.length], data: samplers},
  ]);
  await writeSafetensors(path, tensors, {...describe(description), [TRAINING]: JSON.stringify({position, options})});
}

/** What `maskRcnn({weights})` builds the same network from. Device, precision and seed are its caller's. */
function describe({classes, options}: ModelDescription): WeightsMetadata {
  const {device, precision, seed, numClasses, ...network} = options;
  return {classes: [...classes], [NETWORK]: JSON.stringify(network)};
}

/**
 * The options of the network that a file was saved with, or undefined for a file of another program. Throws
 * INVALID_CHECKPOINT where they are not those of a network.
 */
export function describedOptions(metadata: WeightsMetadata, file: string): ModelOptions | undefined {
  const text = metadata[NETWORK];
  if (typeof text !== 'string') return undefined;
  try {
    const options = JSON.parse(text) as ModelOptions;
    checkModelOptions(options);
    completeModelOptions(options, {pretrained: true, numClasses: 2, device: 'cpu'});
    return options;
  } catch (cause) {
    throw new MaskRcnnError(
      'INVALID_CHECKPOINT',
      `${file} must have the options of a network as '${NETWORK}', got others: ${(cause as Error).message}`,
      {file, cause},
    );
  }
}
