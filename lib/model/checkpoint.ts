import {MaskRcnnError} from '../basics/errors.js';
import {type PixelOptions, pixelOptionsOf, pixelsRule} from '../image/pixel-options.js';
import {parseJson, type WeightsMetadata} from '../weights/metadata.js';
import type {StateDict} from '../weights/state-dict.js';
import {writeWeights} from '../weights/write-weights.js';
import {checkModelOptions} from './check-options.js';
import {completeModelOptions} from './complete-options.js';
import type {ModelOptions, ResolvedModelOptions} from './options.js';

/** The name in the metadata of a file under which the options of its network are stored as JSON. */
const NETWORK = 'maskrcnn_options';

/** The same for how the images of training were read. Files of images that were read without options lack it. */
const PIXELS = 'maskrcnn_pixels';

/** Everything that is needed to build a network, except its weights. */
export type ModelDescription = {
  classes: readonly string[];
  options: ResolvedModelOptions;
  /** How the images of training were read. Default: without options. */
  pixels?: PixelOptions;
};

/**
 * Writes weights, classes and options to a `.safetensors`, `.pth` or `.pt` file. Throws INVALID_OPTION, WRITE_FAILED.
 */
export async function writeModel(path: string, tensors: StateDict, description: ModelDescription): Promise<void> {
  return writeWeights(path, tensors, describe(description));
}

/**
 * The metadata from which `maskRcnn({weights})` builds the same network. It leaves out device, arithmetic, seed and
 * threads, which the caller of `maskRcnn()` chooses.
 */
export function describe({classes, options, pixels = {}}: ModelDescription): WeightsMetadata {
  const {device, precision, tf32, graphs, seed, threads, numClasses, ...network} = options;
  const given = Object.keys(pixels).length > 0 && {[PIXELS]: JSON.stringify(pixels)};
  return {classes: [...classes], [NETWORK]: JSON.stringify(network), ...given};
}

/**
 * How the images were read that the weights of a file were trained on; no options for a file that does not say. Throws
 * INVALID_CHECKPOINT if they are not valid options.
 */
export function describedPixels(metadata: WeightsMetadata, file: string): PixelOptions {
  const text = metadata[PIXELS];
  if (typeof text !== 'string') return {};
  const pixels = parseJson(text);
  if (pixelsRule.accepts(pixels)) return pixelOptionsOf(pixels as PixelOptions);
  throw new MaskRcnnError(
    'INVALID_CHECKPOINT',
    `${file} must have ${pixelsRule.expected} as '${PIXELS}', got others: ${text}`,
    {file},
  );
}

/**
 * The options of the network that were saved in a file, or undefined for a file of another program. Throws
 * INVALID_CHECKPOINT if they are not valid options of a network.
 */
export function describedOptions(metadata: WeightsMetadata, file: string): ModelOptions | undefined {
  const text = metadata[NETWORK];
  if (typeof text !== 'string') return undefined;
  try {
    const options = JSON.parse(text) as ModelOptions | null;
    if (options === null) throw new TypeError('The options must be an object, got null.');
    checkModelOptions(options);
    completeModelOptions(options, {pretrained: true, numClasses: 2, device: 'cpu', threads: 1});
    return options;
  } catch (cause) {
    throw new MaskRcnnError(
      'INVALID_CHECKPOINT',
      `${file} must have the options of a network as '${NETWORK}', got others: ${(cause as Error).message}`,
      {file, cause},
    );
  }
}
