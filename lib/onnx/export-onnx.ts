import {dirname, extname} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {packageVersion} from '../basics/package-version.js';
import {checkOptions, instanceOf} from '../basics/schema.js';
import {writeAll, writeAtomically} from '../files/atomic-file.js';
import {requireWritableFolder} from '../files/writing.js';
import {describe, type ModelDescription} from '../model/checkpoint.js';
import {completeModelOptions} from '../model/complete-options.js';
import {MaskRcnn} from '../model/model.js';
import {chooseClasses, defaultsOf, readSource} from '../model/source.js';
import {
  type GraphOptions,
  NAMES,
  type OnnxDescription,
  type OnnxInput,
  type OnnxMasks,
} from '../onnx-runtime/file-metadata.js';
import {encodeMetadata} from '../weights/metadata.js';
import {renameOldKeys} from '../weights/rename-old-keys.js';
import type {StateDict} from '../weights/state-dict.js';
import {encodeInitializerStart, encodeModelStart} from './model-proto.js';
import {buildNetwork} from './network.js';
import {EXPORT_ONNX, type ExportOnnxOptions} from './options.js';

/** The oldest opset with all operators of the graph, and the IR version of the ONNX that brought it (1.6). */
const OPSET = 11;
const IR_VERSION = 6;

/** protobuf counts the bytes of a message with 31 bits. */
const LARGEST_FILE = 2 ** 31 - 1;

/** What `exportOnnx()` has written. */
export type OnnxExport = {
  /** Size of the file. */
  bytes: number;
  /** Version of ONNX's operators that a runtime must know. */
  opset: number;
  input: OnnxInput;
  masks: OnnxMasks;
  /** Names of the classes without the background. Label 1 is the first name. */
  classes: readonly string[];
  /** Messages about decisions made while the weights were read. */
  notices: readonly string[];
};

/**
 * Writes a network as one ONNX file that needs nothing of this package: image of any size in, boxes, labels, scores and
 * masks out, in pixels of the image. Resizing, normalisation, anchors, suppression and masks are in the graph. `model`
 * is a network, the path of its weights, or the folder of a run, which means its best weights; for a path, libtorch is
 * not needed. If writing fails, an existing file stays as it was.
 *
 * Throws INVALID_OPTION; WEIGHTS_UNAVAILABLE; INVALID_CHECKPOINT, UNSAFE_CHECKPOINT or STATE_DICT_MISMATCH;
 * WRITE_FAILED; DISPOSED; or the reason of an aborted signal.
 */
export async function exportOnnx(
  model: MaskRcnn | string,
  file: string,
  options: ExportOnnxOptions = {},
): Promise<OnnxExport> {
  checkOptions(options, {...EXPORT_ONNX, signal: instanceOf(AbortSignal)}, 'exportOnnx()');
  const {signal} = options;
  if (extname(file).toLowerCase() !== '.onnx') {
    throw new MaskRcnnError('INVALID_OPTION', `The file of exportOnnx() must end in .onnx, got '${file}'.`, {file});
  }
  signal?.throwIfAborted();
  await requireWritableFolder(dirname(file));
  const {tensors, source, description, notices} = await read(model, signal);
  const {options: network, classes} = description;
  const complete = completeOptions(options, network, source);
  const graph = buildNetwork(tensors, source, network, complete);

  const initializers = graph.initializers.map((initializer) => ({
    ...initializer,
    start: encodeInitializerStart(initializer, initializer.byteLength),
  }));
  const weightBytes = initializers.reduce((sum, {start, byteLength}) => sum + start.length + byteLength, 0);
  const header = {
    irVersion: IR_VERSION,
    opset: OPSET,
    producer: 'maskrcnn',
    version: packageVersion(),
    metadata: metadataOf(description, complete),
  };
  requireSize(weightBytes, source);
  const start = encodeModelStart(header, graph.body('MaskRCNN'), weightBytes);
  const bytes = start.length + weightBytes;
  requireSize(bytes, source);
  await writeAtomically(file, async (handle) => {
    await writeAll(handle, start);
    for (const initializer of initializers) {
      signal?.throwIfAborted();
      await writeAll(handle, initializer.start);
      await writeAll(handle, await initializer.bytes());
    }
  });
  return {bytes, opset: OPSET, input: complete.input, masks: complete.masks, classes, notices};
}

type ReadNetwork = {tensors: StateDict; source: string; description: ModelDescription; notices: readonly string[]};

async function read(model: MaskRcnn | string, signal: AbortSignal | undefined): Promise<ReadNetwork> {
  if (model instanceof MaskRcnn) {
    return {tensors: await model.stateDict(), source: 'The model', description: model, notices: []};
  }
  const source = await readSource({weights: model, ...(signal !== undefined && {signal})});
  const classes = chooseClasses({}, source);
  const {options} = completeModelOptions(
    {...defaultsOf(source), ...source!.network},
    {
      pretrained: true,
      frozenBatchNormEps: source!.frozenBatchNormEps,
      numClasses: classes.length + 1,
      device: 'cpu',
      threads: 1,
    },
  );
  const {tensors} = renameOldKeys(source!.tensors, []);
  const {file, notices, pixels} = source!;
  return {tensors, source: file, description: {classes, options, pixels}, notices};
}

function completeOptions(
  options: ExportOnnxOptions,
  network: ModelDescription['options'],
  source: string,
): GraphOptions {
  const masks = options.masks ?? (network.masks === 'none' ? 'none' : 'image');
  if (network.masks === 'none' && masks !== 'none') {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'masks' of exportOnnx() must be 'none' for ${source}, a network without a mask head, got '${masks}'.`,
    );
  }
  return {
    masks,
    input: options.input ?? 'uint8',
    batch: options.batch ?? false,
    half: options.half ?? false,
    scoreThreshold: options.scoreThreshold ?? network.boxScoreThresh,
    nmsThreshold: options.nmsThreshold ?? network.boxNmsThresh,
    maxDetections: options.maxDetections ?? network.boxDetectionsPerImg,
    maskThreshold: options.maskThreshold ?? 0.5,
    limitInputs: options.limitInputs ?? false,
  };
}

/** The metadata of a weights file, and how the graph was made. */
function metadataOf(description: ModelDescription, options: GraphOptions): Map<string, string> {
  const {minSize, maxSize, fixedSize, imageMean, imageStd} = description.options;
  const own: OnnxDescription = {...options, minSize: minSize.at(-1)!, maxSize, fixedSize, imageMean, imageStd};
  return new Map([...Object.entries(encodeMetadata(describe(description))), [NAMES.description, JSON.stringify(own)]]);
}

function requireSize(bytes: number, source: string): void {
  if (bytes <= LARGEST_FILE) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `${source} is too large for an ONNX file, which holds less than 2 GB: it would have ${(bytes / 1e9).toFixed(1)} GB.`,
    {hint: 'Option half stores weights in half the bytes.'},
  );
}
