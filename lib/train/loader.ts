import type {Augmentation} from '../augment/augmentation.js';
import {MaskRcnnError} from '../basics/errors.js';
import {Random} from '../basics/random.js';
import {
  bool,
  callback,
  checkOptions,
  instanceOf,
  integer,
  listOf,
  oneOf,
  required,
  type Schema,
} from '../basics/schema.js';
import type {Dataset, Sample} from '../datasets/dataset.js';

export type LoaderOptions = {
  batchSize: number;
  /** Draw a new order for each epoch (default true). */
  shuffle?: boolean;
  seed?: number;
  /** Leave out the last batch of an epoch where it is smaller than the others (default false). */
  dropLast?: boolean;
  /** Batches that are decoded ahead while one is in use (default 2; 0: each when it is asked for). */
  prefetch?: number;
  augment?: Augmentation;
  /** A number for each sample: a batch has samples of one number only. See `aspectRatioGroups()`. */
  groups?: readonly number[];
  /**
   * A sample that cannot be read ends the epoch ('error', the default), or is left out and told to `onSkip` ('skip'): the batch
   * is smaller then, and one without samples is passed over. Errors that are not of a file end it in any case.
   */
  unreadable?: 'error' | 'skip';
  onSkip?: (index: number, error: Error) => void;
  /** Ends every epoch under way: the iterator throws the signal's reason. */
  signal?: AbortSignal;
};

export type Batch = {
  samples: Sample[];
  /** Where the samples come from in the data set. */
  indices: number[];
  /** Counted from 0 within the epoch. */
  batch: number;
  /** Milliseconds that the consumer had to wait for this batch. */
  waitMs: number;
};

export type Loader = {
  /** Batches in an epoch. */
  readonly length: number;
  /** The indices of each batch of an epoch: a function of seed and epoch alone. */
  batches(epoch: number): number[][];
  /** Decodes and yields the batches of an epoch in order, from `startBatch` (default 0) to resume within it. */
  epoch(epoch: number, options?: {startBatch?: number}): AsyncGenerator<Batch, void, undefined>;
};

const LOADER: Schema = {
  batchSize: required(integer({min: 1})),
  shuffle: bool,
  seed: integer(),
  dropLast: bool,
  prefetch: integer({min: 0}),
  augment: callback,
  groups: listOf(integer()),
  unreadable: oneOf('error', 'skip'),
  onSkip: callback,
  signal: instanceOf(AbortSignal),
};

type Loaded = {index: number; sample: Sample};

/** Keep the order's stream of numbers apart from the augmentations'. */
const STREAM = {order: 0, augment: 1};

/**
 * Reads a data set in batches. What an epoch yields depends on seed and epoch only, not on timing, prefetching or where it
 * was resumed: the order and each sample's augmentation have random streams of their own. At most `prefetch + 1` batches
 * are held. An error of the data set surfaces when its batch is due; of several in a batch, the first in order.
 */
export function createLoader(dataset: Dataset, options: LoaderOptions): Loader {
  checkOptions(options, LOADER, 'createLoader');
  const {batchSize, shuffle = true, seed = 0, dropLast = false, prefetch = 2, augment, groups, signal} = options;
  const {unreadable = 'error', onSkip} = options;
  if (groups !== undefined && groups.length !== dataset.length) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'groups' of createLoader must have a number for each of the ${dataset.length} samples, got ${groups.length}.`,
    );
  }
  const inOrder = Array.from({length: dataset.length}, (_, index) => index);
  const form = (order: readonly number[]) => formBatches(order, {batchSize, dropLast, groups});
  const {length} = form(inOrder);
  if (length === 0) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `The data set must fill at least one batch of ${batchSize}, got ${dataset.length} images.`,
      dropLast && dataset.length > 0 ? {hint: 'Choose a smaller batchSize, or leave out dropLast.'} : {},
    );
  }

  const batches = (epoch: number): number[][] => {
    return form(shuffle ? new Random(seed, STREAM.order, epoch).permutation(dataset.length) : inOrder);
  };

  const load = async (indices: number[], epoch: number): Promise<Loaded[]> => {
    const results = await Promise.allSettled(
      indices.map(async (index) => {
        const sample = await dataset.get(index);
        if (augment === undefined) return sample;
        const random = new Random(seed, STREAM.augment, epoch, index);
        const others = Math.max(dataset.length - 1, 1);
        const another = () => dataset.get((index + 1 + random.integer(others)) % dataset.length);
        return augment(sample, random, {another});
      }),
    );
    return results.flatMap((result, i) => {
      const index = indices[i]!;
      if (result.status === 'fulfilled') return [{index, sample: result.value}];
      if (unreadable === 'error' || !isOfFile(result.reason)) throw result.reason;
      onSkip?.(index, result.reason);
      return [];
    });
  };

  async function* epoch(number: number, start: {startBatch?: number} = {}): AsyncGenerator<Batch, void, undefined> {
    checkOptions({epoch: number}, {epoch: required(integer({min: 0}))}, 'Loader.epoch');
    checkOptions(start, {startBatch: integer({min: 0, max: length})}, 'Loader.epoch');
    const plan = batches(number);
    const pending: Promise<Loaded[]>[] = [];
    let next = start.startBatch ?? 0;
    const fill = (count: number) => {
      while (pending.length < count && next < length) {
        const loading = load(plan[next++]!, number);
        loading.catch(() => {}); // thrown where it is awaited; until then it is no unhandled rejection
        pending.push(loading);
      }
    };
    for (let batch = next; batch < length; batch++) {
      signal?.throwIfAborted();
      const asked = performance.now();
      fill(1);
      const loaded = await abortable(pending.shift()!, signal);
      // Before the consumer works on this batch, so that decoding goes on meanwhile.
      fill(prefetch);
      if (loaded.length === 0) continue;
      const samples = loaded.map(({sample}) => sample);
      const indices = loaded.map(({index}) => index);
      yield {samples, indices, batch, waitMs: performance.now() - asked};
    }
  }

  return {length, batches, epoch};
}

/**
 * Fills a batch of each group in turn and gives out those that are full, then what is left of each group
 * (torchvision's GroupedBatchSampler, which fills these up with samples that were there before).
 */
function formBatches(
  order: readonly number[],
  {batchSize, dropLast, groups}: {batchSize: number; dropLast: boolean; groups: readonly number[] | undefined},
): number[][] {
  const batches: number[][] = [];
  const filling = new Map<number, number[]>();
  for (const index of order) {
    const group = groups?.[index] ?? 0;
    const batch = [...(filling.get(group) ?? []), index];
    filling.set(group, batch.length === batchSize ? [] : batch);
    if (batch.length === batchSize) batches.push(batch);
  }
  return dropLast ? batches : [...batches, ...[...filling.values()].filter(({length}) => length > 0)];
}

/** Whether an error is of the file that was read, and not of the program that reads it. */
function isOfFile(error: unknown): error is Error {
  if (error instanceof MaskRcnnError) return error.code === 'INVALID_IMAGE' || error.code === 'INVALID_MASK';
  return error instanceof Error && 'syscall' in error;
}

/** Like `promise`, but rejects with the signal's reason as soon as it is aborted. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, {once: true});
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
