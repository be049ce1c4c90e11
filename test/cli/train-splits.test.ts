import test from 'ava';
import {openTrainingData} from '../../lib/cli/train-config.js';
import {type Coco, MaskRcnnError} from '../../lib/index.js';
import {folderOf} from '../datasets/annotated/folders.js';

const coco = (name: string) => ({
  images: [{id: 1, file_name: name, width: 20, height: 10}],
  annotations: [{id: 1, image_id: 1, category_id: 1, segmentation: [[1, 1, 5, 1, 5, 5]]}],
  categories: [{id: 1, name: 'leaf'}],
});

const split = (name: string) => ({
  [`${name}/_annotations.coco.json`]: coco(`${name}.jpg`),
  [`${name}/${name}.jpg`]: '20x10',
});

const names = (data: unknown) => (data as Coco | undefined)?.images.map(({fileName}) => fileName);

test('a split data set trains on its training split and validates on its validation split', async (t) => {
  const path = await folderOf(t, {...split('train'), ...split('valid'), ...split('test')});
  const {training, validation} = (await openTrainingData({data: path}))!;
  t.deepEqual([names(training), names(validation)], [['train.jpg'], ['valid.jpg']]);
  const without = (await openTrainingData({data: path, validation: 0}))!;
  t.deepEqual([names(without.training), without.validation], [['train.jpg'], undefined]);
  const chosen = (await openTrainingData({data: path, validation: {path, split: 'test'}}))!;
  t.deepEqual(names(chosen.validation), ['test.jpg']);
  const swapped = (await openTrainingData({data: {path, split: 'valid'}, validation: 0}))!;
  t.deepEqual(names(swapped.training), ['valid.jpg']);
});

test('splits of which none is for training are listed', async (t) => {
  const path = await folderOf(t, {...split('valid'), ...split('test')});
  const error = await t.throwsAsync(openTrainingData({data: path}), {instanceOf: MaskRcnnError});
  t.regex(error.message, /`split` must be one of 'test', 'valid' of .*, got none/);
});
