import {writeFile} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {deflateSync} from 'node:zlib';
import test from 'ava';
import {encode} from 'fast-png';
import sharp from 'sharp';
import type {AnnotatedImages} from '../../../lib/datasets/annotated/annotated-images.js';
import {Place} from '../../../lib/datasets/annotated/place.js';
import {supervisely} from '../../../lib/datasets/annotated/readers/supervisely.js';
import {findDataset, openDataset} from '../../../lib/datasets/open-dataset.js';
import {MaskRcnnError} from '../../../lib/index.js';
import {folderOf, realExport} from './folders.js';
import {openWith} from './open-with.js';

const meta = (...classes: readonly (readonly [string, string])[]) => ({
  classes: classes.map(([title, shape]) => ({title, shape, color: '#ff0000'})),
  tags: [],
  projectType: 'images',
});

const annotation = (objects: readonly object[], more: object = {}) => ({
  description: '',
  tags: [],
  size: {width: 30, height: 20},
  objects,
  ...more,
});

const polygon = (classTitle: string, exterior: unknown, interior: unknown = []) => ({
  classTitle,
  geometryType: 'polygon',
  points: {exterior, interior},
});

const bitmap = (classTitle: string, bytes: Uint8Array, origin: unknown, geometryType = 'bitmap') => ({
  classTitle,
  geometryType,
  bitmap: {data: Buffer.from(bytes).toString('base64'), origin},
});

const square = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];

async function objects(data: AnnotatedImages, index = 0): Promise<[string, number, readonly number[]][]> {
  return (await data.truth(index)).map(({label, area, box}) => [data.classes[label - 1]!, area, [...box]]);
}

test('polygons with holes and their other kinds, and boxes; lines and points are counted and left out', async (t) => {
  const shapes = [
    polygon('b', square(2, 2, 10), [
      square(4, 4, 4),
      [
        [3, 3],
        [4, 4],
      ],
    ]),
    polygon('b', square(2.5, 2.5, 10)),
    {
      classTitle: 'new',
      geometryType: 'multipolygon',
      parts: [{exterior: square(0, 0, 2)}, {exterior: square(20, 10, 4), interior: [square(21, 11, 1)]}],
    },
    {
      ...polygon('a', [
        [1, 1],
        [5, 5],
      ]),
      geometryType: 'rectangle',
    },
    {
      ...polygon('a', [
        [1, 1],
        [5, 5],
      ]),
      geometryType: 'line',
    },
    {...polygon('a', [[1, 1]]), geometryType: 'point'},
    {classTitle: 'a', geometryType: 'graph', nodes: {}},
    {classTitle: 'a', geometryType: 'constructor'},
  ];
  const project = {
    'meta.json': meta(['b', 'any'], ['a', 'rectangle']),
    'ann/x.png.json': annotation(shapes),
    'ann/y.png.json': annotation([]),
    'img/x.png': '30x20',
  };
  const path = await folderOf(t, project);
  const data = await openWith(supervisely, path);
  t.deepEqual(data.classes, ['b', 'a', 'new']);
  t.deepEqual(data.stats, {
    images: 2,
    objects: {b: 2, new: 1, a: 1},
    shapes: {polygon: 3, box: 1},
    skipped: {line: 1, point: 1, keypoints: 1, constructor: 1},
  });
  t.deepEqual(data.sources(0), [join(path, 'img', 'x.png'), join(path, 'ann', 'x.png.json')]);
  t.deepEqual(await objects(data), [
    // Whole numbers are pixels, so the corners are in the middle of pixels 2 and 12, of which the last is inside.
    ['b', 100 - 16, [3, 3, 10, 10]],
    ['b', 100, [3, 3, 10, 10]],
    ['new', 4 + 16 - 1, [1, 1, 24, 14]],
    ['a', 25, [1, 1, 5, 5]],
  ]);
  t.deepEqual(
    (await data.get(0)).instances.map((instance) => 'mask' in instance),
    [true, true, true, false],
  );
  t.deepEqual((await openWith(supervisely, join(path, 'meta.json'))).classes, ['b', 'a', 'new']);
});

test('bitmaps by index or alpha, whatever their colours', async (t) => {
  const [width, height] = [3, 2];
  const values = Uint8Array.of(0, 1, 1, 1, 0, 1);
  const indexed = (palette: number[][]) => encode({width, height, data: values, channels: 1, palette});
  const alpha = await sharp(Uint8Array.from([...values].flatMap((value) => [0, 0, 0, 255 * value])), {
    raw: {width, height, channels: 4},
  })
    .png()
    .toBuffer();
  const soft = encode({width, height, data: Uint8Array.of(0, 1, 255, 80, 0, 9), channels: 1});
  const whole = encode({
    width,
    height,
    data: new Uint8Array(6).fill(1),
    channels: 1,
    palette: [
      [0, 0, 0],
      [0, 0, 0],
    ],
  });
  const greyAlpha = encode({
    width,
    height,
    data: Uint8Array.from([...values].flatMap((value) => [0, value])),
    channels: 2,
  });
  const shapes = [
    bitmap(
      'a',
      deflateSync(
        indexed([
          [0, 0, 0, 0],
          [255, 255, 255, 255],
        ]),
      ),
      [1, 2],
    ),
    bitmap(
      'a',
      deflateSync(
        indexed([
          [255, 255, 255],
          [0, 0, 0],
        ]),
      ),
      [28, 2],
    ), // reaches over the border
    bitmap('a', deflateSync(alpha), [10, 2]),
    bitmap('a', alpha, [10, 2]), // not packed
    bitmap('a', deflateSync(greyAlpha), [10, 2]),
    bitmap('a', deflateSync(soft), [10, 2], 'alpha_mask'),
    bitmap('a', deflateSync(whole), [10, 2]),
    bitmap('a', deflateSync(whole), [-2, -1]),
  ];
  const files = {'meta.json': meta(['a', 'bitmap']), 'ann/x.png.json': annotation(shapes), 'img/x.png': '30x20'};
  const data = await openWith(supervisely, await folderOf(t, files));
  t.deepEqual(data.stats.shapes, {mask: 8});
  t.deepEqual(await objects(data), [
    ['a', 4, [1, 2, 3, 2]],
    ['a', 2, [28, 2, 2, 2]],
    ...Array.from({length: 4}, () => ['a', 4, [10, 2, 3, 2]] as [string, number, number[]]),
    ['a', 6, [10, 2, 3, 2]],
    ['a', 1, [0, 0, 1, 1]],
  ]);
  const [first] = (await data.get(0)).instances;
  t.deepEqual(first!.mask, {left: 1, top: 2, width: 3, height: 2, data: values});
});

test('all data sets of a project, or one of them', async (t) => {
  const shape = (name: string) => annotation([polygon(name, square(1, 1, 5))]);
  const path = await folderOf(t, {
    'meta.json': meta(['b', 'polygon'], ['a', 'polygon']),
    'ds10/ann/1.png.json': shape('a'),
    'ds2/ann/1.png.json': shape('b'),
    'ds2/img/1.png': '30x20',
    'ds2/datasets/inner/ann/1.json': {...shape('b'), objects: [{...polygon('b', square(1, 1, 3)), geometryType: null}]},
    'ds2/datasets/inner/img/1.jpg': '30x20',
    'other/readme.txt': '',
  });
  const data = await openWith(supervisely, path);
  t.deepEqual(
    data.images.map(({file}) => file),
    ['ds2/img/1.png', 'ds2/datasets/inner/img/1.jpg', 'ds10/img/1.png'].map((name) => join(path, name)),
  );
  t.deepEqual(await objects(data, 1), [['b', 9, [2, 2, 3, 3]]]); // the kind is in meta.json
  await t.throwsAsync(data.get(2), {code: 'INVALID_IMAGE'});
  const one = await openWith(supervisely, join(path, 'ds10'));
  t.is(one.length, 1);
  t.deepEqual(one.classes, ['b', 'a']);

  const photos = await folderOf(t, {'ds2/1.png': '30x20', '1.png': '30x20'});
  const elsewhere = await openWith(supervisely, join(path, 'ds2'), {}, {images: photos});
  t.is(elsewhere.images[0]!.file, join(photos, 'ds2', '1.png'));
  const flat = await openWith(supervisely, join(path, 'ds10'), {}, {images: photos});
  t.is(flat.images[0]!.file, join(photos, '1.png'));
});

test('only projects of Supervisely are recognised', async (t) => {
  const seen = async (files: Record<string, unknown>, inner = '') =>
    (await supervisely.recognise(await Place.at(join(await folderOf(t, files), inner))))?.seen;
  const ann = annotation([]);
  t.regex((await seen({'meta.json': meta(), 'ann/x.json': ann}))!, /^meta\.json and .*ann$/);
  t.is(await seen({'meta.json': meta(), 'x.json': ann}), undefined);
  t.is(await seen({'meta.json': {version: 1}, 'ann/x.json': ann}), undefined);
  t.is(await seen({'ann/x.json': ann, 'img/x.png': '2x2'}), undefined);
  t.is(await seen({'meta.json': meta(), 'ann/x.json': ann}, 'ann'), undefined);
  t.is(await seen({'a.json': ann}, 'a.json'), undefined);
});

test('faults name the file and the field', async (t) => {
  const good = polygon('a', square(1, 1, 5));
  const cases: [unknown, RegExp][] = [
    [[], /The file must be an object, got \[\], in .*x\.png\.json/],
    [annotation([good]).objects, /The file must be an object/],
    [{...annotation([good]), objects: 3}, /'objects' must be a list, got 3/],
    [annotation([3 as unknown as object]), /'objects\[0\]' must be an object, got 3/],
    [annotation([{...good, classTitle: 3}]), /'objects\[0\]\.classTitle' must be a string, got 3/],
    [annotation([{...good, geometryType: 3}]), /geometryType' must be a string, got 3/],
    [annotation([{...good, geometryType: 'any'}]), /geometryType' must be a kind of shape, such as polygon, got 'any'/],
    [annotation([{classTitle: 'unknown'}]), /geometryType' must be a kind of shape, such as polygon, got undefined/],
    [annotation([{...good, points: null}]), /points' must be an object, got null/],
    [annotation([polygon('a', 3)]), /points\.exterior' must be a list, got 3/],
    [annotation([polygon('a', [[1, '2']])]), /points\.exterior\[0\]' must be a point/],
    [annotation([polygon('a', square(1, 1, 5), [3])]), /points\.interior\.0' must be a list, got 3/],
    [annotation([polygon('a', square(1, 1, 5), 3)]), /points\.interior' must be a list, got 3/],
    [annotation([{...good, geometryType: 'multipolygon'}]), /parts' must be a list/],
    [annotation([{...good, geometryType: 'bitmap'}]), /bitmap' must be an object/],
    [annotation([bitmap('a', new Uint8Array(), [1])]), /bitmap\.origin' must be a pixel \[x, y\]/],
    [annotation([bitmap('a', new Uint8Array(), [1.5, 1])]), /bitmap\.origin' must be a pixel/],
    [annotation([bitmap('a', new Uint8Array(), ['1', 1])]), /bitmap\.origin' must be a list of finite numbers/],
    [annotation([{...good, geometryType: 'bitmap', bitmap: {data: 3, origin: [1, 1]}}]), /data' must be a string/],
    [annotation([good], {size: {width: 30}}), /'size' must be a width and a height/],
    [annotation([good], {size: {width: 30, height: -1}}), /'size\.height' must be a whole number of pixels, got -1/],
    [annotation([good], {size: {width: 1e9, height: 1e9}}), /'size\.width' must be the width of an image/],
    [annotation([good], {size: 5}), /'size' must be an object, got 5/],
    [JSON.stringify(annotation([good])).slice(0, -5), /x\.png\.json must be a JSON file/],
  ];
  for (const [content, message] of cases) {
    const path = await folderOf(t, {'meta.json': meta(['a', 'any']), 'ann/x.png.json': content});
    await t.throwsAsync(openWith(supervisely, path), {instanceOf: MaskRcnnError, code: 'INVALID_DATASET', message});
  }
  for (const [classes, message] of [
    [[3], /'classes\[0\]' must be an object, got 3, in .*meta\.json/],
    [[{title: 3}], /'classes\[0\]\.title' must be a string/],
    [[{title: 'a', shape: 3}], /'classes\[0\]\.shape' must be a string/],
  ] as const) {
    const path = await folderOf(t, {'meta.json': {classes}, 'ann/x.png.json': annotation([good])});
    await t.throwsAsync(openWith(supervisely, path), {instanceOf: MaskRcnnError, code: 'INVALID_DATASET', message});
  }
  const twice = await folderOf(t, {
    'meta.json': meta(['a', 'any']),
    'ann/x.json': annotation([good]),
    'ann/x.png.json': annotation([good]),
    'img/x.png': '30x20',
  });
  await t.throwsAsync(openWith(supervisely, twice), {
    message: /x\.png must be annotated once, got annotations in .* and in/,
  });
});

test('bitmaps that cannot be unpacked, and shapes without an area', async (t) => {
  const png = (width: number, height: number) =>
    encode({width, height, data: new Uint8Array(width * height), channels: 1});
  const rgba = Buffer.from(encode({width: 3, height: 2, data: new Uint8Array(24), channels: 4}));
  const cases: [object, RegExp][] = [
    [
      bitmap('a', Buffer.from('xyz'), [1, 1]),
      /The mask of objects\[0\]\.bitmap in .*x\.png\.json must be a PNG in zlib/,
    ],
    [bitmap('a', deflateSync(png(3, 2)).subarray(0, 30), [1, 1]), /must be a PNG in zlib in base64: unexpected end/],
    [bitmap('a', deflateSync(new Uint8Array(1 << 20)), [1, 1]), /must be a PNG in zlib in base64: Cannot create/],
    [bitmap('a', deflateSync(Buffer.from('text')), [1, 1]), /must be a PNG, got 4 bytes of another kind/],
    [bitmap('a', deflateSync(png(31, 2)), [1, 1]), /must not be larger than its image of 30 × 20, got 31 × 2/],
    [bitmap('a', deflateSync(rgba.subarray(0, 46)), [1, 1]), /is not a readable PNG mask/],
    [bitmap('a', deflateSync(Buffer.from(png(3, 2)).subarray(0, 50)), [1, 1]), /is not a readable PNG mask/],
    [
      polygon('a', [
        [1, 1],
        [2, 2],
      ]),
      /must be made of three points or more, got 2/,
    ],
    [{...polygon('a', []), geometryType: 'multipolygon', parts: []}, /must be one polygon or bitmap or more, got none/],
    [
      polygon('a', [
        [1e300, 1],
        [2, 2],
        [3, 4],
      ]),
      /must be/,
    ],
  ];
  for (const [one, message] of cases) {
    const path = await folderOf(t, {'meta.json': meta(['a', 'any']), 'ann/x.png.json': annotation([one])});
    const data = await openWith(supervisely, path);
    await t.throwsAsync(data.truth(0), {instanceOf: MaskRcnnError, code: 'INVALID_MASK', message}, String(message));
  }
  const path = await folderOf(t, {
    'meta.json': meta(['a', 'any']),
    'ann/x.png.json': annotation([bitmap('a', deflateSync(png(3, 2)), [1e15, 1])]),
  });
  const data = await openWith(supervisely, path);
  t.deepEqual(await data.truth(0), []);
  await writeFile(join(path, 'ann/x.png.json'), '{'); // changed behind our back
  await t.throwsAsync(data.truth(0), {code: 'INVALID_DATASET', message: /x\.png\.json must be a JSON file/});
});

// The expected areas are from Python: zlib and Pillow for bitmaps, pycocotools' rings combined by XOR for polygons.
test('a real project', async (t) => {
  const path = realExport(t, 'supervisely/meta.json');
  if (path === undefined) return;
  const data = await openWith(supervisely, dirname(path));
  t.is(data.classes.length, 15);
  t.deepEqual(data.classes.slice(0, 3), ['Bivalves', 'Micrite', 'Cement']);
  t.deepEqual(data.stats, {
    images: 5,
    objects: {Cement: 1, Micrite: 4, 'Scale Bar': 5},
    shapes: {mask: 3, polygon: 4, box: 3},
    skipped: {},
  });
  t.deepEqual(await data.size(0), {width: 3840, height: 3072});
  const found = await Promise.all(data.images.map((_, i) => objects(data, i)));
  t.deepEqual(
    found.map((each) => each.map(([name, area]) => [name, area])),
    [
      [
        ['Scale Bar', 48965],
        ['Cement', (3820 - 7) * (2813 - 17)],
      ],
      [
        ['Scale Bar', 24938],
        ['Micrite', (3835 - 40) * (2840 - 17)],
      ],
      [
        ['Micrite', 10783020],
        ['Scale Bar', 25304],
      ],
      [
        ['Scale Bar', 24937],
        ['Micrite', 3838 * (2862 - 2)],
      ],
      [
        ['Micrite', 11699780],
        ['Scale Bar', 25018],
      ],
    ],
  );
});

test('data sets called train and val are splits, and those of other names are one data set', async (t) => {
  const ann = (name: string) => ({
    size: {width: 9, height: 9},
    objects: [
      {
        classTitle: name,
        geometryType: 'polygon',
        points: {
          exterior: [
            [1, 1],
            [5, 1],
            [5, 5],
          ],
          interior: [],
        },
      },
    ],
  });
  const project = (first: string, second: string) => ({
    'meta.json': {classes: [{title: 'a', shape: 'polygon'}], tags: []},
    [`${first}/ann/1.png.json`]: ann('a'),
    [`${first}/img/1.png`]: '9x9',
    [`${second}/ann/2.png.json`]: ann('a'),
    [`${second}/img/2.png`]: '9x9',
  });
  const split = await folderOf(t, project('train', 'val'));
  t.deepEqual((await findDataset(split)).splits, ['train', 'val']);
  const val = (await openDataset(split, {split: 'val'})) as AnnotatedImages;
  t.deepEqual(
    val.images.map(({file}) => basename(file)),
    ['2.png'],
  );
  await t.throwsAsync(openDataset(split), {code: 'INVALID_OPTION', message: /must be one of 'train', 'val'/});
  t.is((await openDataset(await folderOf(t, project('train', 'ds2')))).length, 2);
});
