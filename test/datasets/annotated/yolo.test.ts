import {mkdir, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import test from 'ava';
import type {AnnotatedImages} from '../../../lib/datasets/annotated/annotated-images.js';
import {Place} from '../../../lib/datasets/annotated/place.js';
import {yolo} from '../../../lib/datasets/annotated/readers/yolo.js';
import {MaskRcnnError} from '../../../lib/index.js';
import {folderOf, realExport} from './folders.js';
import {openWith} from './open-with.js';

/** The left half, and the lower right quarter. */
const LEFT = '0 0 0 0.5 0 0.5 1 0 1';
const QUARTER = '1 0.5 0.5 1 0.5 1 1 0.5 1';

async function areas(data: AnnotatedImages, index = 0): Promise<[string, number][]> {
  return (await data.truth(index)).map(({label, area}) => [data.classes[label - 1]!, area]);
}

const names = (data: AnnotatedImages) => data.images.map(({file}) => basename(file));

test('rows are polygons or boxes in fractions, and an image without a label file has no objects', async (t) => {
  const folder = await folderOf(t, {
    'data.yaml': 'path: .\ntrain: images/train\nval: images/val\ntest:\nnames:\n  1: cell\n  0: nucleus\n',
    'images/train/a.png': '20x10',
    'images/train/b.png': '20x10',
    'images/val/c.jpg': '10x10',
    'labels/train/a.txt': `${LEFT}\r\n\n${QUARTER}\n1 0.5 0.5 0.25 0.25\n`,
    'labels/val/c.txt': `${QUARTER}\n`,
  });
  const data = await openWith(yolo, folder);
  t.deepEqual(data.classes, ['nucleus', 'cell']);
  t.deepEqual(names(data), ['a.png', 'b.png', 'c.jpg']);
  t.deepEqual(data.stats, {
    images: 3,
    objects: {nucleus: 1, cell: 3},
    shapes: {polygon: 3, box: 1},
    skipped: {},
  });
  t.deepEqual(await areas(data), [
    ['nucleus', 100],
    ['cell', 50],
    ['cell', 12.5],
  ]);
  t.deepEqual((await data.get(0)).instances[2], {label: 2, box: [7.5, 3.75, 12.5, 6.25], id: 3});
  t.is(data.masks, 'some');
  t.deepEqual((await data.get(1)).instances, []);
  t.deepEqual(await areas(data, 2), [['cell', 25]]);
  t.deepEqual(data.sources(1), [join(folder, 'images/train/b.png')]);

  const found = await yolo.recognise(await Place.at(join(folder, 'data.yaml')));
  t.deepEqual(found?.splits, ['train', 'val']);
  t.deepEqual(names(await openWith(yolo, folder, {}, {split: 'val'})), ['c.jpg']);
  await t.throwsAsync(openWith(yolo, folder, {}, {split: 'valid'}), {code: 'INVALID_DATASET', message: /got none\.$/});
});

test('a folder around that of the data set is not looked through', async (t) => {
  const files = {'data.yaml': '', 'images/a.png': '20x10', 'labels/a.txt': LEFT};
  for (const path of ['/', '../..']) {
    const folder = await folderOf(t, {...files, 'data.yaml': `names: [x]\ntrain: ${path}\n`});
    const error = await t.throwsAsync<MaskRcnnError>(openWith(yolo, folder), {code: 'INVALID_DATASET'});
    t.regex(error.message, /'train' must be a folder of images, not one around the folder of the data set/);
    t.is(error.file, join(folder, 'data.yaml'));
  }
  const folder = await folderOf(t, {...files, 'data.yaml': 'names: [x]\ntrain: .\n'});
  t.is((await openWith(yolo, folder)).length, 1);
});

test('paths with a level too many, of another machine, from Windows, and lists of images', async (t) => {
  const folder = await folderOf(t, {
    'a.yaml': 'names: [x]\ntrain: ../train/images\n',
    'b.yaml': 'names: [x]\ntrain: /content/drive/train/images\nval: /nowhere/none\n',
    'c.yml': 'names: [x]\ntrain: ..\\train\\images\n',
    'd.yaml': 'names: [x]\nval: list.txt\n',
    'e.yaml': 'names: [x]\ntrain: [train/images, more/images]\nvalid: train\n',
    'list.txt': './train/images/1.png\n/home/me/train/images/2.png\n',
    'train/images/1.png': '10x10',
    'train/labels/1.txt': LEFT,
    'train/labels/2.txt': LEFT,
    'more/images/3.png': '10x10',
  });
  for (const file of ['a.yaml', 'b.yaml', 'c.yml', 'd.yaml']) {
    const data = await openWith(yolo, join(folder, file));
    // The second is not there, which is no error before it is needed.
    t.deepEqual(
      data.images.map(({file}) => basename(file, '.png')),
      ['1', '2'],
      file,
    );
    t.deepEqual(await areas(data), [['x', 50]]);
    await t.throwsAsync(data.truth(1), {code: 'INVALID_IMAGE'});
  }
  // An image of both splits counts once.
  t.deepEqual(names(await openWith(yolo, join(folder, 'e.yaml'))), ['1.png', '2', '3.png']);
});

test('images may be in another folder', async (t) => {
  const folder = await folderOf(t, {
    'data.yaml': 'names: [x]\ntrain: train/images\n',
    'train/labels/1.txt': LEFT,
    'photos/1.jpg': '10x10',
  });
  const data = await openWith(yolo, folder, {}, {images: join(folder, 'photos')});
  t.deepEqual(names(data), ['1.jpg']);
  t.deepEqual(await areas(data), [['x', 50]]);
});

test('folders images and labels with classes.txt', async (t) => {
  const folder = await folderOf(t, {
    'classes.txt': 'cell\r\nnucleus\r\n',
    'images/1.png': '10x10',
    'labels/1.txt': `${LEFT}\n${QUARTER}`,
    'labels/classes.txt': 'cell\n',
  });
  const data = await openWith(yolo, folder);
  t.deepEqual(data.classes, ['cell', 'nucleus']);
  t.deepEqual(await areas(data), [
    ['cell', 50],
    ['nucleus', 25],
  ]);
});

test('other folders are not recognised', async (t) => {
  const folder = await folderOf(t, {
    'config.yaml': 'model: resnet\ntrain: data\n',
    'names.yaml': 'names: [a]\n',
    'classes.txt': 'a\n',
    'images/1.png': '2x2',
    'labels/1.png': '2x2',
  });
  t.is(await yolo.recognise(await Place.at(folder)), undefined);
  t.is(await yolo.recognise(await Place.at(join(folder, 'classes.txt'))), undefined);
});

test('faults name the file and the line or the field', async (t) => {
  const folder = await folderOf(t, {
    'images/1.png': '10x10',
    'labels/1.txt': LEFT,
  });
  const config = join(folder, 'data.yaml');
  const label = join(folder, 'labels/1.txt');
  const good = 'names: [a, b]\ntrain: images\n';
  const refused = async (yaml: string, rows: string, message: RegExp) => {
    await writeFile(config, yaml);
    await writeFile(label, rows);
    const error = await t.throwsAsync(openWith(yolo, folder), {
      instanceOf: MaskRcnnError,
      code: 'INVALID_DATASET',
      message,
    });
    t.true(error?.message.includes(folder));
  };
  await refused(
    good,
    `${LEFT}\n2 0 0 1 1 0 1`,
    /Line 2 of .*1\.txt must begin with the index of a class, 0, 1, got '2'/,
  );
  await refused(good, '-1 0 0 1 1 0 1', /Line 1 .* got '-1'/);
  await refused(good, '0.5 0 0 1 1 0 1', /got '0\.5'/);
  await refused(good, 'cell 0 0 1 1 0 1', /got 'cell'/);
  await refused(good, `${LEFT} 0.9`, /Line 1 .* must have two numbers for each point, got 9 after the class/);
  await refused(good, '0 0 0 350 20 1 1', /Line 1 .* must have fractions of width and height, got '350'/);
  await refused(good, '0 0 0 1e999 1 1 1', /got '1e999'/);
  await refused(good, '0 0 0 x 1 1 1', /got 'x'/);
  await refused('names: a\ntrain: images\n', LEFT, /'names' must be an object, got 'a'/);
  await refused('names: {a: b}\ntrain: images\n', LEFT, /'names' must be names of classes by index/);
  await refused('names: [{a: b}]\ntrain: images\n', LEFT, /'names' must be names of classes by index/);
  await refused('names: [a]\ntrain: 5\n', LEFT, /'train' must be a path or a list of paths, got 5/);
  await refused('names: [a]\ntrain: [images, {}]\n', LEFT, /'train' must be a path or a list of paths/);
  await refused('names: [a]\ntrain: images\npath: [1]\n', LEFT, /'path' must be a string/);
  await refused(
    'names: [a]\ntrain: elsewhere\n',
    LEFT,
    /must name folders or lists of images that are there, got 'elsewhere'/,
  );
  await refused('names: [a]\ntrain:\n', LEFT, /that are there, got none/);
  await refused(`kpt_shape: [17, 3]\n${good}`, LEFT, /'kpt_shape' must be missing/);
  await refused(`${good}# ${'x'.repeat(1 << 20)}`, LEFT, /must have 1048576 characters at most/);
  await refused(`${good}x: ${'['.repeat(1e5)}`, LEFT, /must be a YAML file: /);
  await refused(
    `a: &a [1]\n${'bcdef'.replace(/./g, (x) => `${x}: &${x} [${`*${String.fromCharCode(x.charCodeAt(0) - 1)},`.repeat(20)}]\n`)}${good}`,
    LEFT,
    /must be a YAML file: /,
  );
  await refused('names: [a\ntrain: images\n', LEFT, /must be a YAML file: /);
  await refused('names: [a]\ntrain: *x\n', LEFT, /must be a YAML file: /);

  // A polygon of too few points is a faulty object, not a faulty file.
  await writeFile(config, good);
  await writeFile(label, `0 0.5 0.5\n${LEFT}`);
  const message = /The shape of line 1 must be made of three points or more, got 1, in .*1\.txt/;
  await t.throwsAsync((await openWith(yolo, folder)).truth(0), {code: 'INVALID_MASK', message});
  const lenient = await openWith(yolo, folder, {faulty: 'skip'});
  t.deepEqual(await areas(lenient), [['a', 50]]);
  t.deepEqual(lenient.stats.skipped, {'with an invalid shape': 1});

  await writeFile(label, LEFT);
  const gone = await openWith(yolo, folder);
  await writeFile(label, 'broken');
  await t.throwsAsync(gone.truth(0), {code: 'INVALID_DATASET', message: /Line 1 of .*1\.txt must begin/});
});

test('a label that is a folder is an error that says so', async (t) => {
  const folder = await folderOf(t, {'data.yaml': 'names: [a]\ntrain: images\n', 'images/1.png': '10x10'});
  await mkdir(join(folder, 'labels/1.txt'), {recursive: true});
  await t.throwsAsync(openWith(yolo, folder), {code: 'INVALID_DATASET', message: /1\.txt cannot be read/});
});

test("Roboflow's export of plants: areas as of pycocotools", async (t) => {
  const folder = realExport(t, 'yolo-seg');
  if (folder === undefined) return;
  t.deepEqual((await yolo.recognise(await Place.at(folder)))?.splits, ['val']);
  const data = await openWith(yolo, folder);
  t.deepEqual(data.stats, {
    images: 6,
    objects: {lowVegetation: 7, highVegetation: 12, noVegetation: 3, cultivatedLand: 1},
    shapes: {polygon: 23},
    skipped: {},
  });
  t.deepEqual(data.classes, ['cultivatedLand', 'highVegetation', 'lowVegetation', 'noVegetation', 'river']);
  // frPyObjects of pycocotools 2.0.11 on the numbers times the size of each image.
  const expected: Record<string, [number, number][]> = {
    img13_2018: [
      [2, 14541],
      [2, 42903],
      [3, 169855],
    ],
    img14_2018: [
      [2, 61679],
      [3, 161886],
    ],
    img14_2023: [
      [4, 130057],
      [2, 61882],
      [1, 35387],
    ],
    img16_2018: [
      [2, 13015],
      [2, 23760],
      [3, 111840],
      [3, 32831],
      [3, 3201],
      [4, 39669],
    ],
    img19_2022: [
      [2, 9112],
      [2, 11390],
      [2, 53171],
      [4, 145039],
    ],
    img1_2021: [
      [3, 50958],
      [3, 85598],
      [2, 3067],
      [2, 11047],
      [2, 72572],
    ],
  };
  for (const [i, {file}] of data.images.entries()) {
    const truth = (await data.truth(i)).map(({label, area}) => [label, area]);
    t.deepEqual(truth, expected[basename(file).split('_jpg')[0]!], file);
  }
  await t.throwsAsync(openWith(yolo, folder, {}, {split: 'train'}), {
    code: 'INVALID_DATASET',
    message: /data\.yaml must name folders or lists of images that are there, got '\.\.\/train\/images'/,
  });
});
