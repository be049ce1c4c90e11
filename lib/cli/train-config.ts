import {AUGMENT_NAMES} from '../augment/presets.js';
import {MaskRcnnError} from '../basics/errors.js';
import type {Progress} from '../basics/progress.js';
import {bool, either, number, oneOf, type Rule, type Schema} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {joined} from '../datasets/joined.js';
import {MaskFolder} from '../datasets/mask-folder.js';
import {findDataset, requireImages} from '../datasets/open-dataset.js';
import {foldIndices, splitIndices, stratifiedFolds, stratifiedSplit} from '../datasets/split.js';
import {subset} from '../datasets/subset.js';
import {MODEL_OPTIONS} from '../model/check-options.js';
import {TRAIN_OPTIONS} from '../train/check-options.js';
import {DATA_OPTIONS, type DataSpec, openImages, partDataOptions} from './data-options.js';
import {inTiles, TILES_FLAGS, tilesOptions} from './tiled-data.js';

/**
 * A path or a `DataSpec`. Command-line values are text at first, so text that is a number or an object is not taken as
 * a path.
 */
const dataRule: Rule = {
  expected: "a path, or an object with 'path' and options of the data set",
  accepts: (value) =>
    typeof value === 'string'
      ? value !== '' && !value.startsWith('{') && Number.isNaN(Number(value))
      : typeof value === 'object' && value !== null && typeof (value as DataSpec).path === 'string',
};

/** 'K/N': validates on part K of N, and trains on the others. */
const foldRule: Rule = {
  expected: "a fold K/N, such as '2/5', with N of at least 2 and K in 1..N",
  accepts: (value) => {
    const [, k, n] = /^(\d+)\/(\d+)$/.exec(String(value)) ?? [];
    return typeof value === 'string' && Number(n) >= 2 && Number(k) >= 1 && Number(k) <= Number(n);
  },
};

/** The options of `maskRcnn()`. The classes come from the data set. */
const {onNotice, signal: _, classes, numClasses, ...modelOptions} = MODEL_OPTIONS;
const {data, validation, onStep, onEpoch, signal, ...trainOptions} = TRAIN_OPTIONS;

export {modelOptions, trainOptions};

/** The options that `maskrcnn train` takes as flags or in a file, by these names. */
export const TRAIN_CONFIG: Schema = {
  ...modelOptions,
  ...trainOptions,
  ...DATA_OPTIONS,
  ...TILES_FLAGS,
  // Functions cannot be given here.
  augment: oneOf(...AUGMENT_NAMES),
  data: dataRule,
  validation: either(number({min: 0, below: 1}), dataRule),
  fold: foldRule,
  stratify: bool,
  inspect: bool,
};

/** Values for `TRAIN_CONFIG`. */
export type TrainConfig = Record<string, unknown>;

export const DEFAULT_VALIDATION = 0.2;

export type TrainingData = {training: Dataset; validation?: Dataset};

/** `all`: the training split, or all. `names`: of both splits. */
type OpenedSplits = {all: Dataset; validation?: () => Promise<Dataset>; names: readonly (string | undefined)[]};

/** The data set of `spec`. If it is split and no split is chosen, its training split, and its validation split too. */
async function openForTraining({path, split, ...options}: DataSpec): Promise<OpenedSplits> {
  const found = await findDataset(path, options);
  const named = (pattern: RegExp) => found.splits.find((name) => pattern.test(name));
  const [training, validation] = split === undefined ? [named(/^train/i), named(/^val/i)] : [split as string];
  const open = async (name: string | undefined) => {
    const data = await found.open(name);
    await requireImages(data, path);
    return data;
  };
  const all = await open(training);
  return {all, ...(validation !== undefined && {validation: () => open(validation)}), names: [training, validation]};
}

/**
 * Opens the data sets in `config`; undefined if there are none. Data options apply to both data sets, unless one has
 * its own. Images are cut into tiles after the split, so that no image is on both sides; all tiles without objects stay
 * in the validation set, where an object that is found in one counts. Throws INVALID_OPTION, INVALID_DATASET, and
 * errors of `tiles()`.
 */
export async function openTrainingData(
  config: TrainConfig,
  how: {progress?: Progress; signal?: AbortSignal} = {},
): Promise<TrainingData | undefined> {
  const options = tilesOptions(config, 'maskrcnn train');
  const parts = await openParts(config, how.progress);
  if (parts === undefined || options === undefined) return parts;
  const {seed} = config as {seed?: number};
  const ofTraining = {...options, ...(seed !== undefined && {seed})};
  const training = await inTiles(parts.training, ofTraining, {...how, name: 'training'});
  if (parts.validation === undefined) return {training};
  const ofValidation = {...options, emptyShare: 1};
  return {training, validation: await inTiles(parts.validation, ofValidation, {...how, name: 'validation'})};
}

async function openParts(config: TrainConfig, progress?: Progress): Promise<TrainingData | undefined> {
  const {data: options, others} = partDataOptions(config);
  const {
    data,
    validation: given,
    fold,
    seed = 0,
    stratify = false,
  } = others as {
    data?: unknown;
    validation?: unknown;
    fold?: string;
    seed?: number;
    stratify?: boolean;
  };
  const validation = given ?? DEFAULT_VALIDATION;
  if (data === undefined) return undefined;
  const specOf = (given: unknown): DataSpec =>
    typeof given === 'string' ? {path: given, ...options} : {...options, ...(given as DataSpec)};
  const spec = specOf(data);
  const {all, validation: ofSplit, names} = await openForTraining(spec);
  if (fold !== undefined) {
    if (given !== undefined) {
      throw new MaskRcnnError('INVALID_OPTION', 'maskrcnn train takes either --fold or --validation, got both.');
    }
    const [k, n] = fold.split('/').map(Number) as [number, number];
    // Both splits were meant to develop with; what is kept for the test stays out.
    const whole = ofSplit === undefined ? all : joined([all, await ofSplit()]);
    if (ofSplit !== undefined) {
      progress?.say(`The folds are those of the splits ${names.join(' and ')} together. Add --split for one of them.`);
    }
    const groups = groupsOf(whole);
    const parts = await (stratify ? stratifiedFolds(groups, n, {data: whole, seed}) : foldIndices(groups, n, seed));
    return inSubsets(whole, parts[k - 1]!);
  }
  const isSplitHere =
    typeof validation === 'number' && validation > 0 && (ofSplit === undefined || given !== undefined);
  if (stratify && !isSplitHere) {
    throw new MaskRcnnError('INVALID_OPTION', 'maskrcnn train has nothing to stratify: it does not divide the data.', {
      hint: '--stratify is for --fold, and for a --validation that is a fraction.',
    });
  }
  if (ofSplit !== undefined && given === undefined) return {training: all, validation: await ofSplit()};
  if (validation === 0) return {training: all};
  if (typeof validation === 'number') {
    const groups = groupsOf(all);
    if (!stratify) return inSubsets(all, splitIndices(groups, validation, seed));
    return inSubsets(all, await stratifiedSplit(groups, validation, {data: all, seed}));
  }
  return {training: all, validation: await openImages(specOf(validation))};
}

/** Images of a patient stay on one side, and those that the data set itself keeps together. */
function groupsOf(data: Dataset): (string | symbol)[] {
  const nameOf = (index: number) => (data instanceof MaskFolder ? data.files[index]!.patient : data.group?.(index));
  return Array.from({length: data.length}, (_, index) => nameOf(index) ?? Symbol(index));
}

function inSubsets(data: Dataset, parts: Record<string, readonly number[]>): TrainingData {
  const of = (indices: readonly number[]) =>
    data instanceof MaskFolder ? data.subset(indices) : subset(data, indices);
  return {training: of(parts.training!), validation: of(parts.validation!)};
}
