import {mkdir, readdir, readFile, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {openDataset} from '../../lib/datasets/open-dataset.js';
import {convertDataset} from '../../lib/export/convert-dataset.js';
import type {ExportFormatName} from '../../lib/export/formats.js';
import {writeDetections} from '../../lib/export/write-detections.js';
import type {Detections} from '../../lib/model/detections.js';
import {classes, hardDetections} from '../label-studio/detected.js';
import {drawnDataset, HARD, temporary, trueObjects} from './drawn.js';

const detections = async (file: string): Promise<Detections> => ({file, ...(await hardDetections())});

/** Writes the detections on one image. */
async function written(t: ExecutionContext, format: ExportFormatName) {
  const folder = await temporary(t);
  const found = await detections(join(folder, 'hard.png'));
  const losses = await writeDetections([found], join(folder, format), {format, classes});
  return {losses, found, read: (name: string) => readFile(join(folder, format, name), 'utf8')};
}

test('COCO has the score of each detection, and the area of its mask', async (t) => {
  const {read, found} = await written(t, 'coco');
  const {annotations} = JSON.parse(await read('annotations.json')) as {annotations: Record<string, number>[]};
  t.deepEqual(
    annotations.map(({score}) => score!),
    [...found.scores],
  );
  t.deepEqual(
    annotations.map(({id}) => id),
    Array.from(found.scores, (_, i) => i + 1),
  );
  t.deepEqual(
    annotations.map(({area}) => area!),
    (await trueObjects(HARD)).map(({area}) => area),
  );
});

test('Label Studio has predictions, with the mean score for the image', async (t) => {
  const {read, found} = await written(t, 'label-studio');
  const [task] = JSON.parse(await read('tasks.json'));
  t.deepEqual(Object.keys(task), ['data', 'predictions']);
  t.deepEqual(
    task.predictions[0].result.map(({score}: {score: number}) => score),
    [...found.scores],
  );
  t.is(task.predictions[0].score, found.scores.reduce((sum, score) => sum + score, 0) / found.scores.length);
});

test('QuPath has detections, which measure their scores', async (t) => {
  const {read, found} = await written(t, 'geojson');
  type Feature = {properties: {objectType: string; measurements: {score: number}}};
  const {features} = JSON.parse(await read('hard.geojson')) as {features: Feature[]};
  t.true(features.every(({properties}) => properties.objectType === 'detection'));
  t.deepEqual(
    features.map(({properties}) => properties.measurements.score),
    [...found.scores],
  );
});

test('CVAT, Supervisely, LabelMe and VIA have the scores in attributes, tags and descriptions', async (t) => {
  const cvat = await written(t, 'cvat');
  const scores = [...cvat.found.scores];
  const xml = await cvat.read('annotations.xml');
  t.deepEqual(
    Array.from(xml.matchAll(/<attribute name="score">([^<]+)</g), ([, score]) => Number(score)),
    scores,
  );
  t.regex(xml, /<label>\s+<name>gland<\/name>[\s\S]*?<attribute>\s+<name>score<\/name>/);

  const {read} = await written(t, 'supervisely');
  const {objects} = JSON.parse(await read('dataset/ann/hard.png.json')) as {objects: {tags: {value: number}[]}[]};
  t.deepEqual(
    objects.map(({tags}) => tags[0]!.value),
    scores,
  );
  t.is(JSON.parse(await read('meta.json')).tags[0].name, 'confidence');

  const {shapes} = JSON.parse(await (await written(t, 'labelme')).read('hard.json'));
  t.is(shapes[0].description, 'score 1.0000');

  type Entry = {regions: {region_attributes: {score: string}}[]};
  const [entry] = Object.values(JSON.parse(await (await written(t, 'via')).read('via_region_data.json'))) as Entry[];
  t.deepEqual(
    entry!.regions.map((region) => Number(region.region_attributes.score)),
    scores,
  );
});

test('YOLO has no scores, which is told', async (t) => {
  const {losses, found} = await written(t, 'yolo');
  const number = found.scores.length;
  t.like(
    losses.find(({what}) => what === 'scores were left out'),
    {number, objects: number, images: 1},
  );
});

test('images are named as their files, and files that were there are replaced', async (t) => {
  const folder = await temporary(t);
  const found = await Promise.all(['a/x.png', 'b/x.png', 'b/X.jpg'].map((name) => detections(join(folder, name))));
  await writeFile(join(folder, 'x.json'), 'old');
  await writeDetections(found, folder, {format: 'labelme', classes});
  const paths = ['x', 'x-2', 'X-3'].map(async (stem) =>
    JSON.parse(await readFile(join(folder, `${stem}.json`), 'utf8')),
  );
  t.deepEqual(
    (await Promise.all(paths)).map(({imagePath}) => imagePath),
    ['x.png', 'x-2.png', 'X-3.jpg'],
  );
});

test('detections without a file or masks are refused, and no half document stays', async (t) => {
  const folder = await temporary(t);
  const found = await detections('a.png');
  const {file: _, ...unnamed} = found;
  const write = (each: Detections) => writeDetections([found, each], folder, {format: 'cvat', classes});
  await t.throwsAsync(write(unnamed), {code: 'INVALID_OPTION', message: /must have a `file`/});
  for (const masks of [found.masks.slice(1), found.masks.map(() => new Uint8Array(4)) as never]) {
    await t.throwsAsync(write({...found, masks}), {code: 'INVALID_MASK', message: /maskFormat 'rle'/});
  }
  const wrong = {...found, masks: found.masks.map((mask, i) => (i === 2 ? {...mask, counts: '!!'} : mask))};
  const error = await t.throwsAsync(write({...wrong, file: 'b.png'}), {code: 'INVALID_MASK'});
  t.regex(error!.message, /The mask of object 3 of b\.png is invalid/);
  t.deepEqual(await readdir(folder), []);
  const options = {format: 'tiff' as ExportFormatName, classes};
  await t.throwsAsync(writeDetections([], folder, options), {code: 'INVALID_OPTION', message: /'format'.*'masks'/});
});

test('detections without masks are boxes, in the formats that have them', async (t) => {
  const folder = await temporary(t);
  const found = {...(await detections(join(folder, 'hard.png'))), masks: []};
  const source = (await drawnDataset(folder, [HARD])).sources!(0)[0]!;
  for (const format of ['coco', 'yolo', 'cvat', 'label-studio', 'supervisely'] as const) {
    const out = join(folder, format);
    const losses = await writeDetections([found], out, {format, classes});
    t.deepEqual(
      losses.map(({what}) => what),
      format === 'yolo' ? ['scores were left out'] : [],
    );
    const data = await openDataset(out, {images: dirname(source)});
    const objects = await data.truth!(0);
    t.is(objects.length, found.scores.length, format);
    for (const [i, {label, box, mask}] of objects.entries()) {
      t.is(mask, undefined, format);
      t.is(data.classes[label - 1], found.classNames[i], format);
      const [x0, y0, x1, y1] = found.boxes.subarray(4 * i, 4 * i + 4);
      const far = [x0!, y0!, x1! - x0!, y1! - y0!].map((side, k) => Math.abs(side - box[k]!));
      t.true(Math.max(...far) < 0.01, `${format}: ${far}`);
    }
  }
  const write = (format: ExportFormatName) => writeDetections([found], join(folder, format), {format, classes});
  await t.throwsAsync(write('geojson'), {code: 'INVALID_MASK', message: /maskFormat 'rle'/});
});

test('Label Studio gets its images in a folder of its document root, which serves none of its own files', async (t) => {
  const folder = await temporary(t);
  const found = await detections('hard.png');
  const pathIn = async (name: string) => {
    const [task] = JSON.parse(await readFile(join(folder, name, 'tasks.json'), 'utf8')) as {data: {image: string}}[];
    return task!.data.image;
  };
  await writeDetections([found], join(folder, 'found'), {format: 'label-studio', classes});
  t.is(await pathIn('found'), '/data/local-files/?d=images/hard.png');
  await convertDataset(await drawnDataset(folder, [HARD]), join(folder, 'copied'), {format: 'label-studio'});
  t.is(await pathIn('copied'), '/data/local-files/?d=images/hard.png');
  t.deepEqual(await readdir(join(folder, 'copied', 'images')), ['hard.png']);
  const out = join(folder, 'left');
  await mkdir(join(folder, 'my scans'));
  await convertDataset(await drawnDataset(join(folder, 'my scans'), [HARD]), out, {
    format: 'label-studio',
    images: 'none',
  });
  t.is(await pathIn('left'), '/data/local-files/?d=my%20scans/hard.png');
});
