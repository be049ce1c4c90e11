import test from 'ava';
import type {Dataset} from '../../lib/datasets/dataset.js';
import {split} from '../../lib/datasets/split.js';
import {subset} from '../../lib/datasets/subset.js';

function numbered(length: number): Dataset {
  return {
    length,
    classes: ['thing'],
    get: async (index) => ({file: `${index}`, image: {data: new Uint8Array(3), width: 1, height: 1}, instances: []}),
    size: async (index) => ({width: index, height: 1}),
  };
}

async function files(data: Dataset): Promise<string[]> {
  const samples = await Promise.all(Array.from({length: data.length}, (_, index) => data.get(index)));
  return samples.map(({file}) => file);
}

test('a subset has the samples asked for, in that order', async (t) => {
  const some = subset(numbered(6), [4, 0, 5]);
  t.deepEqual(await files(some), ['4', '0', '5']);
  t.deepEqual(some.classes, ['thing']);
  t.deepEqual(await some.size!(2), {width: 5, height: 1});
  t.deepEqual(await files(subset(numbered(6), (index) => index % 2 === 1)), ['1', '3', '5']);
  t.is(subset({...numbered(2), size: undefined} as unknown as Dataset, [0]).size, undefined);
  t.throws(() => subset(numbered(6), [6]), {instanceOf: RangeError, message: 'The indices must be in 0..5, got 6.'});
  await t.throwsAsync(some.get(3), {instanceOf: RangeError, message: 'The index must be in 0..2, got 3.'});
});

test('a split has every sample on one side, by seed', async (t) => {
  const parts = async (seed: number) => {
    const {training, validation} = split(numbered(10), 0.3, {seed});
    return {training: await files(training), validation: await files(validation)};
  };
  const first = await parts(1);
  t.is(first.validation.length, 3);
  t.deepEqual(
    [...first.training, ...first.validation].map(Number).sort((a, b) => a - b),
    [...Array(10).keys()],
  );
  t.deepEqual(await parts(1), first);
  t.notDeepEqual(await parts(2), first);
  t.deepEqual(
    [...first.training].map(Number),
    first.training.map(Number).sort((a, b) => a - b),
  );
});

test('groups stay together; a sample without one is by itself', async (t) => {
  const groupBy = (index: number) => (index < 6 ? `patient ${index % 2}` : undefined);
  for (let seed = 0; seed < 20; seed++) {
    const {training, validation} = split(numbered(9), 0.4, {seed, groupBy});
    const [a, b] = [await files(training), await files(validation)];
    t.true(a.length > 0 && b.length > 0);
    for (const patient of [
      ['0', '2', '4'],
      ['1', '3', '5'],
    ]) {
      t.true(patient.every((file) => a.includes(file)) || patient.every((file) => b.includes(file)), `seed ${seed}`);
    }
  }
  t.throws(() => split(numbered(4), 0.5, {groupBy: () => 'one'}), {
    code: 'INVALID_DATASET',
    message: 'A split needs at least 2 images or groups of images, got 1.',
  });
  t.throws(() => split(numbered(4), 1), {code: 'INVALID_OPTION'});
});

test('parts keep the notices of their data set', (t) => {
  const data = {...numbered(4), notices: ['A root is not a class.']};
  const {training, validation} = split(data, 0.5);
  for (const part of [subset(data, [1]), training, validation]) t.deepEqual(part.notices, data.notices);
  t.deepEqual(subset(numbered(4), [1]).notices, []);
  const growing = {...numbered(4), notices: ['a']};
  const part = subset(growing, [1]);
  growing.notices = ['a', 'b'];
  t.deepEqual(part.notices, ['a', 'b']);
});
