import {MaskRcnnError} from '../basics/errors.js';
import {Random} from '../basics/random.js';
import {callback, checkOptions, integer, number, required} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import {checkDataset, type Dataset, datasetRule} from './dataset.js';
import {readSample, sizeOfSample, truthOfSample} from './read-sample.js';

/**
 * A data set of the samples with the indices `which`, or of those for which the function `which` returns true. Samples
 * are read on request. Throws RangeError for an invalid index, INVALID_OPTION, INVALID_DATASET.
 */
export function subset(data: Dataset, which: readonly number[] | ((index: number) => boolean)): Dataset {
  checkOptions({data}, {data: required(datasetRule)}, 'subset()');
  checkDataset(data);
  const all = Array.from({length: data.length}, (_, index) => index);
  const indices = typeof which === 'function' ? all.filter(which) : checkIndices(which, data.length);
  const at = (index: number): number => {
    if (indices[index] !== undefined) return indices[index];
    throw new RangeError(`The index must be in 0..${indices.length - 1}, got ${show(index)}.`);
  };
  return {
    length: indices.length,
    classes: data.classes,
    ...(data.notices !== undefined && {notices: data.notices}),
    get: async (index) => readSample(data, at(index)),
    ...(data.masks !== undefined && {masks: data.masks}),
    ...(data.size !== undefined && {size: async (index: number) => sizeOfSample(data, at(index))}),
    ...(data.truth !== undefined && {truth: async (index: number) => truthOfSample(data, at(index))}),
    ...(data.categoryIds !== undefined && {categoryIds: data.categoryIds}),
    ...(data.labelOf !== undefined && {labelOf: (id: number) => data.labelOf!(id)}),
    ...(data.sources !== undefined && {sources: (index: number) => data.sources!(at(index))}),
    ...(data.fingerprint !== undefined && {fingerprint: data.fingerprint}),
    ...(data.pixels !== undefined && {pixels: data.pixels}),
    imageId: (index) => data.imageId?.(at(index)) ?? at(index) + 1,
  };
}

/**
 * Splits the samples into two parts. `fraction` (above 0, below 1) of the samples, at least one and never all, are
 * picked at random by `seed` (default 0) for validation. The others are for training. Samples for which `groupBy`
 * returns the same name stay on the same side. Both parts keep the order. Throws INVALID_OPTION, and INVALID_DATASET
 * for fewer than two samples or groups.
 */
export function split(
  data: Dataset,
  fraction: number,
  options: {seed?: number; groupBy?: (index: number) => string | undefined} = {},
): {training: Dataset; validation: Dataset} {
  checkOptions(
    {data, fraction},
    {data: required(datasetRule), fraction: required(number({above: 0, below: 1}))},
    'split()',
  );
  checkOptions(options, {seed: integer(), groupBy: callback}, 'split()');
  checkDataset(data);
  const {seed = 0, groupBy} = options;
  // A sample without a group gets its own: a symbol is not equal to any name.
  const groups = Array.from({length: data.length}, (_, index) => groupBy?.(index) ?? Symbol(index));
  const {training, validation} = splitIndices(groups, fraction, seed);
  return {training: subset(data, training), validation: subset(data, validation)};
}

/** As `split()`, but takes the group of each sample and returns indices. */
export function splitIndices(
  groups: readonly (string | symbol)[],
  fraction: number,
  seed: number,
): {training: number[]; validation: number[]} {
  const members = new Map<string | symbol, number[]>();
  for (const [index, group] of groups.entries()) members.set(group, [...(members.get(group) ?? []), index]);
  if (members.size < 2) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `A split needs at least 2 images or groups of images, got ${members.size}.`,
    );
  }
  const all = [...members.values()];
  const target = fraction * groups.length;
  const validation = new Set<number>();
  for (const [taken, group] of new Random(seed).permutation(all.length).entries()) {
    const isLast = taken === all.length - 1;
    if (taken > 0 && (isLast || validation.size + all[group]!.length / 2 > target)) break;
    for (const index of all[group]!) validation.add(index);
  }
  const indices = groups.map((_, index) => index);
  return {
    training: indices.filter((index) => !validation.has(index)),
    validation: indices.filter((index) => validation.has(index)),
  };
}

/** Throws RangeError unless all `indices` are integers in 0..length-1. */
export function checkIndices(indices: readonly number[], length: number): readonly number[] {
  for (const index of indices) {
    if (Number.isInteger(index) && index >= 0 && index < length) continue;
    throw new RangeError(`The indices must be in 0..${length - 1}, got ${show(index)}.`);
  }
  return indices;
}
