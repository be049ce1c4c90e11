import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Dataset} from '../../lib/datasets/dataset.js';
import {sharedImages} from '../../lib/datasets/overlap.js';

/** Writes files with the given contents, which are the images of a data set. */
async function datasetOf(t: ExecutionContext, contents: readonly Uint8Array[]): Promise<Dataset & {files: string[]}> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-overlap-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const files = contents.map((_, index) => join(folder, `${index}.png`));
  for (const [index, content] of contents.entries()) await writeFile(files[index]!, content);
  const get = async () => {
    throw new Error('nothing needs the pixels');
  };
  return {length: files.length, classes: ['cell'], get, sources: (index) => [files[index]!], files};
}

/** An image that differs from others of its size only in the byte at `place`. */
const bytes = (length: number, place = 0) => new Uint8Array(length).fill(1, place, place + 1);

test('images of the same content in both sets are found, whatever their names', async (t) => {
  // Longer than the piece that is compared first; different in the middle, and only at an end.
  const length = 200_000;
  const training = await datasetOf(t, [bytes(length, 0), bytes(length, 100_000), bytes(10), bytes(10), bytes(0)]);
  const validation = await datasetOf(t, [bytes(length, 1), bytes(length, 100_000), bytes(length, 99_999), bytes(10)]);
  t.deepEqual(await sharedImages(training, validation), [
    {validation: validation.files[1], training: training.files[1]},
    {validation: validation.files[3], training: training.files[2]},
  ]);
  t.deepEqual(
    await sharedImages(training, {...training, length: 1}),
    [{validation: training.files[0], training: training.files[0]}],
    'the same file',
  );
});

test('files that are missing and data sets that tell none share nothing', async (t) => {
  const data = await datasetOf(t, [bytes(10)]);
  const {sources, ...without} = data;
  t.deepEqual(await sharedImages(data, without), []);
  await rm(data.files[0]!);
  t.deepEqual(await sharedImages(data, data), []);
});
