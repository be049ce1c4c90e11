import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {type AnnotatedImages, type MaskRcnnError, type OpenDatasetOptions, openDataset} from '../../../lib/index.js';
import {folderOf, realExport} from './folders.js';

async function openLabelme(path: string, options: OpenDatasetOptions = {}): Promise<AnnotatedImages> {
  return (await openDataset(path, options)) as AnnotatedImages;
}

const square = (label: string, x: number, y: number, side: number, more: object = {}) => ({
  label,
  points: [
    [x, y],
    [x + side, y],
    [x + side, y + side],
    [x, y + side],
  ],
  shape_type: 'polygon',
  ...more,
});

const file = (shapes: readonly object[], more: object = {}) => ({
  version: '5.7.0',
  flags: {},
  shapes,
  imagePath: 'a.png',
  imageData: null,
  imageHeight: 20,
  imageWidth: 30,
  ...more,
});

async function areas(data: AnnotatedImages, index = 0): Promise<[string, number][]> {
  return (await data.truth(index)).map(({label, area}) => [data.classes[label - 1]!, area]);
}

test('polygons, rectangles, circles and masks are objects; points and lines are counted and left out', async (t) => {
  const mask = await sharp(Uint8Array.of(1, 0, 1, 1, 1, 0), {raw: {width: 3, height: 2, channels: 1}})
    .png()
    .toBuffer();
  const shapes = [
    square('b', 1, 1, 4),
    {
      label: 'a',
      points: [
        [9, 8],
        [5, 2],
      ],
      shape_type: 'rectangle',
    },
    {
      label: 'a',
      points: [
        [20, 10],
        [20, 15],
      ],
      shape_type: 'circle',
    },
    {
      label: 'c',
      points: [
        [26, 4],
        [28, 5],
      ],
      shape_type: 'mask',
      mask: mask.toString('base64'),
    },
    {label: 'a', points: [[1, 1]], shape_type: 'point'},
    {
      label: 'a',
      points: [
        [1, 1],
        [2, 2],
      ],
      shape_type: 'line',
    },
    square('__ignore__', 0, 0, 20),
  ];
  const data = await openLabelme(await folderOf(t, {'a.json': file(shapes), 'a.png': '30x20'}));
  t.deepEqual(data.classes, ['a', 'b', 'c']);
  const [[b, bArea], [a, aArea], [circle, circleArea], [c, cArea]] = (await areas(data)) as [string, number][] as [
    [string, number],
    [string, number],
    [string, number],
    [string, number],
  ];
  t.deepEqual([b, bArea, a, aArea, circle, c, cArea], ['b', 16, 'a', 24, 'a', 'c', 4]);
  t.true(Math.abs(circleArea - Math.PI * 25) < 3, `${circleArea}`);
  t.is(data.summary, 'LabelMe: 1 image, 1 polygon, 1 rectangle, 1 circle, 1 mask, 3 classes');
  t.deepEqual(data.notices, ['Shapes that make no objects were left out: 1 point, 1 line, 1 __ignore__.']);
  const {instances} = await data.get(0);
  t.deepEqual(instances[3]!.box, [26, 4, 29, 6]);
  t.deepEqual([...instances[3]!.mask!.data], [1, 0, 1, 1, 1, 0]);
});

test('shapes of one label and group are one object', async (t) => {
  const group = {group_id: 3};
  const shapes = [square('a', 0, 0, 2, group), square('b', 5, 5, 3, group), square('a', 10, 10, 4, group)];
  const data = await openLabelme(await folderOf(t, {'a.json': file(shapes), 'a.png': '30x20'}));
  t.deepEqual(await areas(data), [
    ['a', 20],
    ['b', 9],
  ]);
  t.deepEqual(data.stats.objects, {a: 1, b: 1});
});

test('an empty label is no class', async (t) => {
  const path = await folderOf(t, {'a.json': file([square('', 1, 1, 3), square('b', 9, 9, 3)]), 'a.png': '30x20'});
  t.deepEqual((await openLabelme(path)).classes, ['b', 'object']);
  t.deepEqual(await areas(await openLabelme(path, {defaultClass: 'cell'})), [
    ['cell', 9],
    ['b', 9],
  ]);
});

test('classes choose and order the labels', async (t) => {
  const path = await folderOf(t, {'a.json': file([square('a', 0, 0, 2), square('b', 5, 5, 3)]), 'a.png': '30x20'});
  t.deepEqual(await areas(await openLabelme(path, {classes: ['b']})), [['b', 9]]);
  const error = await t.throwsAsync<MaskRcnnError>(openLabelme(path, {classes: ['beta']}));
  t.is(error.code, 'INVALID_OPTION');
  t.regex(error.message, /must name classes of .*, got 'beta'\.\nThey are a, b\./);
  // Classes without objects, if no other is left out: nothing can be misspelt then.
  const more = await openLabelme(path, {classes: ['c', 'b', 'a']});
  t.deepEqual(more.classes, ['c', 'b', 'a']);
  t.deepEqual(await areas(more), [
    ['a', 4],
    ['b', 9],
  ]);
  t.is((await t.throwsAsync<MaskRcnnError>(openLabelme(path, {classes: ['b', 'c']}))).code, 'INVALID_OPTION');
});

test('an image is found by its name, by the last part of a foreign path, or by another extension', async (t) => {
  for (const imagePath of ['a.png', 'C:\\pictures\\a.png', '../raw/a.tif']) {
    const path = await folderOf(t, {'a.json': file([square('a', 0, 0, 2)], {imagePath}), 'a.png': '30x20'});
    t.is((await (await openLabelme(path)).get(0)).instances.length, 1, imagePath);
  }
  const images = await folderOf(t, {'a.png': '30x20'});
  const path = await folderOf(t, {'a.json': file([square('a', 0, 0, 2)])});
  t.is((await (await openLabelme(path, {images})).get(0)).image.width, 30);
});

for (const [what, content, pattern] of [
  [
    'of a label that is no text',
    file([{...square('a', 0, 0, 2), label: 7}]),
    /'shapes\[0\]\.label' must be a string, got 7, in .*a\.json/,
  ],
  [
    'of points that are none',
    file([{...square('a', 0, 0, 2), points: [[1, 'x']]}]),
    /'shapes\[0\]\.points\[0\]' must be a point/,
  ],
  [
    'of an unknown shape',
    file([{...square('a', 0, 0, 2), shape_type: 'star'}]),
    /'shapes\[0\]\.shape_type' must be polygon/,
  ],
  [
    'of one corner of a rectangle',
    file([{label: 'a', points: [[1, 2]], shape_type: 'rectangle'}]),
    /must be two points of a rectangle/,
  ],
  ['cut off', '{"version": "5.0.1", "shapes": [{"label": "a", "points"', /a\.json must be a JSON file/],
] as const) {
  test(`a file ${what} is named`, async (t) => {
    const path = await folderOf(t, {'a.json': content, 'a.png': '30x20'});
    const error = await t.throwsAsync<MaskRcnnError>(openLabelme(path));
    t.is(error.code, 'INVALID_DATASET');
    t.regex(error.message, pattern);
    t.regex(error.file!, /a\.json$/);
  });
}

test('a polygon of two points is an error, or left out and counted', async (t) => {
  const thin = {
    ...square('a', 0, 0, 2),
    points: [
      [0, 0],
      [1, 1],
    ],
  };
  const path = await folderOf(t, {'a.json': file([thin, square('a', 3, 3, 2)]), 'a.png': '30x20'});
  const error = await t.throwsAsync<MaskRcnnError>((await openLabelme(path)).get(0));
  t.is(error.code, 'INVALID_MASK');
  t.regex(error.message, /The shape of shapes\[0\] must be made of three points or more, got 2, in .*a\.json/);
  const data = await openLabelme(path, {faulty: 'skip'});
  t.is((await data.get(0)).instances.length, 1);
  t.deepEqual(data.stats.skipped, {'with an invalid shape': 1});
  t.regex(data.notices[0]!, /^1 object with an invalid shape was left out: .*a\.png shapes\[0\]\.$/);
});

test('two files about one image are refused', async (t) => {
  const path = await folderOf(t, {'a.json': file([square('a', 0, 0, 2)]), 'b.json': file([]), 'a.png': '30x20'});
  const error = await t.throwsAsync<MaskRcnnError>(openLabelme(path));
  t.regex(error.message, /a\.png must be annotated once, got annotations in .*a\.json and in .*b\.json/);
});

test("LabelMe's own example has the masks that pycocotools gives its polygons", async (t: ExecutionContext) => {
  const path = realExport(t, 'labelme');
  if (path === undefined) return;
  const data = await openLabelme(path);
  t.is(data.summary, 'LabelMe: 3 images, 16 polygons, 6 classes');
  t.deepEqual(data.classes, ['bottle', 'bus', 'car', 'chair', 'person', 'sofa']);
  t.deepEqual(data.stats.skipped, {__ignore__: 2});
  // Areas of pycocotools 2.0.11's union of each object's polygons.
  t.deepEqual(await areas(data, 0), [
    ['person', 15448],
    ['person', 16966],
    ['bottle', 815],
  ]);
  t.deepEqual(await areas(data, 1), [
    ['person', 14935],
    ['person', 11554],
    ['person', 7399],
    ['chair', 44276],
    ['person', 964],
    ['sofa', 13701],
  ]);
  t.deepEqual(await areas(data, 2), [
    ['bus', 102322],
    ['bus', 15670],
    ['car', 7124],
  ]);
  t.is((await data.get(1)).instances.length, 6);
});
