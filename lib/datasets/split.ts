import {MaskRcnnError} from '../basics/errors.js';
import {Random} from '../basics/random.js';
import {callback, checkOptions, integer, number, required, type Schema} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import type {LevelOptions} from '../image/regions/large-image.js';
import {checkDataset, type Dataset, datasetRule} from './dataset.js';
import {
  labelsOfSample,
  largeImageOfSample,
  objectsOfSample,
  readSample,
  sizeOfSample,
  truthOfSample,
} from './read-sample.js';

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
    get notices() {
      return data.notices ?? []; // they may grow while samples are read
    },
    get: async (index) => readSample(data, at(index)),
    ...(data.masks !== undefined && {masks: data.masks}),
    ...(data.size !== undefined && {size: async (index: number) => sizeOfSample(data, at(index))}),
    ...(data.labels !== undefined && {labels: async (index: number) => labelsOfSample(data, at(index))}),
    ...(data.truth !== undefined && {truth: async (index: number) => truthOfSample(data, at(index))}),
    ...(data.largeImage !== undefined && {
      largeImage: async (index: number, options: LevelOptions) => largeImageOfSample(data, at(index), options),
    }),
    ...(data.objects !== undefined && {
      objects: async (index: number, size: {width: number; height: number}) => objectsOfSample(data, at(index), size),
    }),
    ...(data.group !== undefined && {group: (index: number) => data.group!(at(index))}),
    ...(data.categoryIds !== undefined && {categoryIds: data.categoryIds}),
    ...(data.labelOf !== undefined && {labelOf: (id: number) => data.labelOf!(id)}),
    ...(data.sources !== undefined && {sources: (index: number) => data.sources!(at(index))}),
    ...(data.fingerprint !== undefined && {fingerprint: data.fingerprint}),
    ...(data.pixels !== undefined && {pixels: data.pixels}),
    imageId: (index) => data.imageId?.(at(index)) ?? at(index) + 1,
  };
}

/** The fractions of a split into three parts. The rest, at least one sample, is for training. */
export type ThreeWay = {
  /** Fraction of the samples for validation, above 0 and below 1. */
  validation: number;
  /** Fraction of the samples for the test, above 0 and below 1. */
  test: number;
};

/** Options of `split()` and `folds()`. */
export type GroupOptions = {
  /** Random seed, an integer. Default 0. */
  seed?: number;
  /**
   * Samples for which this returns the same name stay together. Those for which it returns undefined are alone.
   * Default: the data set's own `group()`, which keeps the tiles of an image together.
   */
  groupBy?: (index: number) => string | undefined;
};

const fraction = number({above: 0, below: 1});
const GROUPS: Schema = {seed: integer(), groupBy: callback};

/**
 * Splits the samples into two parts. `fraction` (above 0, below 1) of the samples, at least one and never all, are
 * picked at random by `seed` (default 0) for validation. The others are for training. Samples for which `groupBy`
 * returns the same name stay on the same side. All parts keep the order. With `{validation, test}` instead of a
 * fraction, a third part is picked for the test. Throws INVALID_OPTION, and INVALID_DATASET for fewer samples or groups
 * than parts.
 */
export function split(
  data: Dataset,
  fraction: number,
  options?: GroupOptions,
): {training: Dataset; validation: Dataset};
export function split(
  data: Dataset,
  fractions: ThreeWay,
  options?: GroupOptions,
): {training: Dataset; validation: Dataset; test: Dataset};
export function split(data: Dataset, share: number | ThreeWay, options: GroupOptions = {}): Record<string, Dataset> {
  checkOptions({data}, {data: required(datasetRule)}, 'split()');
  checkShare(share, 'split()');
  checkOptions(options, GROUPS, 'split()');
  checkDataset(data);
  const parts = splitIndices(groupsOf(data, options), share, options.seed ?? 0);
  return Object.fromEntries(Object.entries(parts).map(([name, indices]) => [name, subset(data, indices)]));
}

/**
 * Divides the samples into `count` folds for cross-validation. Fold k has one part of the samples for validation and
 * the others for training, so each sample is in exactly one validation set. Samples for which `groupBy` returns the
 * same name stay together. Folds are as equal in size as groups allow: by `seed`, large groups first, each group goes
 * to the fold that is smallest so far. Classes are not looked at. All parts keep the order. Throws INVALID_OPTION, and
 * INVALID_DATASET for fewer samples or groups than folds.
 */
export function folds(
  data: Dataset,
  count: number,
  options: GroupOptions = {},
): {training: Dataset; validation: Dataset}[] {
  checkOptions({data, count}, {data: required(datasetRule), count: required(integer({min: 2}))}, 'folds()');
  checkOptions(options, GROUPS, 'folds()');
  checkDataset(data);
  return foldIndices(groupsOf(data, options), count, options.seed ?? 0).map(({training, validation}) => ({
    training: subset(data, training),
    validation: subset(data, validation),
  }));
}

/** Throws INVALID_OPTION unless `share` is a fraction, or two fractions whose sum is below 1. */
export function checkShare(share: number | ThreeWay, where: string): void {
  if (typeof share !== 'object' || share === null) {
    checkOptions({fraction: share}, {fraction: required(fraction)}, where);
    return;
  }
  checkOptions(share, {validation: required(fraction), test: required(fraction)}, where);
  const {validation, test} = share;
  if (validation + test < 1) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `'validation' and 'test' of ${where} must be below 1 together, got ${validation} and ${test}.`,
  );
}

/** A sample without a group gets its own: a symbol is not equal to any name. */
function groupsOf(data: Dataset, {groupBy = (index) => data.group?.(index)}: GroupOptions): (string | symbol)[] {
  return Array.from({length: data.length}, (_, index) => groupBy(index) ?? Symbol(index));
}

type Groups = readonly (string | symbol)[];
type TwoParts = {training: number[]; validation: number[]};

/** As `split()`, but takes the group of each sample and returns indices. */
export function splitIndices(groups: Groups, share: number, seed: number): TwoParts;
export function splitIndices(
  groups: Groups,
  share: number | ThreeWay,
  seed: number,
): TwoParts | (TwoParts & {test: number[]});
export function splitIndices(groups: Groups, share: number | ThreeWay, seed: number) {
  const shares = typeof share === 'number' ? [share] : [share.validation, share.test];
  const all = membersOf(groups, shares.length + 1, 'A split');
  const order = new Random(seed).permutation(all.length);
  let next = 0;
  const picked = shares.map((share, part) => {
    const target = share * groups.length;
    const taken = new Set<number>();
    // One group is left for each part that follows, and one for training.
    for (; next < all.length - shares.length + part; next++) {
      const group = all[order[next]!]!;
      if (taken.size > 0 && taken.size + group.length / 2 > target) break;
      for (const index of group) taken.add(index);
    }
    return taken;
  });
  const isPicked = (index: number) => picked.some((part) => part.has(index));
  const indices = groups.map((_, index) => index);
  const [validation, test] = picked.map((part) => indices.filter((index) => part.has(index)));
  return {training: indices.filter((index) => !isPicked(index)), validation, ...(test && {test})};
}

/** As `folds()`, but takes the group of each sample and returns indices. */
export function foldIndices(groups: Groups, count: number, seed: number): TwoParts[] {
  const all = membersOf(groups, count, `A division into ${count} folds`);
  const shuffled = new Random(seed).permutation(all.length).map((place) => all[place]!);
  const sizes = new Array<number>(count).fill(0);
  const foldOf = new Map<number, number>();
  // Sorting is stable, so groups of one size stay in random order.
  for (const group of shuffled.sort((a, b) => b.length - a.length)) {
    const smallest = sizes.indexOf(sizes.reduce((least, size) => Math.min(least, size)));
    sizes[smallest]! += group.length;
    for (const index of group) foldOf.set(index, smallest);
  }
  const indices = groups.map((_, index) => index);
  return sizes.map((_, fold) => ({
    training: indices.filter((index) => foldOf.get(index) !== fold),
    validation: indices.filter((index) => foldOf.get(index) === fold),
  }));
}

/** The samples of each group. Throws INVALID_DATASET if there are fewer groups than `least`. */
function membersOf(groups: Groups, least: number, what: string): number[][] {
  const members = new Map<string | symbol, number[]>();
  for (const [index, group] of groups.entries()) {
    const others = members.get(group);
    if (others === undefined) members.set(group, [index]);
    else others.push(index);
  }
  if (members.size >= least) return [...members.values()];
  throw new MaskRcnnError(
    'INVALID_DATASET',
    `${what} needs at least ${least} images or groups of images, got ${members.size}.`,
  );
}

/** Throws RangeError unless all `indices` are integers in 0..length-1. */
export function checkIndices(indices: readonly number[], length: number): readonly number[] {
  for (const index of indices) {
    if (Number.isInteger(index) && index >= 0 && index < length) continue;
    throw new RangeError(`The indices must be in 0..${length - 1}, got ${show(index)}.`);
  }
  return indices;
}
