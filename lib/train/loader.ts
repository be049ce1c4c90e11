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
  object,
  oneOf,
  required,
  type Schema,
} from '../basics/schema.js';
import {count} from '../basics/wording.js';
import type {Dataset, Sample} from '../datasets/dataset.js';
import {askSample, checkSample, readSample} from '../datasets/read-sample.js';
import {targetFaults} from '../datasets/targets.js';
import {formBatches, partOf, takesOf} from './batches.js';

export type LoaderOptions = {
  batchSize: number;
  /** Whether to draw a new order for each epoch. Default true. */
  shuffle?: boolean;
  seed?: number;
  /** Whether to skip the last batch of an epoch if it is smaller than the others. Default false. */
  dropLast?: boolean;
  /** Number of batches to decode ahead while one is in use; 0 decodes each batch on request. Default 2. */
  prefetch?: number;
  augment?: Augmentation;
  /** Called with each sample as it was read. An augmentation may drop what is known of its files. */
  onRead?: (sample: Sample) => void;
  /** Called with each sample, augmented. What it throws makes the sample one that cannot be read. */
  check?: (sample: Sample) => void;
  /** A group number for each sample. All samples of a batch have the same number. See `aspectRatioGroups()`. */
  groups?: readonly number[];
  /**
   * How often each sample is taken per epoch, on average: at least 1. In each epoch, the number is rounded up with the
   * probability of its fraction, and down otherwise. Default: once each.
   */
  repeats?: readonly number[] | Float64Array;
  /**
   * What to do with a sample that cannot be read. 'error' (default) ends the epoch. 'skip' leaves the sample out and
   * reports it to `onSkip`; the batch is then smaller, and an empty batch is skipped. Errors that are neither
   * INVALID_IMAGE nor INVALID_MASK always end the epoch: they may be defects of the data set.
   */
  unreadable?: 'error' | 'skip';
  /**
   * Takes part `rank`, counted from 0, of each batch that is divided among `size` processes. Parts differ by at most
   * one image. Empty parts are not skipped: all processes have the same batches.
   */
  share?: {rank: number; size: number};
  onSkip?: (index: number, error: Error) => void;
  /** Ends every running epoch: the iterator throws the signal's reason. */
  signal?: AbortSignal;
};

export type Batch = {
  samples: Sample[];
  /** The indices of the samples in the data set. */
  indices: number[];
  /** For each sample, a seed of what the network draws for it, 0..2³²-1. It depends on seed, epoch and index only. */
  seeds: number[];
  /** Index of the batch, counted from 0 within the epoch. */
  batch: number;
  /** Milliseconds that the consumer waited for this batch. */
  waitMs: number;
};

export type Loader = {
  /** Number of batches in an epoch. With `repeats`, epochs differ in length, and this is about the mean. */
  readonly length: number;
  /** Number of batches in epoch `epoch`. It depends on the seed and the epoch only. */
  lengthOf(epoch: number): number;
  /** The sample indices of each batch of an epoch. They depend on the seed and the epoch only. */
  batches(epoch: number): number[][];
  /**
   * Decodes and yields the batches of an epoch in order. To resume within the epoch, start from `startBatch` (default
   * 0).
   */
  epoch(epoch: number, options?: {startBatch?: number}): AsyncGenerator<Batch, void, undefined>;
};

const LOADER: Schema = {
  batchSize: required(integer({min: 1})),
  shuffle: bool,
  seed: integer(),
  dropLast: bool,
  prefetch: integer({min: 0}),
  augment: callback,
  onRead: callback,
  check: callback,
  groups: listOf(integer()),
  repeats: {expected: 'numbers of at least 1', accepts: areRepeats},
  unreadable: oneOf('error', 'skip'),
  share: object,
  onSkip: callback,
  signal: instanceOf(AbortSignal),
};

type Loaded = {index: number; seed: number; sample: Sample};

/** Separates the random numbers of the order, of the augmentation, of the repeats and of the network. */
const STREAM = {order: 0, augment: 1, repeat: 2, network: 3};

/**
 * Reads a data set in batches. The content of an epoch depends on the seed and the epoch only, not on timing,
 * prefetching or where it was resumed, because the order and the augmentation of each sample have their own random
 * streams. At most `prefetch + 1` batches are held in memory. An error of the data set is thrown when its batch is due.
 * If a batch has several errors, the first in order is thrown.
 */
export function createLoader(dataset: Dataset, options: LoaderOptions): Loader {
  checkOptions(options, LOADER, 'createLoader');
  const {
    batchSize,
    shuffle = true,
    seed = 0,
    dropLast = false,
    prefetch = 2,
    augment,
    check,
    groups,
    repeats,
    signal,
  } = options;
  const {unreadable = 'error', share = {rank: 0, size: 1}, onRead, onSkip} = options;
  if (groups !== undefined && groups.length !== dataset.length) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'groups' of createLoader must have a number for each of the ${dataset.length} samples, got ${groups.length}.`,
    );
  }
  if (repeats !== undefined && repeats.length !== dataset.length) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'repeats' of createLoader must have a number for each of the ${dataset.length} samples, got ${repeats.length}.`,
    );
  }
  const inOrder = Array.from({length: dataset.length}, (_, index) => index);
  const form = (order: readonly number[]) => formBatches(order, {batchSize, dropLast, groups, samples: dataset.length});
  const {length: least} = form(inOrder);
  const mean = repeats === undefined ? least : Math.max(least, Math.ceil(sum(repeats) / batchSize));
  if (least === 0) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `The data set must fill at least one batch of ${batchSize}, got ${count(dataset.length, 'image')}.`,
      dropLast && dataset.length > 0 ? {hint: 'Choose a smaller batchSize, or leave out dropLast.'} : {},
    );
  }

  const planOf = (epoch: number): number[][] => {
    const takes =
      repeats === undefined
        ? inOrder
        : takesOf(repeats, (index) => new Random(seed, STREAM.repeat, epoch, index).next());
    if (!shuffle) return form(takes);
    return form(new Random(seed, STREAM.order, epoch).permutation(takes.length).map((place) => takes[place]!));
  };
  const batches = (epoch: number) => planOf(epoch).map((batch) => batch.map((take) => take % dataset.length));
  // The trainer asks at each step.
  let known = {epoch: -1, length: least};
  const lengthOf = (epoch: number) => {
    if (repeats !== undefined && known.epoch !== epoch) known = {epoch, length: planOf(epoch).length};
    return known.length;
  };

  // Before the augmentation, which may fail on faulty instances, hide their faults, or change what the message shows.
  const requireTargets = (sample: Sample) => {
    const [fault] = targetFaults(sample, dataset.classes);
    if (fault !== undefined) throw fault;
  };

  /** A sample that is taken again has other random numbers. */
  const randomOf = (stream: number, epoch: number, take: number) => {
    const again = take < dataset.length ? [] : [Math.floor(take / dataset.length)];
    return new Random(seed, stream, epoch, take % dataset.length, ...again);
  };

  const load = async (takes: readonly number[], epoch: number): Promise<Loaded[]> => {
    const results = await Promise.allSettled(
      takes.map(async (take) => {
        const index = take % dataset.length;
        const sample = await readSample(dataset, index, signal);
        onRead?.(sample);
        if (augment === undefined) {
          check?.(sample);
          return sample;
        }
        requireTargets(sample);
        const random = randomOf(STREAM.augment, epoch, take);
        const others = Math.max(dataset.length - 1, 1);
        const another = async () => {
          const other = await readSample(dataset, (index + 1 + random.integer(others)) % dataset.length, signal);
          requireTargets(other);
          return other;
        };
        const augmented = await askSample(index, 'its augmentation', () => augment(sample, random, {another}), signal);
        checkSample(augmented, `Sample ${index}, augmented,`);
        check?.(augmented);
        return augmented;
      }),
    );
    return results.flatMap((result, i) => {
      const index = takes[i]! % dataset.length;
      if (result.status === 'fulfilled') {
        return [{index, seed: randomOf(STREAM.network, epoch, takes[i]!).integer(2 ** 32), sample: result.value}];
      }
      if (unreadable === 'error' || !isOfFile(result.reason)) throw result.reason;
      onSkip?.(index, result.reason);
      return [];
    });
  };

  async function* epoch(number: number, start: {startBatch?: number} = {}): AsyncGenerator<Batch, void, undefined> {
    checkOptions({epoch: number}, {epoch: required(integer({min: 0}))}, 'Loader.epoch');
    const plan = planOf(number);
    const {length} = plan;
    checkOptions(start, {startBatch: integer({min: 0, max: length})}, 'Loader.epoch');
    const pending: Promise<Loaded[]>[] = [];
    let next = start.startBatch ?? 0;
    const fill = (count: number) => {
      while (pending.length < count && next < length) {
        const loading = load(partOf(plan[next++]!, share), number);
        loading.catch(() => {}); // rethrown where it is awaited; this only avoids an unhandled rejection before that
        pending.push(loading);
      }
    };
    for (let batch = next; batch < length; batch++) {
      signal?.throwIfAborted();
      const asked = performance.now();
      fill(1);
      const loaded = await abortable(pending.shift()!, signal);
      // Start this before the consumer works on the batch, so that decoding continues in the meantime.
      fill(prefetch);
      if (loaded.length === 0 && share.size === 1) continue;
      const samples = loaded.map(({sample}) => sample);
      const indices = loaded.map(({index}) => index);
      const seeds = loaded.map(({seed}) => seed);
      yield {samples, indices, seeds, batch, waitMs: performance.now() - asked};
    }
  }

  return {length: mean, lengthOf, batches, epoch};
}

function areRepeats(value: unknown): boolean {
  if (!(Array.isArray(value) || value instanceof Float64Array)) return false;
  return value.every((times) => Number.isFinite(times) && times >= 1);
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}

/** Whether an error comes from the file that was read and not from the program. */
export function isOfFile(error: unknown): error is MaskRcnnError {
  return error instanceof MaskRcnnError && (error.code === 'INVALID_IMAGE' || error.code === 'INVALID_MASK');
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
