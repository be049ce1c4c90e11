import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {
  AnnotatedImages,
  type Detections,
  type DetectionsJson,
  decodeRle,
  detectionsToJson,
  detectionsToLabels,
  maskRcnn,
  measure,
  openDataset,
} from '../../lib/index.js';
import {objectsCsv} from '../../lib/measure/tables.js';
import {setPixels} from '../../lib/model/model.js';
import {makeAnswer} from '../../lib/serve/answers.js';
import {writeTiff} from '../image/tiff-writer.js';
import {MANY, manyObjects} from '../many-objects.js';
import {cells, formulaWeights, png, refused, started, type Weights} from './started.js';

let weights: Weights;
let body: Buffer;
let found: Detections;
test.before(async () => {
  weights = await formulaWeights();
  body = await png(cells);
  [found] = await weights.model.predict(body, {scoreThreshold: 0.5});
});
test.after.always(() => weights.remove());

type Predictions = {model: string; images: DetectionsJson[]};

test('JSON has what predict() finds, to the last digit', async (t) => {
  const {url, models} = await started(t, weights.file);
  t.deepEqual(models, ['cells']);
  const response = await fetch(`${url}/predict`, {method: 'POST', body: new Uint8Array(body)});
  t.is(response.status, 200);
  const {model, images} = (await response.json()) as Predictions;
  t.is(model, 'cells');
  t.true(found.scores.length > 3);
  t.deepEqual(images, [JSON.parse(JSON.stringify({...detectionsToJson(found), file: 'image'}))]);
});

test('parameters do what the options of predict() do', async (t) => {
  const {url} = await started(t, weights.file, {scoreThreshold: 0.6});
  const ask = async (parameters: string) => {
    const response = await fetch(`${url}/predict?${parameters}`, {method: 'POST', body: new Uint8Array(body)});
    return ((await response.json()) as Predictions).images[0]!;
  };
  const expected = async (options: Parameters<typeof weights.model.predict>[1]) => {
    const [detections] = await weights.model.predict(body, options);
    return JSON.parse(JSON.stringify(detectionsToJson(detections as Detections)));
  };
  t.deepEqual((await ask('')).objects, (await expected({scoreThreshold: 0.6})).objects);
  t.deepEqual(
    (await ask('scoreThreshold=0&maxDetections=2')).objects,
    (await expected({scoreThreshold: 0, maxDetections: 2})).objects,
  );
  t.deepEqual((await ask('views=2')).objects, (await expected({scoreThreshold: 0.6, views: 2})).objects);
  const tiled = await expected({scoreThreshold: 0.6, tiles: {size: 128, overlap: 32}});
  t.deepEqual((await ask('tiles=128&overlap=32')).objects, tiled.objects);
  const channels = await expected({scoreThreshold: 0.6, channels: [2, 1, 0]});
  t.deepEqual((await ask('channels=2,1,0')).objects, channels.objects);
  t.deepEqual((await ask('channels=[2,1,0]')).objects, channels.objects);
  t.true((await ask('masks=none')).objects.every(({mask}) => mask === undefined));
  t.is((await ask('name=a%2Fb.png')).file, 'a/b.png');
});

test('a form has several images and options, and a table has all of them', async (t) => {
  const {url} = await started(t, weights.file);
  const form = new FormData();
  for (const name of ['one.png', 'C:\\two.png']) form.append('files', new Blob([new Uint8Array(body)]), name);
  form.append('micronsPerPixel', '0.5');
  const response = await fetch(`${url}/predict`, {method: 'POST', body: form, headers: {accept: 'text/csv'}});
  t.is(response.headers.get('content-type'), 'text/csv; charset=utf-8');
  const objects = await measure(body, found, {micronsPerPixel: 0.5});
  const images = ['one.png', 'two.png'].map((image) => ({image, objects}));
  t.is(await response.text(), await objectsCsv(images));
});

test('a table has the intensities of the page that the network reads', async (t) => {
  const {width, height} = cells;
  const page = (scale: number) => Uint8Array.from({length: width * height}, (_, i) => scale * cells.data[3 * i]!);
  const stack = writeTiff([0, 0.5].map((scale) => ({width, height, bits: 8, data: page(scale)})));
  await using model = await maskRcnn({weights: weights.file});
  setPixels(model, {page: 1});
  const file = join(weights.folder, 'second-page.safetensors');
  await model.save(file);
  const {url} = await started(t, file);
  const [detections] = await model.predict(stack, {scoreThreshold: 0.5});
  t.true(detections.scores.length > 0);
  const table = await fetch(`${url}/predict?format=csv`, {method: 'POST', body: new Uint8Array(stack)});
  const objects = await measure(stack, detections, {page: 1});
  t.is(await table.text(), await objectsCsv([{image: 'image', objects}]));
});

test('a table without objects has the same header', async (t) => {
  const {url} = await started(t, weights.file);
  const header = async (parameters: string) => {
    const response = await fetch(`${url}/predict?format=csv&${parameters}`, {
      method: 'POST',
      body: new Uint8Array(body),
    });
    return (await response.text()).split('\r\n')[0];
  };
  t.is(await header('scoreThreshold=1'), await header('scoreThreshold=0.5'));
});

test('GeoJSON opens as a data set with the same masks', async (t) => {
  const {url} = await started(t, weights.file);
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: {accept: 'application/geo+json'},
  });
  await writeFile(join(weights.folder, 'cells.geojson'), await response.text());
  await writeFile(join(weights.folder, 'cells.png'), body);
  const data = await openDataset(join(weights.folder, 'cells.geojson'));
  t.true(data instanceof AnnotatedImages);
  const {instances} = await data.get(0);
  t.is(instances.length, found.masks.length);
  for (const [i, {mask}] of instances.entries()) {
    const pixels = new Uint8Array(cells.width * cells.height);
    for (let at = 0; at < mask!.data.length; at++) {
      const [x, y] = [mask!.left + (at % mask!.width), mask!.top + Math.floor(at / mask!.width)];
      pixels[y * cells.width + x] = mask!.data[at]!;
    }
    t.deepEqual(pixels, decodeRle(found.masks[i]!));
  }
});

test('pictures: the objects over the image, and a label mask', async (t) => {
  const {url} = await started(t, weights.file);
  const ask = async (parameters: string, accept: string) => {
    const response = await fetch(`${url}/predict?${parameters}`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: {accept},
    });
    t.is(response.headers.get('content-type'), 'image/png');
    return Buffer.from(await response.arrayBuffer());
  };
  const overlay = await ask('', 'image/png');
  t.like(await sharp(overlay).metadata(), {width: 2 * cells.width, height: 2 * cells.height, channels: 3});
  for (const labels of [await ask('', 'image/png;as=labels'), await ask('format=labels', '*/*')]) {
    const {data} = await sharp(labels)
      .toColourspace('grey16')
      .raw({depth: 'ushort'})
      .toBuffer({resolveWithObject: true});
    const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
    t.deepEqual([...values], [...detectionsToLabels(found).labels]);
  }
});

test('a label mask of more objects than its 16 bits tell apart is refused', async (t) => {
  const found = {
    upload: {name: 'plate.png', bytes: new Uint8Array()},
    detections: await manyObjects(MANY),
    ...{pixels: undefined, large: undefined, page: undefined, level: undefined, seconds: 0},
  };
  const context = {model: 'cells', classes: ['cell'], options: {}};
  const refusal = await t.throwsAsync(makeAnswer('labels', [found], context));
  t.like(refusal, {
    status: 406,
    code: 'NOT_ACCEPTABLE',
    message: 'A label mask of 16 bits holds 65535 objects, got 65536 on plate.png.',
    hint: 'Ask for JSON or GeoJSON, or raise scoreThreshold.',
  });
});

test('a format that does not fit is refused', async (t) => {
  const {url} = await started(t, weights.file);
  const ask = (accept: string, parameters = '', times = 1) => {
    const form = new FormData();
    for (let i = 0; i < times; i++) form.append('files', new Blob([new Uint8Array(body)]), `${i}.png`);
    return fetch(`${url}/predict?${parameters}`, {method: 'POST', body: form, headers: {accept}});
  };
  await refused(t, await ask('text/plain'), 406, 'NOT_ACCEPTABLE');
  await refused(t, await ask('image/png', '', 2), 406, 'NOT_ACCEPTABLE');
  await refused(t, await ask('*/*', 'format=geojson&masks=none'), 406, 'NOT_ACCEPTABLE');
  t.is((await ask('application/xml, text/csv;q=0.4')).headers.get('content-type'), 'text/csv; charset=utf-8');
});

test('the image as the network sees it', async (t) => {
  const {url} = await started(t, weights.file);
  const values = Uint16Array.from({length: 40 * 30}, (_, i) => 1000 + i);
  const tiff = await sharp(values, {raw: {width: 40, height: 30, channels: 1}})
    .toColourspace('grey16')
    .tiff({compression: 'deflate'})
    .toBuffer();
  const response = await fetch(`${url}/image?range=1000,2199`, {method: 'POST', body: new Uint8Array(tiff)});
  t.is(response.headers.get('content-type'), 'image/png');
  const {data, info} = await sharp(Buffer.from(await response.arrayBuffer()))
    .raw()
    .toBuffer({resolveWithObject: true});
  t.like(info, {width: 40, height: 30, channels: 3});
  t.deepEqual([...data.subarray(0, 3), ...data.subarray(-3)], [0, 0, 0, 255, 255, 255]);
  await refused(
    t,
    await fetch(`${url}/image?views=2`, {method: 'POST', body: new Uint8Array(tiff)}),
    400,
    'INVALID_OPTION',
  );
});
