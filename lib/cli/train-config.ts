import {AUGMENT_NAMES} from '../augment/presets.js';
import {bool, either, number, oneOf, type Rule, type Schema} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {MaskFolder} from '../datasets/mask-folder.js';
import {split} from '../datasets/split.js';
import {MODEL_OPTIONS} from '../model/check-options.js';
import {TRAIN_OPTIONS} from '../train/check-options.js';
import {DATA_OPTIONS, type DataSpec, openData, partDataOptions} from './data-options.js';

/** A path, or what `DataSpec` says. On the command line all is text first, and a number or an object written there is no path. */
const dataRule: Rule = {
  expected: "a path, or an object with 'path' and options of the data set",
  accepts: (value) =>
    typeof value === 'string'
      ? value !== '' && !value.startsWith('{') && Number.isNaN(Number(value))
      : typeof value === 'object' && value !== null && typeof (value as DataSpec).path === 'string',
};

/** Those of `maskRcnn()`; the classes are the data set's. */
const {onNotice, signal: _, classes, numClasses, ...modelOptions} = MODEL_OPTIONS;
const {data, validation, onStep, onEpoch, signal, ...trainOptions} = TRAIN_OPTIONS;

export {modelOptions, trainOptions};

/** What `maskrcnn train` can be told, by flags or in a file, under these names. */
export const TRAIN_CONFIG: Schema = {
  ...modelOptions,
  ...trainOptions,
  ...DATA_OPTIONS,
  // No function can be written here.
  augment: oneOf(...AUGMENT_NAMES),
  data: dataRule,
  validation: either(number({min: 0, below: 1}), dataRule),
  inspect: bool,
};

/** Values for `TRAIN_CONFIG`. */
export type TrainConfig = Record<string, unknown>;

export const DEFAULT_VALIDATION = 0.2;

export type TrainingData = {training: Dataset; validation?: Dataset};

/** The data sets that `config` names, or undefined where it names none. Data options are those of both unless one has its own. */
export async function openTrainingData(config: TrainConfig): Promise<TrainingData | undefined> {
  const {data: options, others} = partDataOptions(config);
  const {
    data,
    validation = DEFAULT_VALIDATION,
    seed = 0,
  } = others as {data?: unknown; validation?: unknown; seed?: number};
  if (data === undefined) return undefined;
  const specOf = (given: unknown): DataSpec =>
    typeof given === 'string' ? {path: given, ...options} : {...options, ...(given as DataSpec)};
  const all = await openData(specOf(data));
  if (validation === 0) return {training: all};
  if (typeof validation === 'number') {
    // Of a patient nothing is on both sides.
    if (all instanceof MaskFolder) return all.split(validation, {seed, groupBy: ({patient}) => patient});
    return split(all, validation, {seed});
  }
  return {training: all, validation: await openData(specOf(validation))};
}
