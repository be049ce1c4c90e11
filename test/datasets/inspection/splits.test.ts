import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {silentProgress} from '../../../lib/basics/progress.js';
import {runCli} from '../../../lib/cli/run.js';
import {type Dataset, describeSplits, inspect, inspectSplits, openDataset} from '../../../lib/index.js';
import {blobSample} from '../../tiny.js';
import {folderOf} from '../annotated/folders.js';

/** Blob images with these numbers, each under a name of its own. */
const numbered = (name: string, numbers: readonly number[]): Dataset => ({
  length: numbers.length,
  classes: ['blob'],
  get: async (index) => ({...blobSample(numbers[index]!), file: `${name}_${index}.png`}),
});

test('images that are in several splits, and images that one split has twice', async (t) => {
  const done: string[] = [];
  const found = await inspectSplits(
    {train: numbered('a', [0, 1, 2, 2]), val: numbered('b', [3, 1]), test: numbered('c', [4, 1, 3])},
    {onImage: (split, count) => done.push(`${split} ${count}`), concurrency: 1},
  );
  t.deepEqual(done.slice(0, 6), ['train 1', 'train 2', 'train 3', 'train 4', 'val 1', 'val 2']);
  t.deepEqual(found.shared, [
    [
      {split: 'train', file: 'a_1.png'},
      {split: 'val', file: 'b_1.png'},
      {split: 'test', file: 'c_1.png'},
    ],
    [
      {split: 'val', file: 'b_0.png'},
      {split: 'test', file: 'c_2.png'},
    ],
  ]);
  t.deepEqual(found.splits.train!.doubledImages, [['a_2.png', 'a_3.png']]);
  t.deepEqual(found.splits.val!.doubledImages, []);
  t.deepEqual(found.warnings, [
    '2 images are in several splits, which makes the scores on one of them too high.',
    'a_1.png (train) and b_1.png (val) and c_1.png (test) are the same image.',
    'b_0.png (val) and c_2.png (test) are the same image.',
  ]);
  const lines = describeSplits(found).split('\n');
  t.is(lines[0], 'train: 4 images, 0 of them without instances; 9 instances.');
  t.is(lines.at(-1), '2 images in several splits.');
  const apart = await inspectSplits({a: numbered('a', [0]), b: numbered('b', [1])});
  t.deepEqual([apart.shared, apart.warnings], [[], []]);
  t.true(describeSplits(apart).endsWith('\n\nNo image is in several splits.'));
});

test('wrong splits are told', async (t) => {
  await t.throwsAsync(inspectSplits({}), {code: 'INVALID_OPTION', message: /an object of data sets by name/});
  await t.throwsAsync(inspectSplits({a: 3 as never}), {code: 'INVALID_OPTION', message: /data set/});
  await t.throwsAsync(inspectSplits({a: numbered('a', [0])}, {onImage: 1 as never}), {code: 'INVALID_OPTION'});
});

test('hundreds of images of the same pixels are a few sentences', async (t) => {
  const {warnings, doubledImages} = await inspect(numbered('a', new Array(300).fill(1)));
  t.is(doubledImages[0]!.length, 300);
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /^a_0\.png and .* and a_4\.png and 295 more images are the same image\.$/);
  const pairs = await inspect(numbered('a', [...Array(30).keys(), ...Array(30).keys()]));
  t.deepEqual([pairs.doubledImages.length, pairs.warnings.length], [30, 11]);
  t.is(pairs.warnings.at(-1), '20 more images occur several times.');
});

const coco = (name: string) => ({
  images: [{id: 1, file_name: name, width: 20, height: 10}],
  annotations: [{id: 1, image_id: 1, category_id: 1, segmentation: [[1, 1, 5, 1, 5, 5]]}],
  categories: [{id: 1, name: 'leaf'}],
});

async function run(...args: string[]) {
  const lines: string[] = [];
  const said: string[] = [];
  const progress = {...silentProgress, say: (text: string) => said.push(text)};
  const code = await runCli(args, {out: (text) => lines.push(text), progress}, new AbortController().signal);
  return {code, out: lines.join('\n'), err: said.join('\n')};
}

test('maskrcnn inspect compares splits: a copy in another format is found by its pixels', async (t) => {
  const folder = await folderOf(t, {
    'train/_annotations.coco.json': coco('a.png'),
    'train/a.png': '20x10',
    'valid/_annotations.coco.json': coco('b.bmp'),
  });
  // The same pixels as an uncompressed TIFF, under another name: other bytes.
  await sharp(join(folder, 'train/a.png')).tiff({compression: 'none'}).toFile(join(folder, 'valid/b.bmp'));
  t.notDeepEqual(await readFile(join(folder, 'train/a.png')), await readFile(join(folder, 'valid/b.bmp')));
  const {code, out, err} = await run('inspect', folder);
  t.is(code, 0, err);
  t.regex(out, /^train: 1 image, .*\n\nvalid: 1 image, /s);
  t.regex(out, /Warning: 1 image is in several splits, .*\nWarning: .*a\.png \(train\) and .*b\.bmp \(valid\) are the/);
  const json = JSON.parse((await run('inspect', folder, '--json')).out);
  t.deepEqual(Object.keys(json.splits), ['train', 'valid']);
  t.is(json.shared.length, 1);
  const alone = await run('inspect', folder, '--split', 'valid');
  t.regex(alone.out, /^1 image, /);
  t.notRegex(alone.out, /several splits/);
  const two = await run('inspect', join(folder, 'train'), join(folder, 'valid'));
  t.regex(two.out, /Warning: 1 image is in several splits/, two.err);
  const twice = await run('inspect', folder, folder);
  t.deepEqual([twice.code, /each DATA once/.test(twice.err)], [2, true]);
  await writeFile(join(folder, 'valid/b.bmp'), 'no image');
  const faulty = await run('inspect', folder);
  t.deepEqual([faulty.code, /valid: .*1 fault\./s.test(faulty.out)], [1, true]);
  t.is((await openDataset(folder, {split: 'train'})).length, 1);
});
