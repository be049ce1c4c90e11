/** Folds and splits by class: each part has its share of every class, groups stay whole, and the seed decides. */
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {Random} from '../../lib/basics/random.js';
import {openTrainingData} from '../../lib/cli/train-config.js';
import {stratify} from '../../lib/datasets/stratify.js';
import {type Dataset, folds, split} from '../../lib/index.js';
import {folderOf} from './annotated/folders.js';

/** A data set whose image i has objects of the labels `labels[i]`. */
const labelled = (labels: readonly (readonly number[])[], classes: number): Dataset => ({
  length: labels.length,
  classes: Array.from({length: classes}, (_, i) => `class ${i + 1}`),
  get: async () => {
    throw new Error('no sample is read where there are labels');
  },
  labels: async (index) => labels[index]!,
  imageId: (index) => index,
});

const numbersOf = (data: Dataset) => Array.from({length: data.length}, (_, index) => data.imageId!(index));
const alone = (length: number) => Array.from({length}, (_, index) => [index]);
const all = (length: number) => Array.from({length}, (_, index) => index);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

test('by hand: two rare classes, two parts', (t) => {
  // Images 0 and 1 have class 2, images 2 and 3 class 3; all have class 1. Any half has one of each pair.
  const labels = [[1, 2], [1, 2], [1, 3], [1, 3], [1], [1], [1], [1]];
  for (let seed = 0; seed < 20; seed++) {
    const parts = stratify({groups: alone(8), labels}, [0.5, 0.5], seed);
    t.not(parts[0], parts[1]);
    t.not(parts[2], parts[3]);
    t.is(parts.filter((part) => part === 0).length, 4);
  }
});

test('with single labels, the images of each class are divided to within one', async (t) => {
  const random = new Random(5);
  const labels = all(213).map(() => (random.integer(10) === 0 ? [] : [1 + Math.floor(random.integer(16) ** 0.5)]));
  const parts = await folds(labelled(labels, 4), 5, {stratify: true, seed: 3});
  t.deepEqual(sorted(parts.flatMap(({validation}) => numbersOf(validation))), all(213));
  const lengths = parts.map(({validation}) => validation.length);
  t.deepEqual(sorted(lengths), [42, 42, 43, 43, 43]); // those without objects even the folds out
  for (const label of [1, 2, 3, 4]) {
    const counts = parts.map(({validation}) => numbersOf(validation).filter((i) => labels[i]![0] === label).length);
    t.true(Math.max(...counts) - Math.min(...counts) <= 1, `${label}: ${counts}`);
  }
});

test('with many labels, each fold has its share of the images and objects of every class', async (t) => {
  const random = new Random(8);
  // Class k is on about one of k² + 1 images, with 1 to 9 objects.
  const labels = all(300).map(() =>
    [1, 2, 3, 4, 5].flatMap((k) => (random.integer(k * k + 1) === 0 ? new Array(1 + random.integer(9)).fill(k) : [])),
  );
  const data = labelled(labels, 5);
  const spread = (parts: readonly Dataset[], of: (labels: readonly number[]) => number) => {
    const numbers = parts.map((part) => numbersOf(part).reduce((sum, index) => sum + of(labels[index]!), 0));
    return (Math.max(...numbers) - Math.min(...numbers)) / (numbers.reduce((a, b) => a + b, 0) / parts.length);
  };
  const byClass = (await folds(data, 5, {stratify: true})).map(({validation}) => validation);
  const atRandom = folds(data, 5).map(({validation}) => validation);
  for (const label of [1, 2, 3, 4, 5]) {
    const images = (each: readonly number[]) => Number(each.includes(label));
    const objects = (each: readonly number[]) => each.filter((other) => other === label).length;
    const total = labels.filter((each) => each.includes(label)).length;
    t.true(spread(byClass, images) <= 2.01 / (total / 5), `images of ${label}`);
    t.true(spread(byClass, objects) < 0.35, `objects of ${label}: ${spread(byClass, objects)}`);
    t.true(spread(byClass, objects) <= spread(atRandom, objects), `objects of ${label}`);
  }
  t.true(spread(byClass, () => 1) < 0.15);
});

test('groups stay together, the seed decides, and every part has something', async (t) => {
  const labels = all(40).map((i) => (i % 7 === 0 ? [2] : [1]));
  const data = labelled(labels, 2);
  const groupBy = (index: number) => `patient ${index % 13}`;
  const of = async (seed: number) =>
    (await folds(data, 4, {stratify: true, groupBy, seed})).map(({validation}) => numbersOf(validation));
  const parts = await of(1);
  t.deepEqual(await of(1), parts);
  t.notDeepEqual(await of(2), parts);
  t.deepEqual(sorted(parts.flat()), all(40));
  for (const part of parts)
    for (const i of part) for (const j of all(40)) if (i % 13 === j % 13) t.true(part.includes(j));
  for (const length of [4, 5, 6]) {
    const few = await folds(
      labelled(
        all(length).map(() => [1]),
        1,
      ),
      4,
      {stratify: true},
    );
    t.true(few.every(({training, validation}) => training.length > 0 && validation.length > 0));
  }
  await t.throwsAsync(folds(data, 14, {stratify: true, groupBy}), {code: 'INVALID_DATASET', message: /got 13/});
});

test('splits by class: two and three parts, and a test set alone', async (t) => {
  const labels = all(200).map((i) => (i % 10 === 0 ? [1, 2] : [1]));
  const data = labelled(labels, 2);
  const rare = (part: Dataset) => numbersOf(part).filter((i) => i % 10 === 0).length;
  const two = await split(data, 0.2, {stratify: true});
  t.deepEqual([two.training.length, two.validation.length, rare(two.validation)], [160, 40, 4]);
  const three = await split(data, {validation: 0.1, test: 0.2}, {stratify: true, seed: 4});
  t.deepEqual([three.training, three.validation, three.test].map(rare), [14, 2, 4]);
  const held = await split(data, {test: 0.25}, {stratify: true});
  t.deepEqual([Object.keys(held), rare(held.test)], [['training', 'test'], 5]);
  const plain = split(data, {test: 0.25}, {seed: 2});
  t.deepEqual([Object.keys(plain), plain.test.length], [['training', 'test'], 50]);
  t.deepEqual(numbersOf(plain.test), numbersOf(split(data, 0.25, {seed: 2}).validation));
  const small = await split(labelled([[1], [1]], 1), 0.01, {stratify: true});
  t.deepEqual([small.training.length, small.validation.length], [1, 1]);
  t.throws(() => split(data, {test: 1}), {code: 'INVALID_OPTION'});
  t.throws(() => split(data, 0.2, {stratify: 'yes' as never}), {code: 'INVALID_OPTION', message: /stratify/});
});

test('without labels(), each sample is read once', async (t) => {
  let reads = 0;
  const image = {data: new Uint8Array(3), width: 1, height: 1};
  const data: Dataset = {
    length: 6,
    classes: ['a', 'b'],
    get: async (index) => {
      reads++;
      return {file: `${index}`, image, instances: index < 2 ? [{label: 2, box: [0, 0, 1, 1]}] : []};
    },
  };
  const parts = await folds(data, 2, {stratify: true});
  t.is(reads, 6);
  t.deepEqual(
    parts.map(({validation}) => validation.length),
    [3, 3],
  );
});

test('maskrcnn train: --fold of a data set with splits takes both, --stratify divides by class', async (t) => {
  const path = await folderOf(t, {});
  const classes = ['cell', 'nucleus'];
  await writeFile(
    join(path, 'data.yaml'),
    `names: [${classes}]\ntrain: train/images\nval: valid/images\ntest: test/images\n`,
  );
  const picture = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADElEQVR42mNgGB4AAADIAAGJ4yZ0AAAAAElFTkSuQmCC',
    'base64',
  );
  for (const [name, images] of Object.entries({train: 8, valid: 4, test: 3})) {
    await mkdir(join(path, name, 'images'), {recursive: true});
    await mkdir(join(path, name, 'labels'), {recursive: true});
    for (let i = 0; i < images; i++) {
      await writeFile(join(path, name, 'images', `${name}${i}.png`), picture);
      const label = i % 4 === 0 ? 1 : 0;
      await writeFile(join(path, name, 'labels', `${name}${i}.txt`), `${label} 0.1 0.1 0.9 0.1 0.9 0.9\n`);
    }
  }
  const said: string[] = [];
  const progress = {say: (text: string) => said.push(text), update: () => {}, close: () => {}};
  const seen: string[] = [];
  for (const k of [1, 2, 3]) {
    const config = {data: path, fold: `${k}/3`, stratify: true};
    const {training, validation} = (await openTrainingData(config, {progress} as never))!;
    t.deepEqual([training.length, validation!.length], [8, 4]);
    const labels = await Promise.all(all(4).map((index) => validation!.labels!(index)));
    t.is(labels.filter(([label]) => label === 2).length, 1);
    seen.push(...all(4).map((index) => validation!.sources!(index)[0]!.replace(/^.*[\\/]/, '')));
  }
  t.is(new Set(seen).size, 12);
  t.false(seen.some((name) => name.startsWith('test')));
  t.regex(said[0]!, /^The folds are those of the splits train and val together\. Add --split for one of them\.$/);
  const one = (await openTrainingData({data: path, split: 'train', fold: '1/2'}))!;
  t.deepEqual([one.training.length, one.validation!.length], [4, 4]);
  await t.throwsAsync(openTrainingData({data: path, stratify: true}), {
    code: 'INVALID_OPTION',
    message: /nothing to stratify/,
  });
});
