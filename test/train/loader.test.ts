import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import type {Dataset, Sample} from '../../lib/datasets/dataset.js';
import {type Batch, createLoader, type LoaderOptions} from '../../lib/train/loader.js';

/** Samples that are named by their index. `get` may be slow or fail. */
function numbered(
  length: number,
  get: (index: number) => Promise<unknown> = async () => {},
): Dataset & {read: number[]} {
  const read: number[] = [];
  return {
    length,
    classes: ['thing'],
    read,
    async get(index): Promise<Sample> {
      read.push(index);
      await get(index);
      return {file: `${index}`, image: {data: new Uint8Array(3), width: 1, height: 1}, instances: []};
    },
  };
}

async function collect(batches: AsyncIterable<Batch>): Promise<string[][]> {
  const all: string[][] = [];
  for await (const {samples} of batches) all.push(samples.map(({file}) => file));
  return all;
}

/** Appends a number from its random stream to the file name of a sample. */
const mark: NonNullable<LoaderOptions['augment']> = (sample, random) => ({
  ...sample,
  file: `${sample.file}:${random.next()}`,
});

test('an epoch holds every sample once, the last batch may be smaller', async (t) => {
  const loader = createLoader(numbered(7), {batchSize: 3});
  const batches = await collect(loader.epoch(0));
  t.is(loader.length, 3);
  t.deepEqual(
    batches.map(({length}) => length),
    [3, 3, 1],
  );
  t.deepEqual(batches.flat().map(Number).sort(), [0, 1, 2, 3, 4, 5, 6]);
  t.deepEqual(
    batches,
    loader.batches(0).map((batch) => batch.map(String)),
  );
});

test('faulty instances are told as they are in the data set, before any augmentation', async (t) => {
  const mask = {left: 0, top: 0, width: 1, height: 1, data: Uint8Array.of(255)};
  const instances = [{label: 1, box: [0, 0, 1, 1] as [number, number, number, number], mask}];
  const data = numbered(2);
  const faulty = {...data, get: async (index: number) => ({...(await data.get(index)), instances})};
  const augment = () => {
    throw new Error('the augmentation must not see them');
  };
  const loader = createLoader(faulty, {batchSize: 1, augment});
  await t.throwsAsync(collect(loader.epoch(0)), {
    code: 'INVALID_TARGET',
    message: /must have a mask of 0 and 1, got 255/,
  });
});

test('without shuffling the order is the data set’s; dropLast leaves the rest out', async (t) => {
  const loader = createLoader(numbered(7), {batchSize: 3, shuffle: false, dropLast: true});
  t.deepEqual(await collect(loader.epoch(4)), [
    ['0', '1', '2'],
    ['3', '4', '5'],
  ]);
});

test('order and augmentation depend on seed and epoch only', async (t) => {
  const uneven = (index: number) => sleep((index * 7) % 5);
  const run = (seed: number, epoch: number, prefetch: number, data = numbered(20)) =>
    collect(createLoader(data, {batchSize: 4, seed, prefetch, augment: mark}).epoch(epoch));
  const expected = await run(3, 1, 0);
  t.deepEqual(await run(3, 1, 5, numbered(20, uneven)), expected);
  t.notDeepEqual(await run(3, 2, 0), expected);
  t.notDeepEqual(await run(4, 1, 0), expected);
});

test('an epoch is resumed at a batch with the same samples', async (t) => {
  const loader = createLoader(numbered(20), {batchSize: 4, seed: 9, augment: mark});
  const whole = await collect(loader.epoch(2));
  t.deepEqual(await collect(loader.epoch(2, {startBatch: 3})), whole.slice(3));
  t.deepEqual(await collect(loader.epoch(2, {startBatch: 5})), []);
});

test('at most `prefetch` batches are read ahead', async (t) => {
  const data = numbered(20);
  const batches = createLoader(data, {batchSize: 2, shuffle: false, prefetch: 3}).epoch(0);
  await batches.next();
  t.deepEqual(data.read, [0, 1, 2, 3, 4, 5, 6, 7]);
  await batches.next();
  t.deepEqual(data.read.length, 10);
  await batches.return();
  t.is(data.read.length, 10);
  const none = numbered(20);
  const lazy = createLoader(none, {batchSize: 2, shuffle: false, prefetch: 0}).epoch(0);
  await lazy.next();
  t.is(none.read.length, 2);
});

test('batches carry their indices and place', async (t) => {
  const loader = createLoader(numbered(5), {batchSize: 2, seed: 1});
  let count = 0;
  for await (const {samples, indices, batch, waitMs} of loader.epoch(0)) {
    t.is(batch, count++);
    t.deepEqual(
      samples.map(({file}) => Number(file)),
      indices,
    );
    t.true(waitMs >= 0);
  }
  t.is(count, 3);
});

test('an error surfaces in order, the first of its batch, and no promise is left unhandled', async (t) => {
  const data = numbered(8, async (index) => {
    // Sample 5 fails sooner than sample 4.
    await sleep(index === 4 ? 20 : 1);
    if (index === 4 || index === 5) throw new MaskRcnnError('INVALID_IMAGE', `${index} is broken.`);
  });
  const batches = createLoader(data, {batchSize: 2, shuffle: false, prefetch: 4}).epoch(0);
  t.deepEqual((await batches.next()).value?.indices, [0, 1]);
  await sleep(30);
  t.deepEqual((await batches.next()).value?.indices, [2, 3]);
  await t.throwsAsync(batches.next(), {message: 'Sample 4 of the data set: 4 is broken.'});
  t.true((await batches.next()).done);
});

test('an aborted signal ends the epoch with its reason, even while a batch is being read', async (t) => {
  const controller = new AbortController();
  const stuck = numbered(4, () => new Promise(() => {}));
  const batches = createLoader(stuck, {batchSize: 2, signal: controller.signal}).epoch(0);
  const waiting = batches.next();
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(waiting), reason);
  const loader = createLoader(numbered(4), {batchSize: 2, signal: controller.signal});
  t.is(await t.throwsAsync(loader.epoch(0).next()), reason);
});

test('a data set that fills no batch and options that do not fit are refused', async (t) => {
  const code = (run: () => unknown) => t.throws(run, {instanceOf: MaskRcnnError})!;
  const empty = code(() => createLoader(numbered(0), {batchSize: 2}));
  t.is(empty.code, 'INVALID_DATASET');
  t.regex(empty.message, /at least one batch of 2, got 0 images/);
  t.regex(code(() => createLoader(numbered(3), {batchSize: 4, dropLast: true})).message, /Choose a smaller batchSize/);
  t.is(code(() => createLoader(numbered(3), {batchSize: 0})).code, 'INVALID_OPTION');
  t.regex(code(() => createLoader(numbered(3), {batchsize: 1} as never)).message, /Did you mean 'batchSize'/);
  const loader = createLoader(numbered(3), {batchSize: 1});
  await t.throwsAsync(loader.epoch(-1).next(), {message: /'epoch' of Loader\.epoch must be an integer >= 0/});
  await t.throwsAsync(loader.epoch(0, {startBatch: 4}).next(), {message: /'startBatch' .* <= 3, got 4/});
});

test('processes that share the batches have all images together, each with the seed that it has in one process', async (t) => {
  const seedsOf = async (options: LoaderOptions) => {
    const batches: [file: string, seed: number][][] = [];
    for await (const {samples, seeds} of createLoader(numbered(11), options).epoch(3)) {
      batches.push(samples.map(({file}, i) => [file, seeds[i]!]));
    }
    return batches;
  };
  const whole = await seedsOf({batchSize: 4, seed: 5});
  t.is(new Set(whole.flat().map(([, seed]) => seed)).size, 11);
  t.deepEqual(
    await seedsOf({batchSize: 1, seed: 5, shuffle: true, share: {rank: 0, size: 1}}),
    whole.flat().map((one) => [one]),
  );
  for (const size of [2, 3, 5]) {
    const parts = await Promise.all(
      Array.from({length: size}, (_, rank) => seedsOf({batchSize: 4, seed: 5, share: {rank, size}})),
    );
    // Every process has every batch, also those of which it has no image.
    for (const part of parts) t.is(part.length, whole.length);
    t.deepEqual(
      whole.map((_, batch) => parts.flatMap((part) => part[batch]!)),
      whole,
    );
    for (const [batch, {length}] of whole.entries()) {
      const lengths = parts.map((part) => part[batch]!.length);
      t.true(Math.max(...lengths) <= Math.ceil(length / size), `${lengths}`);
    }
  }
});
