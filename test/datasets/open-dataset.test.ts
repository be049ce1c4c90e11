import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {
  AnnotatedImages,
  Coco,
  type Dataset,
  MaskFolder,
  type MaskRcnnError,
  type OpenDatasetOptions,
  openDataset,
} from '../../lib/index.js';
import {folderOf, realExport} from './annotated/folders.js';

const coco = (name: string) => ({
  images: [{id: 1, file_name: name, width: 20, height: 10}],
  annotations: [{id: 1, image_id: 1, category_id: 1, segmentation: [[1, 1, 5, 1, 5, 5]], bbox: [1, 1, 4, 4]}],
  categories: [{id: 1, name: 'leaf'}],
});

const labelme = (name: string) => ({
  version: '5.0.1',
  shapes: [
    {
      label: 'cell',
      points: [
        [1, 1],
        [6, 1],
        [6, 6],
      ],
      shape_type: 'polygon',
    },
  ],
  imagePath: name,
});

async function refused(t: Parameters<typeof folderOf>[0], path: string, options: OpenDatasetOptions = {}) {
  const error = await t.throwsAsync<MaskRcnnError>(openDataset(path, options));
  return error!;
}

async function objects(data: Dataset): Promise<number> {
  let found = 0;
  for (let i = 0; i < data.length; i++) found += (await data.get(i)).instances.length;
  return found;
}

test('folders train, valid and test of one kind are the splits of one data set', async (t) => {
  const path = await folderOf(t, {
    'train/_annotations.coco.json': coco('a.jpg'),
    'train/a.jpg': '20x10',
    'valid/_annotations.coco.json': coco('b.jpg'),
    'valid/b.jpg': '20x10',
    'README.txt': 'notes',
  });
  const data = await openDataset(path, {split: 'valid'});
  t.true(data instanceof Coco);
  t.is((data as Coco).images[0]!.fileName, 'b.jpg');
  t.is(await objects(data), 1);
  const none = await refused(t, path);
  t.is(none.code, 'INVALID_OPTION');
  t.regex(none.message, /`split` must be one of 'train', 'valid' of .*, got none\.$/);
  t.regex((await refused(t, path, {split: 'vald'})).message, /got 'vald'\.\nDid you mean 'valid'\?$/);
});

test("COCO's own folders are splits", async (t) => {
  const path = await folderOf(t, {
    'annotations/instances_train2017.json': coco('a.jpg'),
    'annotations/instances_val2017.json': coco('b.jpg'),
    'train2017/a.jpg': '20x10',
    'images/val2017/b.jpg': '20x10',
  });
  t.is(await objects(await openDataset(path, {split: 'train2017'})), 1);
  t.is(await objects(await openDataset(path, {split: 'val2017'})), 1);
});

test("COCO's images are beside the file or in images/, by the last part of a foreign path", async (t) => {
  const foreign = 'C:\\\\scans\\\\a.jpg'.replaceAll('\\\\', '\\');
  for (const [name, place] of [
    ['a.jpg', 'images/a.jpg'],
    ['/data/scans/a.jpg', 'a.jpg'],
    [foreign, 'images/a.jpg'],
    ['sub/a.jpg', 'images/sub/a.jpg'],
  ] as const) {
    const path = await folderOf(t, {'annotations.json': coco(name), [place]: '20x10'});
    t.is(await objects(await openDataset(path)), 1, name);
  }
  // Two images may share the last part: then the folders count.
  const {images, annotations, categories} = coco('1/a.jpg');
  const two = {annotations, categories, images: [...images, {...images[0]!, id: 2, file_name: '2/a.jpg'}]};
  const path = await folderOf(t, {'annotations.json': two, '1/a.jpg': '20x10', '2/a.jpg': '20x10', 'a.jpg': '20x10'});
  const data = (await openDataset(path)) as Coco;
  t.deepEqual(
    data.images.map(({fileName}) => fileName),
    ['1/a.jpg', '2/a.jpg'],
  );
});

test('several COCO files of one folder are listed', async (t) => {
  const path = await folderOf(t, {'a.json': coco('a.jpg'), 'b.json': coco('a.jpg'), 'a.jpg': '20x10'});
  const error = await refused(t, path);
  t.is(error.code, 'INVALID_DATASET');
  t.regex(`${error.message} ${error.hint}`, /a\.json.*b\.json/s);
  t.is(await objects(await openDataset(join(path, 'b.json'))), 1);
});

test('a data set is found one folder lower, or higher from a folder that is part of it', async (t) => {
  const path = await folderOf(t, {'export/a.json': labelme('a.png'), 'export/a.png': '20x10', 'notes/plan.txt': ''});
  t.true((await openDataset(path)) instanceof AnnotatedImages);
  const masks = await folderOf(t, {'images/a.png': '20x10', 'masks/a.png': '20x10'});
  t.true((await openDataset(join(masks, 'images'), {binary: 'whole'})) instanceof MaskFolder);
});

test('several data sets are listed, and `format` chooses one', async (t) => {
  const path = await folderOf(t, {
    'a.json': labelme('a.png'),
    'instances.json': coco('a.png'),
    'a.png': '20x10',
  });
  const error = await refused(t, path);
  t.is(error.code, 'INVALID_DATASET');
  t.regex(
    error.message,
    /must hold one data set, got 2:\n {2}COCO: .*instances\.json, in .*\n {2}LabelMe: 1 of LabelMe's/,
  );
  t.regex(error.hint!, /`format`: 'coco' or 'labelme'/);
  t.true((await openDataset(path, {format: 'coco'})) instanceof Coco);
  t.true((await openDataset(path, {format: 'labelme'})) instanceof AnnotatedImages);
  t.true((await openDataset(path, {boxes: 'masks'})) instanceof Coco, 'the only one with this option');
  t.regex((await refused(t, path, {format: 'via'})).message, /must be .*VGG Image Annotator|must be .*VIA/);
  t.regex(
    (await refused(t, path, {format: 'labelmee'})).message,
    /'format' of openDataset must be .*Did you mean 'labelme'/s,
  );
});

test('options of another kind are refused', async (t) => {
  const path = await folderOf(t, {'a.json': labelme('a.png'), 'a.png': '20x10'});
  const error = await refused(t, path, {maskSuffix: '_m'});
  t.is(error.code, 'INVALID_OPTION');
  t.regex(error.message, /`maskSuffix` is not for .*, which is LabelMe\.\nIt is for a folder of images and masks\.$/);
  t.regex((await refused(t, path, {split: 'train'})).message, /`split` must not be given for .*, which is not split/);
});

test('a folder for each image with a mask for each object', async (t) => {
  const mask = (left: number) =>
    sharp({create: {width: 20, height: 10, channels: 3, background: 'black'}})
      .composite([{input: {create: {width: 4, height: 3, channels: 3, background: 'white'}}, left, top: 2}])
      .toColourspace('b-w')
      .png()
      .toBuffer();
  const path = await folderOf(t, {
    'x1/images/x1.png': '20x10',
    'x1/masks/1.png': await mask(0),
    'x1/masks/2.png': await mask(4),
    'x2/images/x2.png': '20x10',
    'x2/masks/3.png': '20x10',
  });
  const data = (await openDataset(path, {defaultClass: 'nucleus'})) as AnnotatedImages;
  t.is(data.summary, 'one mask file for each object: 2 images, 3 masks, 1 class');
  t.deepEqual(data.classes, ['nucleus']);
  const {instances} = await data.get(0);
  t.deepEqual(
    instances.map(({box, label}) => [label, ...box]),
    [
      [1, 0, 2, 4, 5],
      [1, 4, 2, 8, 5],
    ],
  );
});

test('a path that is not there, an image, and a folder without a data set are told apart', async (t) => {
  const path = await folderOf(t, {'a.png': '20x10', 'b.txt': ''});
  t.regex((await refused(t, join(path, 'nowhere'))).message, /nowhere does not exist\.$/);
  t.regex((await refused(t, join(path, 'a.png'))).message, /a\.png is a single image, and must be a data set\./);
  t.regex((await refused(t, path)).message, /1 image and 0 masks/);
});

test("Roboflow's exports: the root category is no class, and each split opens", async (t) => {
  const path = realExport(t, 'roboflow-coco');
  if (path === undefined) return;
  const found = await Promise.all(['train', 'valid', 'test'].map((split) => openDataset(path, {split})));
  t.deepEqual(
    found.map((data) => data.length),
    [2, 2, 2],
  );
  t.deepEqual(
    found.map((data) => data.classes),
    [
      ['midrib', 'vein'],
      ['midrib', 'vein'],
      ['midrib', 'vein'],
    ],
  );
});

test('hundreds of files of one tool are recognised, and a foreign file among them is left out', async (t) => {
  const files = Object.fromEntries(Array.from({length: 205}, (_, i) => [`i${i}.json`, labelme(`i${i}.png`)]));
  const path = await folderOf(t, {...files, 'zz-notes.json': {shapes: 3}});
  const data = (await openDataset(path)) as AnnotatedImages;
  t.is(data.summary, 'LabelMe: 205 images, 205 polygons, 1 class');
});
