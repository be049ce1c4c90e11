import {spawn} from 'node:child_process';
import {lstat, mkdir, readdir, readFile, rm, utimes, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {decode} from 'fast-png';
import sharp from 'sharp';
import type {Dataset, TrueObject} from '../../lib/datasets/dataset.js';
import {openDataset} from '../../lib/datasets/open-dataset.js';
import {type ConvertOptions, convertDataset} from '../../lib/export/convert-dataset.js';
import {describeLoss, LOSSES, type LossKind} from '../../lib/export/losses.js';
import {readMask} from '../../lib/image/read-mask.js';
import {encodeRle} from '../../lib/masks/rle-operations.js';
import {held} from '../held.js';
import {contentOf, type Drawn, drawnDataset, FULL, HARD, PIXEL, temporary, trueObjects} from './drawn.js';

test('the folder must be new or empty, and nothing else is written to', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [PIXEL]);
  await mkdir(join(folder, 'empty'));
  await convertDataset(data, join(folder, 'empty'), {format: 'coco'});
  const again = convertDataset(data, join(folder, 'empty'), {format: 'coco'});
  await t.throwsAsync(again, {
    code: 'INVALID_OPTION',
    message: /must be a new or an empty folder, got one with annotations/,
  });
  const onFile = convertDataset(data, join(folder, 'pixel.png'), {format: 'coco'});
  await t.throwsAsync(onFile, {code: 'INVALID_OPTION', message: /must be a new or an empty folder/});
  t.deepEqual(await readdir(folder), ['empty', 'pixel.png']);
  t.deepEqual(await readdir(join(folder, 'empty')), ['annotations.json', 'pixel.png']);
});

test('an error leaves nothing, and names the file', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [FULL, PIXEL]);
  await rm(join(folder, 'pixel.png'));
  const write = (options: Partial<ConvertOptions> = {}) =>
    convertDataset(data, join(folder, 'out'), {format: 'cvat', ...options});
  const error = await t.throwsAsync(write(), {code: 'INVALID_IMAGE'});
  t.regex(error!.message, /pixel\.png cannot be read.*\nPass images: 'none'/s);
  t.deepEqual(await readdir(folder), ['full.png']);
  // Annotations need no images.
  t.is((await write({images: 'none'})).images, 2);
  t.deepEqual(await readdir(join(folder, 'out')), ['annotations.xml']);
});

test('an aborted conversion leaves nothing, and a killed one a folder that is no data set', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [FULL, PIXEL]);
  const controller = new AbortController();
  const onImage = () => controller.abort(new Error('stop'));
  const options = {format: 'labelme', onImage, signal: controller.signal} as const;
  await t.throwsAsync(convertDataset(data, join(folder, 'out'), options), {message: 'stop'});
  t.deepEqual((await readdir(folder)).toSorted(), ['full.png', 'pixel.png']);

  // It writes one image and then waits for ever.
  const program = join(folder, 'program.mts');
  const library = new URL('../../lib/index.ts', import.meta.url);
  await writeFile(
    program,
    `import {convertDataset} from ${JSON.stringify(library.href)};
const pixels = {data: new Uint8Array(3), width: 1, height: 1};
const mask = {left: 0, top: 0, width: 1, height: 1, data: Uint8Array.of(1)};
const data = {length: 9, classes: ['a'], get: async (i) => {
  if (i === 8) { console.log('waits'); await new Promise(() => setInterval(() => {}, 1000)); }
  return {file: 'image-' + i, image: pixels, instances: [{label: 1, box: [0, 0, 1, 1], mask}]};
}};
await convertDataset(data, ${JSON.stringify(join(folder, 'killed'))}, {format: 'coco'});
`,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', program], {stdio: ['ignore', 'pipe', 'inherit']});
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  const left = (await readdir(folder)).filter((name) => name.startsWith('killed'));
  t.is(left.length, 1);
  t.regex(left[0]!, /^killed\.[0-9a-f]{8}\.tmp$/);
  await t.throwsAsync(openDataset(join(folder, 'killed')), {code: 'INVALID_DATASET', message: /does not exist/});
  // Its annotations are not whole, so they have no name yet.
  t.false((await readdir(join(folder, left[0]!))).includes('annotations.json'));
});

test('images are copied bit for bit, linked, or told by their path', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [FULL]);
  const write = (images: 'copy' | 'link' | 'none') =>
    convertDataset(data, join(folder, images), {format: 'labelme', images});
  for (const images of ['copy', 'link', 'none'] as const) await write(images);
  const given = await readFile(join(folder, 'full.png'));
  t.deepEqual(await readFile(join(folder, 'copy/full.png')), given);
  t.false((await lstat(join(folder, 'copy/full.png'))).isSymbolicLink());
  t.deepEqual(await readFile(join(folder, 'link/full.png')), given);
  t.true((await lstat(join(folder, 'link/full.png'))).isSymbolicLink());
  t.deepEqual(await readdir(join(folder, 'none')), ['full.json']);
  const pathIn = async (images: string) =>
    JSON.parse(await readFile(join(folder, images, 'full.json'), 'utf8')).imagePath;
  t.is(await pathIn('copy'), 'full.png');
  t.is(await pathIn('none'), '../full.png');
});

test('losses are sentences, of one and of several', (t) => {
  const {holes, scores, classes} = LOSSES;
  const say = (kind: LossKind, number: number, objects: number, images: number) =>
    describeLoss('YOLO', {...kind, number, objects, images, example: 'a.png, object 3'});
  t.is(
    say(holes, 12, 3, 2),
    'YOLO: 12 holes were filled in 3 objects on 2 images, because its polygons have no holes. The first: a.png, object 3.',
  );
  t.regex(say(holes, 2, 1, 1), /: 2 holes were filled in 1 object on 1 image, because/);
  t.regex(say(holes, 1, 1, 1), /: 1 hole was filled on 1 image, because/);
  t.regex(say(scores, 1, 1, 1), /: 1 score was left out on 1 image, because it has no place for scores\./);
  t.regex(say(classes, 5, 5, 2), /: 5 objects lost their class on 2 images, because its objects have no class\./);
});

test('images of one name get others, which is told', async (t) => {
  const folder = await temporary(t);
  for (const name of ['a', 'b']) await mkdir(join(folder, name));
  const images: Drawn[] = ['a/1.png', 'b/1.png', 'b/1.jpg'].map((name) => ({...FULL, name}));
  const data = await drawnDataset(folder, images);
  const {losses} = await convertDataset(data, join(folder, 'out'), {format: 'yolo'});
  t.deepEqual(await readdir(join(folder, 'out/images')), ['1-2.png', '1-3.jpg', '1.png']);
  t.deepEqual(
    losses.map((loss) => describeLoss('YOLO', loss)),
    ['YOLO: 2 images were renamed, because another image of the same name is in the same folder. The first: 1.png.'],
  );
  t.is((await openDataset(join(folder, 'out'))).length, 3);
});

test('images that are in no file are written as PNG', async (t) => {
  const folder = await temporary(t);
  const {width, height} = FULL;
  const pixels = Uint8Array.from({length: 3 * width * height}, (_, i) => i % 251);
  const mask = {left: 2, top: 1, width: 2, height: 1, data: Uint8Array.of(1, 1)};
  const data: Dataset = {
    length: 1,
    classes: ['cell'],
    get: async () => ({
      file: 'frame 7',
      image: {data: pixels, width, height},
      instances: [{label: 1, box: [2, 1, 4, 2], mask}],
    }),
  };
  await convertDataset(data, join(folder, 'out'), {format: 'supervisely'});
  const image = decode(await readFile(join(folder, 'out/dataset/img/frame 7.png')));
  t.deepEqual(new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.length), pixels);
  const read = await openDataset(join(folder, 'out'));
  t.like((await read.truth!(0))[0], {label: 1, box: [2, 1, 2, 1], area: 2});
});

test('photos that are turned away from their objects are told', async (t) => {
  const folder = await temporary(t);
  const given = await drawnDataset(folder, [FULL]);
  const photo = join(folder, 'photo.jpg');
  const create = {width: FULL.width, height: FULL.height, channels: 3, background: '#808080'} as const;
  await sharp({create}).withMetadata({orientation: 6}).jpeg().toFile(photo);
  const data = {...given, sources: () => [photo]};
  const {losses} = await convertDataset(data, join(folder, 'out'), {format: 'yolo'});
  t.like(losses, [
    {
      number: 1,
      images: 1,
      example: 'photo.jpg',
      why: 'they were annotated as stored; save the photos turned first, and convert again',
    },
  ]);
});

test('classes without objects are told where the format has no list of them', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [PIXEL], ['cell', 'debris']);
  const lossesOf = async (format: ConvertOptions['format']) =>
    (await convertDataset(data, join(folder, format), {format})).losses.map(({what, example}) => [what, example]);
  for (const format of ['labelme', 'via', 'label-studio', 'geojson'] as const) {
    t.deepEqual(await lossesOf(format), [['classes without objects were left out', "'debris'"]], format);
  }
  for (const format of ['coco', 'yolo', 'cvat', 'supervisely'] as const)
    t.deepEqual(await lossesOf(format), [], format);
});

test('splits may have different classes, and become one list', async (t) => {
  const folder = await temporary(t);
  const train = await drawnDataset(folder, [{...FULL, name: 'a.png', objects: [[1, () => true]]}], ['cell', 'debris']);
  const valid = await drawnDataset(
    folder,
    [
      {
        ...FULL,
        name: 'b.png',
        objects: [
          [1, () => true],
          [2, () => true],
        ],
      },
    ],
    ['blob', 'cell'],
  );
  await convertDataset({train, valid}, join(folder, 'out'), {format: 'coco'});
  const read = await openDataset(join(folder, 'out'), {split: 'valid'});
  t.deepEqual(read.classes, ['cell', 'debris', 'blob']);
  t.deepEqual(
    (await contentOf(read))['b.png']!.map((object) => object.class),
    ['blob', 'cell'],
  );
  t.deepEqual((await readdir(join(folder, 'out'))).toSorted(), ['annotations', 'train', 'valid']);
});

test('crowds are kept in COCO, left out elsewhere and told', async (t) => {
  const folder = await temporary(t);
  const given = await drawnDataset(folder, [HARD]);
  const objects = (await trueObjects(HARD)).map((object, i) => ({...object, crowd: i === 1, area: 100 + i}));
  const data = {...given, truth: async () => objects};
  const toCoco = await convertDataset(data, join(folder, 'coco'), {format: 'coco'});
  t.deepEqual(toCoco.losses, []);
  t.deepEqual(await (await openDataset(join(folder, 'coco'))).truth!(0), objects);
  const {losses} = await convertDataset(data, join(folder, 'cvat'), {format: 'cvat'});
  t.like(losses, [{what: 'crowd regions were left out', number: 1, example: 'hard.png, object 2'}]);
  t.is((await (await openDataset(join(folder, 'cvat'))).truth!(0)).length, objects.length - 1);
});

test('objects without a pixel are left out and told', async (t) => {
  const folder = await temporary(t);
  const given = await drawnDataset(folder, [PIXEL]);
  const empty: TrueObject = {
    label: 1,
    box: [0, 0, 1, 1],
    area: 1,
    crowd: false,
    mask: await encodeRle(Uint8Array.of(0), 1, 1),
  };
  const data = {...given, truth: async () => [empty, ...(await trueObjects(PIXEL))]};
  const {losses, objects} = await convertDataset(data, join(folder, 'out'), {format: 'geojson'});
  t.is(objects, 2);
  t.like(losses, [{what: 'objects without a pixel were left out', number: 1, example: 'pixel.png, object 1'}]);
});

test('what is not a data set, a split or a class that can be written is refused', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [PIXEL]);
  const out = join(folder, 'out');
  const fails = async (given: unknown, message: RegExp, options: object = {format: 'coco'}) => {
    const error = await t.throwsAsync(convertDataset(given as Dataset, out, options as ConvertOptions));
    t.regex(error!.message, message);
  };
  await fails(7, /`data` of convertDataset must be a data set/);
  await fails({}, /must be a data set .* or data sets by the names of their splits, got an object/);
  await fails({train: 3}, /Split 'train' must be a data set/);
  await fails({'../x': data}, /The name of a split must be of letters/);
  await fails({'..': data}, /The name of a split must be of letters/);
  await fails({fold1: data}, /YOLO's splits must be train, val and test, got 'fold1'/, {format: 'yolo'});
  await fails({train: data, training: data}, /one split each of train, val and test/, {format: 'yolo'});
  await fails({...data, classes: ['a', 'a']}, /must differ/);
  await fails({...data, classes: ['a\u0001', 'b']}, /must have no character U\+0001/, {format: 'cvat'});
  await fails(data, /'images' .* must be one of 'copy', 'link', 'none', got 'no'/, {format: 'cvat', images: 'no'});
  const ignored = {...data, classes: ['a', '__ignore__']};
  await fails(ignored, /must not be called '__ignore__', which LabelMe takes for none/, {format: 'labelme'});
  await fails(data, /needs option 'format'/, {});
  await fails(data, /'segmentation' .* must be one of 'masks', 'polygons' with the format 'cvat', got 'runs'/, {
    format: 'cvat',
    segmentation: 'runs',
  });
  await fails(data, /'segmentation' .* is for the formats 'coco' and 'cvat', got 'via'/, {
    format: 'via',
    segmentation: 'polygons',
  });
  const wrong = {...data, truth: async () => [{...(await trueObjects(PIXEL))[0]!, label: 9}]};
  await fails(wrong, /The label of object 1 of .*pixel\.png must be in 1\.\.2, got 9/);
  const other = {...data, truth: async () => [(await trueObjects(FULL))[0]!]};
  for (const format of ['coco', 'cvat']) {
    await fails(other, /The mask of object 1 of pixel\.png .*1 × 1, got 13 × 9/, {format});
  }
  t.deepEqual(await readdir(folder), ['pixel.png']);
});

test('names of images that mean something in URLs and XML are found again', async (t) => {
  const folder = await temporary(t);
  const names = ['a & b.png', "d'<1>.png", 'ü#1%20.png', 'e+f;g=1&d=2.png', 'x.y.z.png'];
  const data = await drawnDataset(
    folder,
    names.map((name) => ({...PIXEL, name})),
  );
  for (const format of [
    'coco',
    'yolo',
    'labelme',
    'via',
    'cvat',
    'label-studio',
    'supervisely',
    'geojson',
    'imagej',
  ] as const) {
    const out = join(folder, format);
    await convertDataset(data, out, {format});
    t.deepEqual(Object.keys(await contentOf(await openDataset(out))).toSorted(), names.toSorted(), format);
  }
});

/** A grid of objects of one pixel each. */
async function manyObjects(folder: string, number: number): Promise<Dataset> {
  const [width, height] = [700, Math.ceil((2 * number) / 700)];
  const image: Drawn = {name: 'many.png', width, height, objects: []};
  const data = await drawnDataset(folder, [image], ['cell']);
  const objects: TrueObject[] = [];
  const bitmap = new Uint8Array(width * height);
  for (let i = 0; i < number; i++) {
    bitmap[2 * i] = 1;
    const box: TrueObject['box'] = [(2 * i) % width, Math.floor((2 * i) / width), 1, 1];
    objects.push({label: 1, box, area: 1, crowd: false, mask: await encodeRle(bitmap, width, height)});
    bitmap[2 * i] = 0;
  }
  return {...data, truth: async () => objects};
}

test('70,000 objects of an image are too many for 16 bits, not for 32, and do not hold the event loop', async (t) => {
  t.timeout(300_000);
  const folder = await temporary(t);
  const data = await manyObjects(folder, 70_000);
  const png = convertDataset(data, join(folder, 'png'), {format: 'masks'});
  await t.throwsAsync(png, {
    code: 'INVALID_DATASET',
    message: /holds 65535 objects, got 70000 on many\.png\.\nWrite 'masks-tiff'/,
  });
  await convertDataset(data, join(folder, 'tiff'), {format: 'masks-tiff'});
  const {ids} = await readMask(join(folder, 'tiff/masks/many.tif'));
  t.true(ids.every((id, i) => id === (i % 2 === 0 && i < 140_000 ? i / 2 + 1 : 0)));

  for (const format of ['imagej', 'labelme', 'geojson', 'cvat', 'label-studio', 'yolo'] as const) {
    const start = performance.now();
    const longest = await held(() => convertDataset(data, join(folder, format), {format, images: 'none'}));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    t.log(`${format}: ${seconds} s, the event loop held for ${longest.toFixed(0)} ms`);
    t.true(longest < 1000, `${format}: ${longest}`);
  }
  const {openPromise} = await import('yauzl');
  const zip = await openPromise(join(folder, 'imagej/many_RoiSet.zip'));
  t.is(zip.entryCount, 70_000);
  zip.close();
});

test('what killed conversions have left is removed after ten minutes, and nothing else', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [FULL]);
  const leave = async (name: string, minutes: number, inner = minutes) => {
    await mkdir(join(folder, name, 'dataset'), {recursive: true});
    const file = join(folder, name, 'dataset', 'a.json');
    await writeFile(file, '{}');
    const ago = (age: number) => new Date(Date.now() - age * 60_000);
    await utimes(file, ago(inner), ago(inner));
    for (const each of [join(folder, name, 'dataset'), join(folder, name)])
      await utimes(each, ago(minutes), ago(minutes));
  };
  await leave('out.0a1b2c3d.tmp', 11);
  await leave('out.00000000.tmp', 9);
  await leave('out.11111111.tmp', 60, 1);
  await leave('other.0a1b2c3d.tmp', 60);
  await leave('out.tmp', 60);
  await convertDataset(data, join(folder, 'out'), {format: 'supervisely'});
  const names = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
  t.deepEqual(names.sort(), ['other.0a1b2c3d.tmp', 'out.00000000.tmp', 'out.11111111.tmp', 'out.tmp']);
});

test('classes of formats without a list of them come back in alphabetical order', async (t) => {
  const folder = await temporary(t);
  const names = ['b', 'B', 'a', 'ä', '10', '9'];
  const objects = names.map((_, i) => [i + 1, (x: number) => x === i] as const);
  const data = await drawnDataset(folder, [{name: 'a.png', width: 9, height: 3, objects}], names);
  for (const format of ['labelme', 'via', 'label-studio', 'geojson'] as const) {
    await convertDataset(data, join(folder, format), {format});
    t.deepEqual((await openDataset(join(folder, format))).classes, ['10', '9', 'B', 'a', 'b', 'ä'], format);
    const chosen = await openDataset(join(folder, format), {classes: names});
    t.deepEqual(chosen.classes, names);
  }
});
