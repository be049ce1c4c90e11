import test from 'ava';
import {readFlags} from '../../lib/cli/flags.js';
import {openTrainingData, TRAIN_CONFIG} from '../../lib/cli/train-config.js';
import {foldIndices, splitIndices} from '../../lib/datasets/split.js';
import {type Dataset, folds, MaskFolder, split} from '../../lib/index.js';
import {folderOf} from './annotated/folders.js';

const numbered = (length: number): Dataset => ({
  length,
  classes: ['thing'],
  get: async (index) => ({file: `${index}`, image: {data: new Uint8Array(3), width: 1, height: 1}, instances: []}),
  imageId: (index) => index,
});

const numbersOf = (data: Dataset) => Array.from({length: data.length}, (_, index) => data.imageId!(index));
const all = (length: number) => Array.from({length}, (_, index) => index);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

test('each sample is in one validation set, and trains all other folds', (t) => {
  for (const [length, count] of [
    [10, 5],
    [11, 3],
    [4, 4],
    [5, 2],
  ] as const) {
    const parts = folds(numbered(length), count, {seed: 7});
    t.is(parts.length, count);
    t.deepEqual(sorted(parts.flatMap(({validation}) => numbersOf(validation))), all(length));
    for (const {training, validation} of parts) {
      t.deepEqual(sorted([...numbersOf(training), ...numbersOf(validation)]), all(length));
      t.deepEqual(numbersOf(training), sorted(numbersOf(training)));
      t.true(validation.length === Math.floor(length / count) || validation.length === Math.ceil(length / count));
    }
  }
});

test('folds depend on the seed alone', (t) => {
  const of = (seed: number) => folds(numbered(20), 4, {seed}).map(({validation}) => numbersOf(validation));
  t.deepEqual(of(1), of(1));
  t.notDeepEqual(of(1), of(2));
  t.deepEqual(
    folds(numbered(20), 4).map(({validation}) => numbersOf(validation)),
    of(0),
  );
});

test('a group is never divided, and large groups make no fold larger than it must be', (t) => {
  // One group of 6, two of 3, eight single samples: 20 samples in 3 folds of 6 or 7.
  const groupBy = (index: number) => (index < 6 ? 'large' : index < 9 ? 'b' : index < 12 ? 'c' : undefined);
  for (let seed = 0; seed < 30; seed++) {
    const parts = folds(numbered(20), 3, {seed, groupBy}).map(({validation}) => numbersOf(validation));
    t.deepEqual(sorted(parts.map(({length}) => length)), [6, 7, 7]);
    for (const name of ['large', 'b', 'c'])
      t.is(parts.filter((part) => part.some((i) => groupBy(i) === name)).length, 1);
  }
});

test('three parts: fractions, groups, and at least one sample each', (t) => {
  for (let seed = 0; seed < 30; seed++) {
    const {training, validation, test: held} = split(numbered(100), {validation: 0.15, test: 0.25}, {seed});
    t.deepEqual([training.length, validation.length, held.length], [60, 15, 25]);
    t.deepEqual(sorted([training, validation, held].flatMap(numbersOf)), all(100));
    const few = split(numbered(3), {validation: 0.01, test: 0.98}, {seed});
    t.deepEqual([few.training.length, few.validation.length, few.test.length], [1, 1, 1]);
    const groupBy = (index: number) => `patient ${index % 7}`;
    const grouped = split(numbered(40), {validation: 0.2, test: 0.2}, {seed, groupBy});
    const patients = Object.values(grouped).map((part) => new Set(numbersOf(part).map(groupBy)));
    t.is(
      new Set(patients.flatMap((names) => [...names])).size,
      patients.reduce((sum, {size}) => sum + size, 0),
    );
    t.true(patients.every(({size}) => size > 0));
  }
  // The validation set is that of the split into two parts.
  t.deepEqual(
    numbersOf(split(numbered(50), {validation: 0.2, test: 0.3}, {seed: 3}).validation),
    numbersOf(split(numbered(50), 0.2, {seed: 3}).validation),
  );
});

test('what cannot be split is refused', (t) => {
  t.throws(() => folds(numbered(4), 5), {
    code: 'INVALID_DATASET',
    message: 'A division into 5 folds needs at least 5 images or groups of images, got 4.',
  });
  t.throws(() => folds(numbered(9), 3, {groupBy: (index) => `${index % 2}`}), {
    code: 'INVALID_DATASET',
    message: /got 2/,
  });
  for (const count of [1, 0, 2.5, Number.NaN, '3']) {
    t.throws(() => folds(numbered(9), count as number), {code: 'INVALID_OPTION', message: /folds\(\)/});
  }
  t.throws(() => split(numbered(2), {validation: 0.1, test: 0.1}), {code: 'INVALID_DATASET', message: /at least 3/});
  t.throws(() => split(numbered(9), {validation: 0.5, test: 0.5}), {
    code: 'INVALID_OPTION',
    message: /below 1 together/,
  });
  t.throws(() => split(numbered(9), {validation: 0.5} as never), {code: 'INVALID_OPTION', message: /test/});
  t.throws(() => split(numbered(9), {validation: 0.5, test: 0} as never), {code: 'INVALID_OPTION'});
  t.throws(() => split(numbered(9), null as never), {code: 'INVALID_OPTION'});
});

test('a fold on the command line', (t) => {
  const fold = (text: string) => readFlags(['--fold', text], TRAIN_CONFIG, 'maskrcnn train').options.fold;
  for (const text of ['2/5', '1/2', '10/10']) t.is(fold(text), text);
  for (const text of ['0/5', '6/5', '1/1', '2', 'a/b', '-1/5', '1/2/3', '1.5/3']) {
    t.throws(() => fold(text), {code: 'INVALID_OPTION', message: /a fold K\/N/}, text);
  }
});

test('100,000 samples are divided', (t) => {
  const groups = Array.from({length: 100_000}, (_, index) => `${index >> 1}`);
  t.is(foldIndices(groups, 10, 0)[3]!.validation.length, 10_000);
  t.is((splitIndices(groups, {validation: 0.2, test: 0.1}, 0) as {test: number[]}).test.length, 10_000);
});

test('a folder of masks by patient, and maskrcnn train --fold', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const images = Object.fromEntries(
    names.flatMap((name) => [`${name}.png`, `${name}_mask.png`].map((f) => [f, '4x2'])),
  );
  const grades = ['name,patient ID,grade', ...names.map((name, i) => `${name},${i >> 1},benign`)].join('\n');
  const path = await folderOf(t, {...images, 'Grade.csv': grades});
  const folder = await MaskFolder.open(path, {classes: ['cell']});
  const nameOf = (data: Dataset) => (data as MaskFolder).files.map(({name}) => name).join('');
  const parts = folder.folds(3, {groupBy: ({patient}) => patient, seed: 5});
  t.deepEqual(parts.map(({validation}) => nameOf(validation)).sort(), ['ab', 'cd', 'ef']);
  const three = folder.split({validation: 0.34, test: 0.33}, {groupBy: ({patient}) => patient});
  t.deepEqual(Object.values(three).map(nameOf).sort(), ['ab', 'cd', 'ef']);
  for (const [k, {training, validation}] of parts.entries()) {
    const opened = (await openTrainingData({data: path, fold: `${k + 1}/3`, seed: 5}))!;
    t.deepEqual([nameOf(opened.training), nameOf(opened.validation!)], [nameOf(training), nameOf(validation)]);
  }
  await t.throwsAsync(openTrainingData({data: path, fold: '1/4'}), {
    code: 'INVALID_DATASET',
    message: /4 folds .* got 3/,
  });
  await t.throwsAsync(openTrainingData({data: path, fold: '1/3', validation: 0.2}), {
    code: 'INVALID_OPTION',
    message: 'maskrcnn train takes either --fold or --validation, got both.',
  });
});
