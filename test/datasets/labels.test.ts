import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {encode} from 'fast-png';
import {labelsOfImages} from '../../lib/datasets/labels.js';
import {Coco, type Dataset, MaskFolder, MaskRcnnError, openDataset, subset, VocSegmentation} from '../../lib/index.js';
import {blobSample} from '../tiny.js';
import {folderOf} from './annotated/folders.js';

const mask = (values: readonly number[]) =>
  encode({width: 4, height: values.length / 4, channels: 1, data: Uint8Array.from(values)});

/** The labels that `labels()` tells, and those of the samples. */
async function bothOf(data: Dataset): Promise<{told: (readonly number[])[]; read: number[][]}> {
  const indices = Array.from({length: data.length}, (_, index) => index);
  const told = await Promise.all(indices.map((index) => data.labels!(index)));
  const samples = await Promise.all(indices.map((index) => data.get(index)));
  return {told, read: samples.map(({instances}) => instances.map(({label}) => label))};
}

const square = [[1, 1, 3, 1, 3, 2]];

test('COCO: as the file tells, without crowds and classes that are not used, and without the image', async (t) => {
  const of = (id: number, image: number, category: number, more = {}) => ({
    ...{id, image_id: image, category_id: category, bbox: [1, 1, 2, 1], segmentation: square},
    ...more,
  });
  const crowd = {iscrowd: 1, segmentation: {size: [2, 4], counts: [0, 2, 6]}};
  const folder = await folderOf(t, {
    'a.json': {
      images: [2, 1, 3].map((id) => ({id, file_name: `${id}.png`, width: 4, height: 2})),
      categories: [9, 4, 5].map((id) => ({id, name: `c${id}`})),
      annotations: [of(1, 1, 9), of(2, 2, 4), of(3, 1, 4, crowd), of(4, 1, 5), of(5, 1, 9)],
    },
    '1.png': '4x2',
    '2.png': '4x2',
    '3.png': '4x2',
  });
  const file = join(folder, 'a.json');
  const all = await bothOf(await Coco.open(file));
  t.deepEqual(all.told, [[3, 2, 3], [1], []]);
  t.deepEqual(all.read, all.told);
  const data = await Coco.open(file, {classes: ['c9']});
  await rm(join(folder, '1.png'));
  t.deepEqual(await data.labels(0), [1, 1]);
  t.deepEqual(await data.labels(1), []);
  t.deepEqual(await data.subset([1, 0]).labels(1), [1, 1]);
  t.deepEqual(await subset(data, [1, 0]).labels!(1), [1, 1]);
  await t.throwsAsync(data.labels(3), {instanceOf: RangeError});
});

test('LabelMe, a folder of masks and Pascal VOC', async (t) => {
  const shape = (label: string) => ({
    label,
    points: [
      [0, 0],
      [3, 0],
      [3, 2],
    ],
    shape_type: 'polygon',
  });
  const file = {imagePath: 'a.png', imageHeight: 2, imageWidth: 4, shapes: ['leaf', 'stem', 'leaf'].map(shape)};
  const labelme = await folderOf(t, {'a.json': {version: '5.0.0', flags: {}, ...file}, 'a.png': '4x2'});
  const tool = await bothOf(await openDataset(labelme));
  t.deepEqual([tool.told, tool.read], [[[1, 2, 1]], [[1, 2, 1]]]);

  const masks = await folderOf(t, {
    ...{'a.png': '4x2', 'a_mask.png': mask([1, 1, 0, 2, 0, 0, 0, 2])},
    ...{'b.png': '4x2', 'b_mask.png': mask(new Array(8).fill(0))},
  });
  const folder = await bothOf(await MaskFolder.open(masks, {classes: ['cell']}));
  t.deepEqual(
    [folder.told, folder.read],
    [
      [[1, 1], []],
      [[1, 1], []],
    ],
  );
  await rm(join(masks, 'a.png'));
  const again = (await MaskFolder.open(masks, {classes: ['cell'], include: 'b', minArea: 2})) as Dataset;
  t.deepEqual(await again.labels!(0), []);

  const voc = await folderOf(t, {
    'ImageSets/Segmentation/val.txt': 'one\n',
    'JPEGImages/one.jpg': '4x2',
    'SegmentationObject/one.png': mask([1, 1, 255, 2, 1, 255, 2, 2]),
    'SegmentationClass/one.png': mask([12, 12, 255, 15, 255, 255, 15, 15]),
  });
  const pascal = await bothOf(await VocSegmentation.open(voc, {set: 'val'}));
  t.deepEqual([pascal.told, pascal.read], [[[12, 15]], [[12, 15]]]);
  await rm(join(voc, 'JPEGImages/one.jpg'));
  t.deepEqual(await (await VocSegmentation.open(voc, {set: 'val', classes: ['person']})).labels(0), [1]);
});

test('without labels() each sample is read once; an image that cannot be read may lack labels', async (t) => {
  const read: number[] = [];
  const unreadable = new MaskRcnnError('INVALID_IMAGE', '1.png is none.', {file: '1.png'});
  const data: Dataset = {
    length: 3,
    classes: ['blob'],
    get: async (index) => {
      read.push(index);
      if (index === 1) throw unreadable;
      const sample = blobSample(2);
      sample.instances[0]!.label = 5; // a fault, of which training tells
      return sample;
    },
  };
  t.deepEqual(await labelsOfImages(data, {mayLack: (error) => error === unreadable}), [[1, 1], [], [1, 1]]);
  t.deepEqual(read, [0, 1, 2]);
  t.is(await t.throwsAsync(labelsOfImages(data, {mayLack: () => false})), unreadable);
  const controller = new AbortController();
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(labelsOfImages(data, {mayLack: () => true, signal: controller.signal})), reason);
});
