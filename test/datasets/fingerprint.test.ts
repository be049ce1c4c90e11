import {cp, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Dataset} from '../../lib/datasets/dataset.js';
import {compareFingerprints, fingerprintOf} from '../../lib/datasets/fingerprint.js';
import {subset} from '../../lib/datasets/subset.js';
import {held} from '../held.js';

const names = ['a', 'b', 'c'];

/** Three images with masks in a folder, and an annotation file that all share. */
async function filesOf(t: ExecutionContext): Promise<{folder: string; data: Dataset}> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-fingerprint-'));
  t.teardown(() => rm(folder, {recursive: true}));
  for (const name of names) {
    await writeFile(join(folder, `${name}.png`), `image ${name}`);
    await writeFile(join(folder, `${name}_mask.png`), `mask ${name}`);
  }
  await writeFile(join(folder, 'all.json'), 'annotations');
  return {folder, data: datasetOf(folder)};
}

function datasetOf(folder: string, of: readonly string[] = names): Dataset {
  return {
    length: of.length,
    classes: ['cell'],
    get: async () => {
      throw new Error('nothing needs the pixels');
    },
    sources: (index) => [`${of[index]}.png`, `${of[index]}_mask.png`, 'all.json'].map((name) => join(folder, name)),
  };
}

/** What the comparison tells after `change`. */
async function told(t: ExecutionContext, change: (folder: string) => Promise<unknown>): Promise<string[]> {
  const {folder, data} = await filesOf(t);
  const before = await fingerprintOf(data);
  const after = ((await change(folder)) as Dataset | undefined) ?? data;
  const differences = compareFingerprints(before, await fingerprintOf(after), after);
  return differences.map(({text}) => text.replaceAll(folder, 'FOLDER'));
}

test('the same files are the same data, also copied to another folder', async (t) => {
  t.deepEqual(await told(t, async () => {}), []);
  const copied = await told(t, async (folder) => {
    await mkdir(join(folder, 'copy'));
    for (const name of [...names.flatMap((name) => [`${name}.png`, `${name}_mask.png`]), 'all.json']) {
      await cp(join(folder, name), join(folder, 'copy', name));
      await utimes(join(folder, 'copy', name), new Date(0), new Date(0));
    }
    return datasetOf(join(folder, 'copy'));
  });
  t.deepEqual(copied, []);
});

test('an image or a mask that was replaced is named, even by one of the same size', async (t) => {
  for (const file of ['b.png', 'b_mask.png']) {
    for (const content of ['longer than before', file === 'b.png' ? 'image B' : 'mask B']) {
      t.deepEqual(await told(t, (folder) => writeFile(join(folder, file), content)), [
        'must have its files, but 1 image or its mask is another one: FOLDER/b.png',
      ]);
    }
  }
});

test('a file that is missing, or has come for another, is named', async (t) => {
  const text = (name: string) => [`must have its files, but 1 image or its mask is another one: FOLDER/${name}.png`];
  t.deepEqual(await told(t, (folder) => rm(join(folder, 'c_mask.png'))), text('c'));
  const renamed = await told(t, async (folder) => {
    await rename(join(folder, 'a.png'), join(folder, 'z.png'));
    await rename(join(folder, 'a_mask.png'), join(folder, 'z_mask.png'));
    return datasetOf(folder, ['b', 'c', 'z']);
  });
  t.deepEqual(renamed, text('z'));
});

test('number, order, classes, annotations and the own fingerprint count', async (t) => {
  t.deepEqual(await told(t, async (folder) => datasetOf(folder, ['a', 'b'])), ['must have its 3 images, got 2']);
  t.deepEqual(await told(t, async (folder) => datasetOf(folder, ['a', 'c', 'b'])), [
    'must have its images in the same order, but FOLDER/c.png has another place',
  ]);
  t.deepEqual(await told(t, (folder) => writeFile(join(folder, 'all.json'), 'ANNOTATIONS')), [
    'must have its annotations, but FOLDER/all.json has changed',
  ]);
  const other = (folder: string) => ({...datasetOf(folder), classes: ['nucleus'], fingerprint: 'version 2'});
  t.deepEqual(await told(t, async (folder) => other(folder)), [
    'must have the classes cell, got nucleus',
    'must have the fingerprint none, got version 2',
  ]);
});

test('a data set that tells no files is compared by number and classes, and a subset by its files', async (t) => {
  const {data} = await filesOf(t);
  const {sources, ...without} = data;
  t.deepEqual(await fingerprintOf(without), {length: 3, classes: ['cell'], own: undefined});
  t.deepEqual(compareFingerprints(await fingerprintOf(data), await fingerprintOf(without), without), []);
  const part = subset({...data, fingerprint: 'mine'}, [2, 0]);
  t.deepEqual(part.sources!(0), data.sources!(2));
  t.is(part.fingerprint, 'mine');
});

test('the event loop stays responsive with a hundred thousand samples', async (t) => {
  const {folder} = await filesOf(t);
  // 100,000 paths of one file, through links to the folder itself.
  for (let digit = 0; digit < 10; digit++) await symlink('.', join(folder, String(digit)), 'dir');
  const path = (index: number) => join(folder, ...String(index).padStart(5, '0'), 'a.png');
  const data = {...datasetOf(folder), length: 100_000, sources: (index: number) => [path(index)]};
  const began = performance.now();
  let samples: string | undefined;
  const longest = await held(async () => {
    ({samples} = await fingerprintOf(data));
  });
  t.log(`${Math.round(performance.now() - began)} ms, at most ${Math.round(longest)} ms at a time`);
  t.is(samples!.length, 800_000);
  t.true(longest < 1000, `${longest} ms`);
});

test('it can be ended', async (t) => {
  const {data} = await filesOf(t);
  await t.throwsAsync(fingerprintOf(data, AbortSignal.abort(new Error('lunch'))), {message: 'lunch'});
});
