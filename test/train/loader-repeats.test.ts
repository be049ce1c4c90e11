import test from 'ava';
import type {Dataset} from '../../lib/datasets/dataset.js';
import {createLoader} from '../../lib/train/loader.js';

const numbered = (length: number): Dataset => ({
  length,
  classes: ['thing'],
  get: async (index) => ({file: `${index}`, image: {data: new Uint8Array(3), width: 1, height: 1}, instances: []}),
});

const timesOf = (order: readonly number[], length: number) =>
  Array.from({length}, (_, index) => order.filter((other) => other === index).length);

test('whole repeats by hand: each sample as often as it says, in another order each epoch', (t) => {
  const loader = createLoader(numbered(3), {batchSize: 2, repeats: [1, 3, 2]});
  t.is(loader.length, 3);
  for (const epoch of [0, 1, 2]) {
    const batches = loader.batches(epoch);
    t.deepEqual(timesOf(batches.flat(), 3), [1, 3, 2]);
    t.deepEqual([batches.length, loader.lengthOf(epoch)], [3, 3]);
  }
  t.notDeepEqual(loader.batches(0), loader.batches(1));
  const plain = createLoader(numbered(3), {batchSize: 2, repeats: [1, 3, 2], shuffle: false});
  t.deepEqual(plain.batches(0), [
    [0, 1],
    [1, 1],
    [2, 2],
  ]);
});

test('fractions are rounded up with their probability, anew in each epoch', (t) => {
  const repeats = [1, 1.25, 2.5, 1.9];
  const loader = createLoader(numbered(4), {batchSize: 1, repeats, seed: 5});
  const epochs = 4000;
  const sums = [0, 0, 0, 0];
  const lengths = new Set<number>();
  for (let epoch = 0; epoch < epochs; epoch++) {
    const times = timesOf(loader.batches(epoch).flat(), 4);
    for (const [i, number] of times.entries()) {
      t.true(number === Math.floor(repeats[i]!) || number === Math.ceil(repeats[i]!));
      sums[i]! += number;
    }
    lengths.add(loader.lengthOf(epoch));
  }
  for (const [i, repeat] of repeats.entries()) {
    // Four standard deviations of the mean of Bernoulli trials.
    const fraction = repeat % 1;
    const limit = 4 * Math.sqrt((fraction * (1 - fraction)) / epochs);
    t.true(Math.abs(sums[i]! / epochs - repeat) <= limit, `${sums[i]! / epochs} for ${repeat}`);
  }
  t.deepEqual([...lengths].sort(), [5, 6, 7, 8]);
  t.is(loader.length, 7); // 1 + 1.25 + 2.5 + 1.9 = 6.65
});

test('the seed decides what is repeated, and an epoch that is resumed goes on as it would have', async (t) => {
  const options = {batchSize: 2, repeats: [1.5, 1.5, 1.5, 1.5, 1.5, 1.5], prefetch: 1};
  const run = async (seed: number, epoch: number, startBatch = 0) => {
    const batches: string[][] = [];
    const augment = ((sample, random) => ({...sample, file: `${sample.file}:${random.next()}`})) as NonNullable<
      Parameters<typeof createLoader>[1]['augment']
    >;
    const loader = createLoader(numbered(6), {...options, seed, augment});
    for await (const {samples} of loader.epoch(epoch, {startBatch})) batches.push(samples.map(({file}) => file));
    t.is(batches.length, loader.lengthOf(epoch) - startBatch);
    return batches;
  };
  const whole = await run(1, 3);
  t.deepEqual(await run(1, 3), whole);
  t.notDeepEqual(await run(2, 3), whole);
  t.deepEqual(await run(1, 3, 2), whole.slice(2));
  // A sample that is taken twice has other random numbers the second time.
  t.is(new Set(whole.flat()).size, whole.flat().length);
  t.true(new Set(whole.flat().map((file) => file.split(':')[0])).size < whole.flat().length);
});

test('without repeats, or with ones, an epoch is what it was', (t) => {
  const plain = createLoader(numbered(7), {batchSize: 3, seed: 2});
  const ones = createLoader(numbered(7), {batchSize: 3, seed: 2, repeats: new Float64Array(7).fill(1)});
  for (const epoch of [0, 1]) t.deepEqual(ones.batches(epoch), plain.batches(epoch));
  t.deepEqual([ones.length, ones.lengthOf(4), plain.lengthOf(4)], [3, 3, 3]);
});

test('groups apply to samples that are taken again', (t) => {
  const loader = createLoader(numbered(4), {batchSize: 2, groups: [0, 1, 0, 1], repeats: [3, 1, 1, 2]});
  for (const batch of loader.batches(0)) t.is(new Set(batch.map((index) => index % 2)).size, 1);
  t.is(loader.batches(0).flat().length, 7);
});

test('wrong repeats are refused', (t) => {
  for (const repeats of [[1, 0.5], [1, Number.NaN], [Number.POSITIVE_INFINITY, 1], 'ab', null, [1]]) {
    t.throws(() => createLoader(numbered(2), {batchSize: 1, repeats: repeats as number[]}), {code: 'INVALID_OPTION'});
  }
});
