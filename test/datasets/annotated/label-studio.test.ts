import {copyFile, mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import type {AnnotatedImages} from '../../../lib/datasets/annotated/annotated-images.js';
import {Place} from '../../../lib/datasets/annotated/place.js';
import {labelStudio} from '../../../lib/datasets/annotated/readers/label-studio.js';
import {MaskRcnnError, openDataset} from '../../../lib/index.js';
import {folderOf, realExport} from './folders.js';
import {openWith} from './open-with.js';

/** A result about an image of 200 × 100 pixels. */
const result = (type: string, value: object, more: object = {}) => ({
  type,
  value,
  from_name: 'label',
  to_name: 'image',
  original_width: 200,
  original_height: 100,
  ...more,
});

/** A rectangle as a polygon, in pixels. */
const polygon = (name: string | undefined, [x0, y0, x1, y1]: readonly [number, number, number, number], more = {}) => {
  const corners = [x0, y0, x1, y0, x1, y1, x0, y1];
  const points = [0, 1, 2, 3].map((i) => [corners[2 * i]! / 2, corners[2 * i + 1]!]);
  return result('polygonlabels', {points, ...(name !== undefined && {polygonlabels: [name]})}, more);
};

const task = (results: readonly object[], more: object = {}) => ({
  id: 1,
  data: {image: '/data/upload/1/0a1b2c3d-a.png'},
  annotations: [{id: 5, was_cancelled: false, result: results}],
  predictions: [],
  total_annotations: 1,
  ...more,
});

async function objects(data: AnnotatedImages, index = 0): Promise<[string, number, readonly number[]][]> {
  const rounded = (value: number) => Math.round(value * 100) / 100;
  return (await data.truth(index)).map(({label, area, box}) => [
    data.classes[label - 1]!,
    rounded(area),
    box.map(rounded),
  ]);
}

/** Bits of thi.ng's rle-pack: a list of [number, bits]. */
function pack(fields: readonly (readonly [number, number])[]): number[] {
  const bits = fields.map(([value, width]) => value.toString(2).padStart(width, '0')).join('');
  return (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
}

const header = (values: number, wordBits = 8) =>
  [
    [values, 32] as const,
    [wordBits - 1, 5] as const,
    ...[3, 4, 8, 16].map((width) => [width - 1, 4] as const),
  ] as const;

/** `values` equal values, at most 65536. */
const repeated = (value: number, values: number) =>
  [
    [1, 1],
    [3, 2],
    [values - 1, 16],
    [value, 8],
  ] as const;

const literal = (...values: readonly number[]) =>
  [[0, 1], [1, 2], [values.length - 1, 4], ...values.map((value) => [value, 8] as const)] as const;

test('polygons, ellipses and boxes in percent; keypoints are counted and left out', async (t) => {
  const results = [
    polygon('b', [20, 10, 40, 30]),
    result('ellipselabels', {x: 50, y: 50, radiusX: 10, radiusY: 5, rotation: 90, ellipselabels: ['a']}),
    result('ellipselabels', {x: 25, y: 50, radiusX: 10, radiusY: 5, ellipselabels: ['a']}),
    result('rectanglelabels', {x: 1, y: 1, width: 5, height: 5, rotation: 30, rectanglelabels: ['a']}),
    result('keypointlabels', {x: 1, y: 1, width: 0.3, keypointlabels: ['a']}),
    {type: 'relation', from_id: 'x', to_id: 'y', direction: 'right'},
    result('choices', {choices: ['good']}),
  ];
  const data = await openWith(labelStudio, await folderOf(t, {'project-1.json': [task(results)], 'a.png': '200x100'}));
  t.deepEqual(data.classes, ['a', 'b']);
  t.deepEqual(data.stats, {
    images: 1,
    objects: {b: 1, a: 3},
    shapes: {polygon: 1, ellipse: 2, box: 1},
    skipped: {keypoint: 1},
  });
  // The half axes are 20 and 5 pixels, so the area is 314; the editor turns the ellipse around its centre.
  t.deepEqual(await objects(data), [
    ['b', 400, [20, 10, 20, 20]],
    ['a', 319, [95, 30, 10, 40]],
    ['a', 318, [30, 45, 40, 10]],
    // 10 × 5 pixels at (2, 1), turned by 30° around that corner, and the image ends at 0.
    ['a', 99.46, [0, 1, 10.66, 9.33]],
  ]);
  const {file, instances} = await data.get(0);
  t.regex(file, /a\.png$/);
  t.deepEqual(
    instances.map((instance) => 'mask' in instance),
    [true, true, true, false],
  );
});

test('brush masks and bitmasks: the alpha is the mask, row by row', async (t) => {
  // 200 × 100: 5 empty rows and 190 pixels, then 3 pixels at the right with an alpha, 7 without, 4 of the next row.
  const rle = pack([
    ...header(80_000),
    ...repeated(0, 4 * 1190 + 2),
    ...literal(9, 1),
    ...repeated(255, 8),
    ...literal(7, 7, 7, 0),
    ...repeated(0, 4 * 6),
    ...repeated(1, 16),
    ...repeated(0, 65_536),
    ...repeated(0, 80_000 - 65_536 - 4 * 1204),
  ]);
  const pixels = Buffer.alloc(4 * 200 * 100);
  for (const pixel of [201, 202, 402]) pixels[4 * pixel + 3] = pixel === 402 ? 1 : 255;
  const png = await sharp(pixels, {raw: {width: 200, height: 100, channels: 4}})
    .png()
    .toBuffer();
  const imageDataURL = `data:image/png;base64,${png.toString('base64')}`;
  const results = [
    result('brushlabels', {format: 'rle', rle, brushlabels: ['a']}),
    result('bitmasklabels', {imageDataURL, bitmasklabels: ['b']}),
    result('brushlabels', {
      format: 'rle',
      rle: pack([...header(80_000), ...repeated(0, 65_536), ...repeated(0, 14_464)]),
      brushlabels: ['a'],
    }),
  ];
  const data = await openWith(labelStudio, await folderOf(t, {'a.json': [task(results)], 'a.png': '200x100'}));
  const {instances} = await data.get(0);
  t.deepEqual(
    instances.map(({mask}) => mask!).map(({left, top, width, height}) => [left, top, width, height]),
    [
      [0, 5, 193, 2],
      [1, 1, 2, 2],
    ],
  );
  const [brush, bitmask] = instances.map(({mask}) => mask!.data);
  const set = [...brush!.entries()].filter(([, value]) => value === 1).map(([i]) => i);
  t.deepEqual(set, [190, 191, 192, 193, 194, 195, 196]);
  t.deepEqual([...bitmask!], [1, 1, 0, 1]);
  t.deepEqual(data.stats.shapes, {mask: 3});
  t.deepEqual(data.stats.skipped, {'without a pixel in the image': 1});
});

test('a size that is not stated is that of the image', async (t) => {
  const unsized = {original_width: undefined, original_height: undefined};
  const results = [polygon('a', [20, 10, 40, 30], unsized)];
  const path = await folderOf(t, {'a.json': [task(results)]});
  const data = await openWith(labelStudio, path);
  await t.throwsAsync(data.truth(0), {code: 'INVALID_IMAGE', message: /0a1b2c3d-a\.png/});
  await sharp({create: {width: 100, height: 50, channels: 3, background: 'red'}}).toFile(join(path, 'a.png'));
  t.deepEqual(await objects(await openWith(labelStudio, path)), [['a', 100, [10, 5, 10, 10]]]);
});

test('the first annotation counts that was not cancelled; images without one are left out', async (t) => {
  const annotation = (name: string, more: object = {}) => ({result: [polygon(name, [0, 0, 10, 10])], ...more});
  const tasks = [
    task([], {
      data: {image: 'a.png'},
      annotations: [annotation('cancelled', {was_cancelled: true}), annotation('first'), annotation('second')],
    }),
    task([], {data: {image: 'b.png'}, annotations: [], predictions: [annotation('guess'), annotation('other')]}),
    task([], {
      data: {image: 'c.png'},
      annotations: [annotation('x', {was_cancelled: true})],
      predictions: [annotation('y')],
    }),
    task([], {data: {image: 'd.png'}, annotations: [], predictions: [17, 18]}),
    task([], {data: {image: 'e.png'}}),
    {data: {image: 'f.png'}, completions: [annotation('old')]},
  ];
  const data = await openWith(labelStudio, await folderOf(t, {'a.json': tasks}));
  t.deepEqual(
    data.images.map(({file}) => file.at(-5)),
    ['a', 'b', 'e', 'f'],
  );
  t.deepEqual(data.classes, ['first', 'guess', 'old']);
  t.deepEqual(data.stats.skipped, {
    'annotation of another annotator': 1,
    'prediction of another model': 1,
    'image without annotations': 2,
  });
  t.deepEqual(await data.truth(2).catch((error) => error.code), 'INVALID_IMAGE'); // no size, and no image
});

test('results with one id are one region: a shape with its class or text', async (t) => {
  const shape = polygon(undefined, [0, 0, 10, 10]).value;
  const results = [
    result('labels', {...shape, labels: ['a']}, {id: 'r1'}),
    result('polygon', shape, {id: 'r1'}),
    result('textarea', {...shape, text: ['words']}, {id: 'r1'}),
    result('labels', {...shape, labels: ['b']}, {id: 'r2'}),
    // Predictions of a program that gives all shapes one id.
    polygon('c', [20, 20, 30, 30], {id: 'same'}),
    polygon('c', [40, 40, 50, 50], {id: 'same'}),
    polygon(undefined, [60, 60, 70, 70]),
  ];
  const data = await openWith(labelStudio, await folderOf(t, {'a.json': [task(results)]}));
  t.deepEqual(
    (await objects(data)).map(([name, , [x]]) => [name, x]),
    [
      ['a', 0],
      ['b', 0],
      ['c', 20],
      ['c', 40],
      ['object', 60],
    ],
  );
});

test('JSON-MIN', async (t) => {
  const value = (each: {value: object}) => ({...each.value, original_width: 200, original_height: 100});
  const record = (more: object) => ({id: 1, image: 's3://bucket/a.png', annotator: 1, annotation_id: 3, ...more});
  const ellipse = result('ellipselabels', {x: 50, y: 50, radiusX: 10, radiusY: 5, rotation: 0, ellipselabels: ['b']});
  const rle = pack([...header(80_000), ...repeated(255, 4), ...repeated(0, 65_536), ...repeated(0, 14_460)]);
  const records = [
    record({
      label: [value(polygon('a', [0, 0, 10, 10])), value(ellipse)],
      tag: [{format: 'rle', rle, brushlabels: ['c'], original_width: 200, original_height: 100}],
      transcription: [{...value(polygon(undefined, [0, 0, 10, 10])), text: ['one', 'two']}],
      choice: 'good',
    }),
    record({annotation_id: 4, label: [value(polygon('z', [0, 0, 10, 10]))]}),
    record({id: 2, image: 'b.png', annotation_id: null}),
    record({
      id: 3,
      image: 'c.png',
      shape: [value(polygon(undefined, [0, 0, 10, 10]))],
      label: [{...value(polygon(undefined, [0, 0, 10, 10])), labels: ['d']}],
    }),
  ];
  const data = await openWith(labelStudio, await folderOf(t, {'min.json': records}));
  t.deepEqual(data.classes, ['a', 'b', 'c', 'd']);
  t.deepEqual(data.stats.skipped, {'annotation of another annotator': 1, 'image without annotations': 1});
  t.deepEqual(
    (await objects(data)).map(([name, area]) => [name, area]),
    [
      ['a', 100],
      ['b', 318],
      ['c', 1],
    ],
  );
  t.deepEqual(await objects(data, 1), [['d', 100, [0, 0, 10, 10]]]);
});

test('names of images', async (t) => {
  const path = await folderOf(t, {'plain.png': '2x2', '0a1b2c3d-full.png': '2x2', 'full.png': '2x2', 'a b.jpg': '2x2'});
  const cases = [
    [{image: '/data/upload/3/0a1b2c3d-plain.png'}, 'plain.png'],
    [{image: '/data/upload/3/0a1b2c3d-full.png'}, '0a1b2c3d-full.png'],
    [{image: '/data/local-files/?d=some%2Ffolder/plain.png'}, 'plain.png'],
    [{image: '/data/local-files?x=1&d=some/a%20b.jpg'}, 'a b.jpg'],
    [{image: 'https://host/plain.png?X-Amz-Signature=a/b.c&d=1#x'}, 'plain.png'],
    [{image: 'C:\\photos\\plain.png'}, 'plain.png'],
    [{image: 'plain.jpg'}, 'plain.png'],
    [{image: '100%.png'}, '100%.png'],
    [{photo: 'gs://bucket/plain.png', comment: 'nice', count: 3}, 'plain.png'],
    [{image: 'plain.png', other: 'full.png'}, 'plain.png'],
    [{image: '/opaque'}, 'opaque'],
  ] as const;
  for (const [data, expected] of cases) {
    await writeFile(join(path, 'a.json'), JSON.stringify([task([polygon('a', [0, 0, 10, 10])], {data})]));
    const {images} = await openWith(labelStudio, path);
    t.is(images[0]!.file, join(path, expected));
  }
  const uploaded = task([polygon('a', [0, 0, 10, 10])], {data: {image: '/x'}, file_upload: '0a1b2c3d-plain.png'});
  await writeFile(join(path, 'a.json'), JSON.stringify([uploaded]));
  t.is((await openWith(labelStudio, path)).images[0]!.file, join(path, 'plain.png'));
  await mkdir(join(path, 'photos'));
  const elsewhere = await openWith(labelStudio, join(path, 'a.json'), {}, {images: join(path, 'photos')});
  t.is(elsewhere.images[0]!.file, join(path, 'photos', '0a1b2c3d-plain.png'));
});

test('only files of Label Studio are recognised', async (t) => {
  const recognised = async (content: unknown) => {
    const path = await folderOf(t, {'a.json': content});
    return (await labelStudio.recognise(await Place.at(path)))?.seen;
  };
  t.is(await recognised([task([polygon('a', [0, 0, 10, 10])])]), 'a.json');
  t.is(await recognised([{image: 'a.png', id: 1, tag: [{format: 'rle', rle: [0]}]}]), 'a.json');
  t.is(await recognised({images: [], annotations: [], categories: []}), undefined);
  t.is(await recognised([{type: 'Feature', geometry: {}}]), undefined);
  t.is(await recognised({version: '5.0', shapes: []}), undefined);
  const two = await folderOf(t, {'a.json': [task([])], 'b.json': [task([polygon('a', [0, 0, 10, 10])])]});
  await t.throwsAsync(openWith(labelStudio, two), {
    code: 'INVALID_DATASET',
    message: /must have one export of Label Studio, got a\.json, b\.json/,
  });
  t.deepEqual((await openWith(labelStudio, join(two, 'b.json'))).classes, ['a']);
});

test('faults name the file and the field', async (t) => {
  const good = polygon('a', [0, 0, 10, 10]);
  const value = (type: string, more: object) => [task([result(type, more)])];
  const cases: [unknown, RegExp][] = [
    [[task([good]), 7], /'\[1\]' must be an object, got 7, in .*a\.json/],
    [[{result: [good]}], /'\[0\]\.data' must be an object/],
    [[task([good], {data: {text: 3}})], /'\[0\]\.data\.image' must be the name of an image, got undefined/],
    [[task([good], {data: {a: 'a.png', b: 'b.png'}})], /because a and b are images too/],
    [[task([good], {annotations: {}})], /'\[0\]\.annotations' must be a list, got an object/],
    [[task([good], {annotations: [{from_name: 1}]})], /'\[0\]\.annotations\[0\]\.result' must be a list/],
    [[task([{...good, type: 5}])], /result\[0\]\.type' must be a string, got 5/],
    [[task([{...good, value: 5}])], /result\[0\]\.value' must be an object/],
    [[task([{...good, original_width: '200'}])], /original_width' must be a finite number, got '200'/],
    [[task([{...good, original_width: 1e16}])], /original_width' must be the width of an image/],
    [[task([{...good, original_height: 0.5}])], /original_height' must be a whole number of pixels, got 0\.5/],
    [[task([good, {...good, original_width: 300}])], /original_width' must be that of the image, 200 × 100, got 300/],
    [value('polygonlabels', {}), /value\.points' must be a list, got undefined/],
    [value('polygonlabels', {points: [[1, 2], [3]]}), /value\.points\[1\]' must be a point/],
    [value('polygonlabels', {points: [], polygonlabels: [3]}), /polygonlabels' must be a list of names/],
    [value('polygonlabels', {points: [], polygonlabels: 'a'}), /polygonlabels' must be a list, got 'a'/],
    [value('ellipselabels', {x: 1, y: 2, radiusX: null, radiusY: 2}), /radiusX' must be a finite number/],
    [value('ellipselabels', {x: 1, y: 2, radiusX: 1, radiusY: 2, rotation: 'no'}), /rotation' must be a finite number/],
    [value('brushlabels', {rle: [1, 256]}), /rle' must be a list of bytes/],
    [value('brushlabels', {rle: [1, null]}), /rle' must be a list of finite numbers, got null/],
    [value('bitmasklabels', {imageDataURL: 'x'}), /imageDataURL' must be a data URL of a PNG/],
    [[task([good]), task([good])], /0a1b2c3d-a\.png must be annotated once, got annotations twice in .*a\.json/],
    [JSON.stringify([task([good])]).slice(0, -9), /a\.json must be a JSON file/],
  ];
  for (const [content, message] of cases) {
    const path = await folderOf(t, {'a.json': content});
    await t.throwsAsync(openWith(labelStudio, path), {instanceOf: MaskRcnnError, code: 'INVALID_DATASET', message});
  }
});

test('masks that cannot be decoded', async (t) => {
  const brush = (rle: readonly number[]) => result('brushlabels', {format: 'rle', rle, brushlabels: ['a']});
  const picture = await sharp({create: {width: 201, height: 1, channels: 4, background: 'red'}})
    .png()
    .toBuffer();
  const bitmask = (bytes: Buffer) =>
    result('bitmasklabels', {imageDataURL: `data:image/png;base64,${bytes.toString('base64')}`, bitmasklabels: ['a']});
  const cases: [object, RegExp][] = [
    [brush([]), /The mask of \[0\]\.annotations\[0\]\.result\[0\] in .*a\.json must be a whole stream, got one that/],
    [brush(pack(header(80_001))), /must be 4 values for each pixel of 200 × 100, got 80001 values/],
    [brush(pack(header(80_000, 16))), /must be values of 8 bits, got 16 bits/],
    [brush(pack([...header(80_000), ...repeated(0, 65_536)])), /got one that is cut off/],
    [
      brush(pack([...header(80_000), ...repeated(0, 65_536), ...repeated(0, 65_536)])),
      /must be 80000 values, got 131072/,
    ],
    [bitmask(Buffer.from('nothing')), /must be a PNG, got 7 bytes of another kind/],
    [bitmask(picture), /must not be larger than its image of 200 × 100, got 201 × 1/],
    [bitmask(picture.subarray(0, 40)), /must not be larger/],
    [{...polygon('a', [0, 0, 10, 10]), value: {points: [[1, 2]]}}, /must be made of three points or more, got 1/],
    [
      result('polygonlabels', {
        points: [
          [1e308, 0],
          [0, 1e308],
          [5, 5],
        ],
      }),
      /finite numbers|2\^20|within/,
    ],
  ];
  for (const [one, message] of cases) {
    const data = await openWith(labelStudio, await folderOf(t, {'a.json': [task([one])]}));
    await t.throwsAsync(data.truth(0), {instanceOf: MaskRcnnError, code: 'INVALID_MASK', message});
  }
});

// The expected areas are from a decoder of the stream in Python, and from pycocotools for polygons.
test("real brush masks and polygons of a model, in tasks' predictions", async (t) => {
  const folder = realExport(t, 'label-studio');
  if (folder === undefined) return;
  for (const [name, kind, expected] of [
    ['test_brush_labels.json', 'mask', [12104, 5716, 11709]],
    ['test_polygon_labels.json', 'polygon', [11868, 5513, 11372]],
  ] as const) {
    const predictions = JSON.parse(await readFile(join(folder, name), 'utf8'));
    const path = await folderOf(t, {'a.json': [{data: {image: '/data/upload/1/0a1b2c3d-car.jpg'}, predictions}]});
    await copyFile(join(folder, 'car.jpg'), join(path, 'car.jpg'));
    const data = await openWith(labelStudio, path);
    t.deepEqual(data.stats, {images: 1, objects: {Person: 3}, shapes: {[kind]: 3}, skipped: {}});
    t.deepEqual(
      (await data.truth(0)).map(({area}) => area),
      expected,
    );
    const {instances} = await data.get(0);
    if (kind === 'mask') {
      t.deepEqual(
        instances.map(({box}) => [...box]),
        [
          [689, 41, 768, 271],
          [593, 108, 674, 257],
          [122, 31, 214, 252],
        ],
      );
    }
  }
});

test('a real export', async (t) => {
  const path = realExport(t, 'label-studio/data_polygons.json');
  if (path === undefined) return;
  const data = await openWith(labelStudio, path);
  t.deepEqual(data.stats, {images: 1, objects: {Airplane: 1}, shapes: {polygon: 1}, skipped: {}});
  t.regex(data.images[0]!.file, /label-studio.e97d4735-000000000025\.jpg$/);
  t.deepEqual(await objects(data), [['Airplane', 19268, [384, 63, 195, 294]]]);
});

test('a prediction without a task belongs to the only image beside it', async (t) => {
  const brush = realExport(t, 'label-studio/test_brush_labels.json');
  if (brush === undefined) return;
  const path = await folderOf(t, {'prediction.json': await readFile(brush, 'utf8'), 'car.jpg': '768x576'});
  const data = (await openDataset(path)) as AnnotatedImages;
  t.is(data.summary, 'Label Studio: 1 image, 3 masks, 1 class');
  t.deepEqual(
    (await data.truth(0)).map(({area}) => area),
    [12104, 5716, 11709],
  );
});
