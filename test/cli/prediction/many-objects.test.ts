import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Format} from '../../../lib/cli/prediction/output-files.js';
import {PredictionWriter} from '../../../lib/cli/prediction/prediction-writer.js';
import {readMask} from '../../../lib/image/read-mask.js';
import {labelsOfMany, MANY, manyObjects} from '../../many-objects.js';

/** Writes so many objects, and returns the folder of the files. */
async function writeMany(t: ExecutionContext, count: number, formats: readonly Format[]) {
  const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-many-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const file = join(folder, 'plate.png');
  writeFileSync(file, '');
  const output = join(folder, 'found');
  const onTop = 'better' as const;
  const planned = {folder: output, formats, overlay: {format: 'png' as const}, onTop, overwrite: false};
  const writer = await PredictionWriter.plan(planned, [{file, below: ''}]);
  const found = await manyObjects(count);
  const {width, height} = found;
  const image = {width, height, data: new Uint8Array(3 * width * height)};
  const add = () => writer.add(writer.images[0]!, image, found, {classes: ['cell'], page: undefined});
  return {file, output, found, add};
}

test('a label PNG has up to 65,535 objects, each with its number', async (t) => {
  const {output, found, add} = await writeMany(t, MANY - 256, ['labels']);
  await add();
  const {ids, bits} = await readMask(join(output, 'plate_labels.png'));
  t.is(bits, 16);
  t.deepEqual(Int32Array.from(ids), labelsOfMany(found));
});

test('of more objects there is no label PNG, and nothing else; the error names the image and the format', async (t) => {
  const {file, output, add} = await writeMany(t, MANY, ['overlay', 'json', 'labels', 'labels-tiff']);
  await t.throwsAsync(add(), {
    code: 'INVALID_MASK',
    message:
      `A label mask of 16 bits holds 65535 objects, got 65536 on ${file}.\n` +
      'Save labels-tiff, which has 32 bits where they are needed.',
  });
  t.false(existsSync(output));
});

test('of more objects there is a label TIFF, each with its number', async (t) => {
  const {output, found, add} = await writeMany(t, MANY, ['labels-tiff']);
  await add();
  const {ids, bits} = await readMask(join(output, 'plate_labels.tif'));
  t.is(bits, 32);
  t.deepEqual(Int32Array.from(ids), labelsOfMany(found));
});
