import {existsSync} from 'node:fs';
import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {convertDataset} from '../../lib/export/convert-dataset.js';
import {roiOf} from '../../lib/export/formats/imagej-roi.js';
import {drawnDataset, HARD, temporary} from './drawn.js';

const shared = fileURLToPath(new URL('../../../shared/data/annotations/', import.meta.url));

/** Fields that the real files lack, because they are of other versions, and why they are right all the same. */
const NEWER: readonly [pattern: RegExp, reason: string][] = [
  [/^shapes\[\]\.(description|mask)$/, 'since LabelMe 5; the real files are of 4'],
  [/^shapes\[\]\.group_id number$/, 'an id where the real file has none'],
  [/\.measurements(\.score)?$/, 'QuPath measures detections; the real ones are annotations'],
  [/^\[\]\.predictions\[\]/, 'the real predictions stand without a task'],
];

/** The paths of all fields with their types: 'shapes[].points[][] number'. */
function fieldsOf(value: unknown, path = ''): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap((item) => [...fieldsOf(item, `${path}[]`)]));
  if (typeof value !== 'object' || value === null)
    return new Set([`${path} ${value === null ? 'null' : typeof value}`]);
  return new Set(
    Object.entries(value).flatMap(([key, item]) => [
      path === '' ? key : `${path}.${key}`,
      ...fieldsOf(item, path === '' ? key : `${path}.${key}`),
    ]),
  );
}

/** Each field of ours is in a real file, and of the same type. */
async function compare(t: ExecutionContext, ours: unknown, realFiles: readonly string[]): Promise<void> {
  const real = new Set<string>();
  for (const file of realFiles) {
    for (const field of fieldsOf(JSON.parse(await readFile(join(shared, file), 'utf8')))) real.add(field);
  }
  const isNew = (field: string) =>
    NEWER.some(([pattern]) => pattern.test(field.replace(/ \w+$/, '')) || pattern.test(field));
  const unknown = [...fieldsOf(ours)].filter((field) => !real.has(field) && !isNew(field));
  t.deepEqual(unknown, []);
}

const withReal = existsSync(shared) ? test : test.skip;
if (!existsSync(shared)) console.log('# skipped: fields as in real files, for there is no folder of shared data');

async function written(
  t: ExecutionContext,
  format: 'labelme' | 'label-studio' | 'supervisely' | 'geojson' | 'via' | 'coco',
) {
  const folder = await temporary(t);
  const out = join(folder, 'out');
  await convertDataset(await drawnDataset(folder, [HARD]), out, {format});
  return async (name: string) => JSON.parse(await readFile(join(out, name), 'utf8'));
}

withReal('fields of LabelMe', async (t) => {
  const read = await written(t, 'labelme');
  await compare(t, await read('hard.json'), ['labelme/2011_000003.json', 'labelme/2011_000025.json']);
});

withReal('fields of Label Studio', async (t) => {
  const read = await written(t, 'label-studio');
  const [task] = await read('tasks.json');
  await compare(t, [{data: task.data}], ['label-studio/data_polygons.json']);
  // Results stand in the annotations of tasks, or in predictions alone.
  const real = ['label-studio/test_brush_labels.json', 'label-studio/test_polygon_labels.json'];
  await compare(t, task.annotations, real);
});

withReal('fields of Supervisely', async (t) => {
  const read = await written(t, 'supervisely');
  const names = await readdir(join(shared, 'supervisely/ann'));
  await compare(
    t,
    await read('dataset/ann/hard.png.json'),
    names.map((name) => `supervisely/ann/${name}`),
  );
  await compare(t, await read('meta.json'), ['supervisely/meta.json']);
});

withReal('fields of QuPath', async (t) => {
  const read = await written(t, 'geojson');
  // The real file has no objects in several parts, whose coordinates are one level deeper.
  const {features, ...collection} = await read('hard.geojson');
  const single = features.filter(({geometry}: {geometry: {type: string}}) => geometry.type === 'Polygon');
  t.true(single.length > 5);
  await compare(t, {...collection, features: single}, ['qupath/TD_01_verysmall_mIF.geojson']);
});

withReal('fields of VGG Image Annotator', async (t) => {
  const read = await written(t, 'via');
  const [ours] = Object.values(await read('via_region_data.json')) as {regions: {region_attributes: object}[]}[];
  const real = Object.values(JSON.parse(await readFile(join(shared, 'via/via_region_data.json'), 'utf8')));
  const fields = new Set(real.flatMap((each) => [...fieldsOf(each)]));
  t.deepEqual(
    // The user names the attributes of regions; the real file has none.
    [...fieldsOf(ours)].filter((field) => !fields.has(field) && !field.startsWith('regions[].region_attributes.')),
    [],
  );
});

withReal('fields of COCO', async (t) => {
  const read = await written(t, 'coco');
  // The real files have polygons; pycocotools reads our run lengths in tools.test.ts.
  const {annotations, ...rest} = await read('annotations.json');
  const plain = annotations.map(({segmentation: _, ...each}: {segmentation: unknown}) => each);
  await compare(t, {...rest, annotations: plain}, ['roboflow-coco/train/_annotations.coco.json']);
});

withReal('elements and attributes of CVAT', async (t) => {
  const folder = await temporary(t);
  const out = join(folder, 'out');
  await convertDataset(await drawnDataset(folder, [HARD]), out, {format: 'cvat'});
  const namesIn = (xml: string) => {
    const tags = Array.from(xml.matchAll(/<([a-z_]+)((?:\s+[a-z_]+="[^"]*")*)\s*\/?>/g), ([, tag, attributes]) => [
      tag!,
      ...Array.from(attributes!.matchAll(/([a-z_]+)="/g), ([, name]) => `${tag} ${name}`),
    ]);
    return new Set(tags.flat());
  };
  const ours = namesIn(await readFile(join(out, 'annotations.xml'), 'utf8'));
  const real = namesIn(await readFile(join(shared, 'cvat/annotations.xml'), 'utf8'));
  t.true(ours.size > 15);
  t.deepEqual(
    [...ours].filter((name) => !real.has(name)),
    [],
  );
});

withReal('a polygon of ImageJ has the bytes of ImageJ for the same points', async (t) => {
  const real = await readFile(join(shared, 'imagej-roi/polygon.roi'));
  const points = real.readUInt16BE(16);
  const [top, left] = [real.readInt16BE(8), real.readInt16BE(10)];
  const x = Array.from({length: points}, (_, i) => left + real.readUInt16BE(64 + 2 * i));
  const y = Array.from({length: points}, (_, i) => top + real.readUInt16BE(64 + 2 * (points + i)));
  const ours = roiOf([x.flatMap((each, i) => [each, y[i]!])], [0, 0, 0]);
  // All up to the stroke, and the points. Of the rest only version and colour differ, and the second header is absent.
  for (const [from, to] of [
    [0, 4],
    [6, 18],
    [64, 64 + 4 * points],
  ] as const) {
    t.deepEqual(ours.subarray(from, to), real.subarray(from, to));
  }
});
