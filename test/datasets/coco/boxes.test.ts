import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {Coco, type CocoOptions} from '../../../lib/index.js';

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-boxes-'));
test.after.always(() => rm(folder, {recursive: true}));

const size = {width: 8, height: 6};
const file = join(folder, 'boxes.json');

/** A square with a box that is far too large, a crowd that is the first column, and one pixel without a box. */
const annotations = [
  {bbox: [0, 0, 8, 6], iscrowd: 0, segmentation: [[1, 1, 5, 1, 5, 4, 1, 4]]},
  {bbox: [0, 0, 3, 6], iscrowd: 1, segmentation: {size: [6, 8], counts: [0, 6, 42]}},
  {iscrowd: 0, segmentation: {size: [6, 8], counts: [13, 1, 34]}},
];

test.before(async () => {
  await sharp({create: {...size, channels: 3, background: '#123456'}})
    .png()
    .toFile(join(folder, 'a.png'));
  const contents = {
    images: [{id: 1, file_name: 'a.png', ...size}],
    categories: [{id: 1, name: 'cell'}],
    annotations: annotations.map((each, i) => ({id: 10 + i, image_id: 1, category_id: 1, area: 1, ...each})),
  };
  await writeFile(file, JSON.stringify(contents));
});

async function boxes(options?: CocoOptions) {
  const data = await Coco.open(file, options);
  const [{instances}, truth] = await Promise.all([data.get(0), data.subset([0]).truth(0)]);
  return {instances: instances.map(({id, box}) => [id, box]), truth: truth.map(({box}) => box)};
}

test('the boxes of annotations, by default', async (t) => {
  const found = await boxes();
  t.deepEqual(found.instances, [
    [10, [0, 0, 8, 6]],
    [12, [2, 1, 3, 2]],
  ]);
  t.deepEqual(found.truth, [
    [0, 0, 8, 6],
    [0, 0, 3, 6],
    [2, 1, 1, 1],
  ]);
  t.deepEqual(await boxes({boxes: 'annotations'}), found);
});

test('the boxes of masks, for instances, true objects and crowds: maxima are exclusive', async (t) => {
  const found = await boxes({boxes: 'masks'});
  t.deepEqual(found.instances, [
    [10, [1, 1, 5, 4]],
    [12, [2, 1, 3, 2]],
  ]);
  t.deepEqual(found.truth, [
    [1, 1, 4, 3],
    [0, 0, 1, 6],
    [2, 1, 1, 1],
  ]);
});

test('boxes of another kind are an error', async (t) => {
  await t.throwsAsync(boxes({boxes: 'polygons' as never}), {
    code: 'INVALID_OPTION',
    message: "Option 'boxes' of Coco.open must be one of 'annotations', 'masks', got 'polygons'.",
  });
});
