import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {encode} from 'fast-png';
import sharp from 'sharp';
import {VocSegmentation} from '../../lib/index.js';

const [width, height] = [4, 2];
let folder: string;

const palette = Array.from({length: 256}, (_, i): [number, number, number] => [i, (i * 7) % 256, (i * 13) % 256]);

async function writeMask(kind: string, name: string, values: readonly number[], columns = width): Promise<void> {
  const data = Uint8Array.from(values);
  const png = encode({width: columns, height: values.length / columns, data, channels: 1, palette});
  await writeFile(join(folder, kind, `${name}.png`), png);
}

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-voc-'));
  for (const kind of ['JPEGImages', 'SegmentationObject', 'SegmentationClass', 'ImageSets/Segmentation']) {
    await mkdir(join(folder, kind), {recursive: true});
  }
  await writeFile(join(folder, 'ImageSets', 'Segmentation', 'val.txt'), 'one\r\ntwo\r\n');
  for (const name of ['one', 'two']) {
    const image = sharp({create: {width, height, channels: 3, background: '#808080'}});
    await image.jpeg().toFile(join(folder, 'JPEGImages', `${name}.jpg`));
  }
  await writeMask('SegmentationObject', 'one', [1, 1, 255, 2, 1, 255, 2, 2]);
  // A dog (12) with a void pixel, and a person (15).
  await writeMask('SegmentationClass', 'one', [12, 12, 255, 15, 255, 255, 15, 15]);
  await writeMask('SegmentationObject', 'two', [0, 0, 0, 0, 0, 0, 0, 0]);
  await writeMask('SegmentationClass', 'two', [0, 0, 0, 0, 0, 0, 0, 0]);
});

test.afterEach.always(() => rm(folder, {recursive: true}));

test.serial('objects with their classes; borders are nobody’s', async (t) => {
  const data = await VocSegmentation.open(folder, {set: 'val'});
  t.is(data.length, 2);
  t.is(data.classes.length, 20);
  const {file, instances} = await data.get(0);
  t.is(file, join(folder, 'JPEGImages', 'one.jpg'));
  t.deepEqual(instances, [
    {
      label: 12,
      id: 1,
      box: [0, 0, 2, 2],
      mask: {left: 0, top: 0, width: 2, height: 2, data: Uint8Array.of(1, 1, 1, 0)},
    },
    {
      label: 15,
      id: 2,
      box: [2, 0, 4, 2],
      mask: {left: 2, top: 0, width: 2, height: 2, data: Uint8Array.of(0, 1, 1, 1)},
    },
  ]);
  t.deepEqual((await data.get(1)).instances, []);
  t.deepEqual(await data.size(0), {width, height});
});

test.serial('chosen classes, and parts', async (t) => {
  const data = await VocSegmentation.open(folder, {set: 'val', classes: ['person']});
  t.deepEqual(
    (await data.get(0)).instances.map(({label, id}) => [label, id]),
    [[1, 2]],
  );
  t.deepEqual(data.subset([1]).names, ['two']);
  t.deepEqual(data.subset((name) => name === 'one').names, ['one']);
  await t.throwsAsync(VocSegmentation.open(folder, {classes: ['persons']}), {
    code: 'INVALID_OPTION',
    message: /got 'persons'\.\nDid you mean 'person'\?/,
  });
});

test.serial('faults name their file', async (t) => {
  await t.throwsAsync(VocSegmentation.open(folder), {code: 'INVALID_DATASET', message: /trainval\.txt must be a list/});
  await writeFile(join(folder, 'ImageSets', 'Segmentation', 'none.txt'), '\n');
  await t.throwsAsync(VocSegmentation.open(folder, {set: 'none'}), {
    code: 'INVALID_DATASET',
    message: /none\.txt must name/,
  });

  const data = await VocSegmentation.open(folder, {set: 'val'});
  await writeMask('SegmentationClass', 'one', [12, 12, 255, 255, 255, 255, 255, 0]);
  await t.throwsAsync(data.get(0), {
    code: 'INVALID_MASK',
    message: /SegmentationClass.one\.png must have a class .* object 2/,
  });
  await writeMask('SegmentationClass', 'one', [12, 12], 2);
  await t.throwsAsync(data.get(0), {
    code: 'INVALID_MASK',
    message: /one\.png must be of the size of .*4 × 2, got 2 × 1/,
  });
  await rm(join(folder, 'SegmentationObject', 'one.png'));
  await t.throwsAsync(data.get(0), {code: 'INVALID_MASK', message: /SegmentationObject.one\.png/});
  await rm(join(folder, 'JPEGImages', 'two.jpg'));
  await t.throwsAsync(data.get(1), {code: 'INVALID_IMAGE', message: /two\.jpg/});
});
