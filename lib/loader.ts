import type {Augmentation} from './augment/augmentation.js';
import type {Dataset, Sample} from './datasets/sample.js';
import {MaskRcnnError} from './errors.js';
import {bool, callback, checkOptions, instanceOf, integer, required} from './options-check.js';
import {Random} from './random.js';

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

/** Keep the order's stream of numbers apart from the augmentations'. */
const STREAM = {order: 0, augment: 1};

/**
 * Reads a data set in batches. What an epoch yields depends on seed and epoch only, not on timing, prefetching or where it
 * was resumed: the order and each sample's augmentation have random streams of their own. At most `prefetch + 1` batches
 * are held. An error of the data set surfaces when its batch is due; of several in a batch, the first in order.
 */
export function createLoader(dataset: Dataset, options: LoaderOptions): Loader {
  const counts = {min: 0};
  checkOptions(
    options,
    {
      batchSize: required(integer({min: 1})),
      shuffle: bool,
      seed: integer(),
      dropLast: bool,
      prefetch: integer(counts),
      augment: callback,
      signal: instanceOf(AbortSignal),
    },
    'createLoader',
  );
  const {batchSize, shuffle = true, seed = 0, dropLast = false, prefetch = 2, augment, signal} = options;
  const length = dropLast ? Math.floor(dataset.length / batchSize) : Math.ceil(dataset.length / batchSize);
  if (length === 0) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `The data set must fill at least one batch of ${batchSize}, got ${dataset.length} images.`,
      dropLast && dataset.length > 0 ? {hint: 'Choose a smaller batchSize, or leave out dropLast.'} : {},
    );
  }

  const batches = (epoch: number): number[][] => {
    const order = shuffle
      ? new Random(seed, STREAM.order, epoch).permutation(dataset.length)
      : Array.from({length: dataset.length}, (_, index) => index);
    return Array.from({length}, (_, batch) => order.slice(batch * batchSize, (batch + 1) * batchSize));
  };

  const load = async (indices: number[], epoch: number): Promise<Sample[]> => {
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
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  };

  async function* epoch(number: number, start: {startBatch?: number} = {}): AsyncGenerator<Batch, void, undefined> {
    checkOptions({epoch: number}, {epoch: required(integer(counts))}, 'Loader.epoch');
    checkOptions(start, {startBatch: integer({min: 0, max: length})}, 'Loader.epoch');
    const plan = batches(number);
    const pending: Promise<Sample[]>[] = [];
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
      const samples = await abortable(pending.shift()!, signal);
      // Before the consumer works on this batch, so that decoding goes on meanwhile.
      fill(prefetch);
      yield {samples, indices: plan[batch]!, batch, waitMs: performance.now() - asked};
    }
  }

  return {length, batches, epoch};
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
