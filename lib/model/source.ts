import {basename} from 'node:path';
import {createProgress} from '../basics/progress.js';
import {describePixels, type PixelOptions} from '../image/pixel-options.js';
import {cocoCategories} from '../weights/coco-categories.js';
import {hasMaskHead} from '../weights/mask-head.js';
import {readWeights} from '../weights/read-weights.js';
import {registry} from '../weights/registry.js';
import {resolveWeights} from '../weights/resolve-weights.js';
import {requireNoState} from '../weights/run-weights.js';
import type {StateDict} from '../weights/state-dict.js';
import {describedOptions, describedPixels} from './checkpoint.js';
import type {ModelOptions} from './options.js';

/** The content of a weights file, and what is known about its network. */
export type Source = {
  kind: 'detector' | 'backbone';
  file: string;
  tensors: StateDict;
  notices: string[];
  classes: readonly string[] | undefined;
  frozenBatchNormEps: number | undefined;
  rpnScoreThresh: number | undefined;
  /** The options of the network, if this package saved the file. */
  network: ModelOptions | undefined;
  /** How the images of training were read. */
  pixels: PixelOptions;
};

/**
 * Reads the weights that `options` name, if any, with what is known about their network. `allocate` makes the memory of
 * the tensors. Throws as `maskRcnn()` does for weights.
 */
export async function readSource(
  options: ModelOptions,
  allocate?: (length: number) => Uint8Array,
): Promise<Source | undefined> {
  const {weights, weightsBackbone, backbone = 'resnet50', version = 1, masks, signal} = options;
  const name = weights ?? weightsBackbone;
  if (name === undefined) return undefined;
  const kind = weights === undefined ? 'backbone' : 'detector';
  const progress = createProgress();
  const {path, registered, note} = await resolveWeights(name, {
    kind,
    backbone,
    version,
    masks,
    signal,
    onProgress: ({receivedBytes, totalBytes}) =>
      progress.update({label: name, done: receivedBytes, total: totalBytes, unit: 'bytes'}),
  }).finally(() => progress.close());
  const {tensors, metadata, notes} = await readWeights(path, {signal, allocate});
  await requireNoState(path, metadata);
  // A path may also lead to one of torchvision's files.
  const known = registered ?? registry.find(({file, kind: itsKind}) => itsKind === kind && file === basename(path));
  const pixels = kind === 'detector' ? describedPixels(metadata, path) : {};
  const reading = describePixels(pixels);
  return {
    kind,
    file: path,
    tensors,
    notices: [
      ...(note === undefined ? [] : [note]),
      ...notes.map((text) => `${path}: ${text}.`),
      ...(reading === ''
        ? []
        : [
            `${path} was trained on images read with ${reading}: prediction reads files in the same way, unless it is told otherwise.`,
          ]),
    ],
    pixels,
    classes: known?.classes ?? metadata.classes,
    frozenBatchNormEps: known?.frozenBatchNormEps,
    rpnScoreThresh: known?.rpnScoreThresh,
    network: kind === 'detector' ? describedOptions(metadata, path) : undefined,
  };
}

/**
 * The class names: from the options; else from the checkpoint; else numbers, as many as `numClasses` or the checkpoint
 * says; else COCO's.
 */
export function chooseClasses({classes, numClasses}: ModelOptions, source: Source | undefined): readonly string[] {
  if (classes !== undefined) return classes;
  const saved = source?.classes;
  if (numClasses !== undefined) return saved?.length === numClasses - 1 ? saved : numbered(numClasses);
  if (saved !== undefined) return saved;
  const rows = source?.tensors.get('roi_heads.box_predictor.cls_score.bias')?.shape[0];
  return rows === undefined ? cocoCategories.slice(1) : numbered(rows);
}

function numbered(numClasses: number): string[] {
  return Array.from({length: numClasses - 1}, (_, index) => String(index + 1));
}

/** The options that weights of another program bring with them. */
export function defaultsOf(source: Source | undefined): ModelOptions {
  if (source?.kind !== 'detector') return {};
  const {tensors, rpnScoreThresh} = source;
  return {masks: hasMaskHead(tensors) ? 'instance' : 'none', ...(rpnScoreThresh !== undefined && {rpnScoreThresh})};
}
