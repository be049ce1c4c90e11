import {MaskRcnnError} from '../basics/errors.js';
import {Random} from '../basics/random.js';
import {bool, callback, checkOptions, integer, number, required, type Schema} from '../basics/schema.js';
import {checkDataset, type Dataset, datasetRule} from './dataset.js';
import {labelsToStratify, stratify} from './stratify.js';
import {subset} from './subset.js';

/** The fractions of a split into three parts. The rest, at least one sample, is for training. */
export type ThreeWay = {
  /** Fraction of the samples for validation, above 0 and below 1. */
  validation: number;
  /** Fraction of the samples for the test, above 0 and below 1. */
  test: number;
};

/** The fraction of a split into a training set and a test set. */
export type TestAlone = Pick<ThreeWay, 'test'>;

/** Options of `split()` and `folds()`. */
export type GroupOptions = {
  /** Random seed, an integer. Default 0. */
  seed?: number;
  /**
   * Samples for which this returns the same name stay together. Those for which it returns undefined are alone.
   * Default: the data set's own `group()`, which keeps the tiles of an image together.
   */
  groupBy?: (index: number) => string | undefined;
  /**
   * Whether each part gets its share of the images of every class, and of its objects: iterative stratification
   * (Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", 2011). Then a promise is returned,
   * because the classes of all images are read: from `labels()` of the data set, or else by reading each sample once.
   * Default false.
   */
  stratify?: boolean;
};

/** Options that need the classes of the images. */
export type StratifiedOptions = GroupOptions & {stratify: true};

type Training = {training: Dataset};
type TrainingAndValidation = Training & {validation: Dataset};

const fraction = number({above: 0, below: 1});
const GROUPS: Schema = {seed: integer(), groupBy: callback, stratify: bool};

/**
 * Splits the samples into two parts. `fraction` (above 0, below 1) of the samples, at least one and never all, are
 * picked at random by `seed` (default 0) for validation. The others are for training. Samples for which `groupBy`
 * returns the same name stay on the same side. All parts keep the order. With `{validation, test}` instead of a
 * fraction, a third part is picked for the test; with `{test}`, a test set in place of the validation set. Throws
 * INVALID_OPTION, and INVALID_DATASET for fewer samples or groups than parts; with `stratify`, errors of the data set.
 */
export function split(data: Dataset, fraction: number, options: StratifiedOptions): Promise<TrainingAndValidation>;
export function split(
  data: Dataset,
  fractions: ThreeWay,
  options: StratifiedOptions,
): Promise<TrainingAndValidation & {test: Dataset}>;
export function split(
  data: Dataset,
  fractions: TestAlone,
  options: StratifiedOptions,
): Promise<Training & {test: Dataset}>;
export function split(data: Dataset, fraction: number, options?: GroupOptions): TrainingAndValidation;
export function split(
  data: Dataset,
  fractions: ThreeWay,
  options?: GroupOptions,
): TrainingAndValidation & {test: Dataset};
export function split(data: Dataset, fractions: TestAlone, options?: GroupOptions): Training & {test: Dataset};
export function split(
  data: Dataset,
  share: number | ThreeWay | TestAlone,
  options: GroupOptions = {},
): Record<string, Dataset> | Promise<Record<string, Dataset>> {
  checkOptions({data}, {data: required(datasetRule)}, 'split()');
  checkShare(share, 'split()');
  checkOptions(options, GROUPS, 'split()');
  checkDataset(data);
  const {stratify: isStratified = false, seed = 0} = options;
  const groups = groupsOf(data, options);
  if (isStratified) return stratifiedSplit(groups, share, {data, seed}).then((parts) => subsets(data, parts));
  return subsets(data, splitIndices(groups, share, seed));
}

/**
 * Divides the samples into `count` folds for cross-validation. Fold k has one part of the samples for validation and
 * the others for training, so each sample is in exactly one validation set. Samples for which `groupBy` returns the
 * same name stay together. Folds are as equal in size as groups allow: by `seed`, large groups first, each group goes
 * to the fold that is smallest so far. Classes are only looked at with `stratify`. All parts keep the order. Throws
 * INVALID_OPTION, and INVALID_DATASET for fewer samples or groups than folds; with `stratify`, errors of the data set.
 */
export function folds(data: Dataset, count: number, options: StratifiedOptions): Promise<TrainingAndValidation[]>;
export function folds(data: Dataset, count: number, options?: GroupOptions): TrainingAndValidation[];
export function folds(
  data: Dataset,
  count: number,
  options: GroupOptions = {},
): TrainingAndValidation[] | Promise<TrainingAndValidation[]> {
  checkOptions({data, count}, {data: required(datasetRule), count: required(integer({min: 2}))}, 'folds()');
  checkOptions(options, GROUPS, 'folds()');
  checkDataset(data);
  const {stratify: isStratified = false, seed = 0} = options;
  const groups = groupsOf(data, options);
  const inSubsets = (parts: TwoParts[]) => parts.map((each) => subsets(data, each) as TrainingAndValidation);
  if (isStratified) return stratifiedFolds(groups, count, {data, seed}).then(inSubsets);
  return inSubsets(foldIndices(groups, count, seed));
}

function subsets(data: Dataset, parts: Record<string, number[]>): Record<string, Dataset> {
  return Object.fromEntries(Object.entries(parts).map(([name, indices]) => [name, subset(data, indices)]));
}

/** Throws INVALID_OPTION unless `share` is a fraction, or fractions for the validation and the test. */
export function checkShare(share: number | ThreeWay | TestAlone, where: string): void {
  if (typeof share !== 'object' || share === null) {
    checkOptions({fraction: share}, {fraction: required(fraction)}, where);
    return;
  }
  const isTestAlone = (share as ThreeWay).validation === undefined;
  checkOptions(share, {validation: isTestAlone ? fraction : required(fraction), test: required(fraction)}, where);
  const {validation = 0, test} = share as Partial<ThreeWay> & TestAlone;
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

/** The parts besides the training set, in the order in which they are picked. */
function sharesOf(share: number | ThreeWay | TestAlone): [name: 'validation' | 'test', share: number][] {
  if (typeof share === 'number') return [['validation', share]];
  return 'validation' in share && share.validation !== undefined
    ? [
        ['validation', share.validation],
        ['test', share.test],
      ]
    : [['test', share.test]];
}

/** As `split()`, but takes the group of each sample and returns indices. */
export function splitIndices(groups: Groups, share: number, seed: number): TwoParts;
export function splitIndices(
  groups: Groups,
  share: number | ThreeWay | TestAlone,
  seed: number,
): Record<string, number[]>;
export function splitIndices(groups: Groups, share: number | ThreeWay | TestAlone, seed: number) {
  const shares = sharesOf(share);
  const all = membersOf(groups, shares.length + 1, 'A split');
  const order = new Random(seed).permutation(all.length);
  let next = 0;
  const picked = shares.map(([name, share], part) => {
    const target = share * groups.length;
    const taken = new Set<number>();
    // One group is left for each part that follows, and one for training.
    for (; next < all.length - shares.length + part; next++) {
      const group = all[order[next]!]!;
      if (taken.size > 0 && taken.size + group.length / 2 > target) break;
      for (const index of group) taken.add(index);
    }
    return [name, taken] as const;
  });
  const isPicked = (index: number) => picked.some(([, part]) => part.has(index));
  const indices = groups.map((_, index) => index);
  const parts = picked.map(([name, part]) => [name, indices.filter((index) => part.has(index))]);
  return {training: indices.filter((index) => !isPicked(index)), ...Object.fromEntries(parts)};
}

/** What a division by class needs besides the groups. */
type ByClass = {data: Dataset; seed: number};

/** As `splitIndices()`, by class. */
export async function stratifiedSplit(
  groups: Groups,
  share: number | ThreeWay | TestAlone,
  {data, seed}: ByClass,
): Promise<{training: number[]} & Record<string, number[]>> {
  const shares = sharesOf(share);
  const members = membersOf(groups, shares.length + 1, 'A split');
  const rest = shares.reduce((left, [, each]) => left - each, 1);
  const labels = await labelsToStratify(data);
  const parts = stratify({groups: members, labels}, [rest, ...shares.map(([, each]) => each)], seed);
  const of = (part: number) => groups.flatMap((_, index) => (parts[index] === part ? [index] : []));
  return {training: of(0), ...Object.fromEntries(shares.map(([name], i) => [name, of(i + 1)]))};
}

/** As `foldIndices()`, by class. */
export async function stratifiedFolds(groups: Groups, count: number, {data, seed}: ByClass): Promise<TwoParts[]> {
  const members = membersOf(groups, count, `A division into ${count} folds`);
  const labels = await labelsToStratify(data);
  const shares = new Array<number>(count).fill(1 / count);
  return inFolds(stratify({groups: members, labels}, shares, seed), count);
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
  return inFolds(
    groups.map((_, index) => foldOf.get(index)!),
    count,
  );
}

/** The training and the validation set of each fold, of the fold of each sample. */
function inFolds(foldOf: ArrayLike<number>, count: number): TwoParts[] {
  const indices = Array.from(foldOf, (_, index) => index);
  return Array.from({length: count}, (_, fold) => ({
    training: indices.filter((index) => foldOf[index] !== fold),
    validation: indices.filter((index) => foldOf[index] === fold),
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
