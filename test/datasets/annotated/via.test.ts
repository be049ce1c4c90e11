import {join} from 'node:path';
import test from 'ava';
import {via} from '../../../lib/datasets/annotated/readers/via.js';
import type {AnnotatedImages, Instance, MaskRcnnError} from '../../../lib/index.js';
import {folderOf, realExport} from './folders.js';
import {openWith} from './open-with.js';

const region = (shape: object, attributes: object = {}) => ({shape_attributes: shape, region_attributes: attributes});

const square = (x: number, y: number, side: number, attributes: object = {}) =>
  region({name: 'rect', x, y, width: side, height: side}, attributes);

/** The regions of a.png, as VIA 2 exports them. */
const regionsOf = (regions: unknown) => ({
  'a.png123': {filename: 'a.png', size: 123, regions, file_attributes: {}},
});

const project = (images: object, attributes: object = {}) => ({
  _via_settings: {ui: {}, core: {default_filepath: ''}, project: {name: 'x'}},
  _via_img_metadata: images,
  _via_attributes: {region: attributes, file: {}},
});

const project3 = (metadata: object, more: object = {}) => ({
  project: {pid: '__VIA_PROJECT_ID__', data_format_version: '3.1.1', vid_list: ['1', '2', '3']},
  config: {file: {loc_prefix: {1: ''}}},
  attribute: {
    1: {aname: 'class', anchor_id: 'FILE1_Z0_XY1', type: 4, options: {0: 'cell', 1: 'nucleus'}, default_option_id: ''},
    2: {
      aname: 'checked',
      anchor_id: 'FILE1_Z0_XY1',
      type: 2,
      options: {0: 'cell', 1: 'nucleus'},
      default_option_id: '',
    },
  },
  file: {
    1: {fid: 1, fname: 'a.png', type: 2, loc: 1, src: ''},
    2: {fid: 2, fname: 'b.png', type: 2, loc: 1, src: ''},
    3: {fid: 3, fname: 'c.mp4', type: 4, loc: 1, src: ''},
  },
  view: {1: {fid_list: [1]}, 2: {fid_list: ['2']}, 3: {fid_list: [3]}, 4: {fid_list: [1, 2]}},
  metadata,
  ...more,
});

async function truth(data: AnnotatedImages, index = 0): Promise<[string, number][]> {
  return (await data.truth(index)).map(({label, area}) => [data.classes[label - 1]!, area]);
}

function isSet({mask}: Instance, x: number, y: number): boolean {
  return mask!.data[(y - mask!.top) * mask!.width + (x - mask!.left)] === 1;
}

test('regions of VIA 2: areas, boxes, and what has no area', async (t) => {
  const regions = [
    region({name: 'polygon', all_points_x: [1, 5, 5, 1], all_points_y: [1, 1, 4, 4]}, {class: 'b'}),
    region({name: 'rect', x: 10, y: 2, width: 3, height: 4}, {class: 'a'}),
    region({name: 'circle', cx: 10, cy: 10, r: 4.2}, {class: 'a\n'}),
    region({name: 'ellipse', cx: 20, cy: 15, rx: 10, ry: 4, theta: 0.5}, {class: 7}),
    region({name: 'ellipse', cx: 20, cy: 15, rx: 10, ry: 4}, {class: ' '}),
    region({name: 'point', cx: 1, cy: 2}, {class: 'a'}),
    region({name: 'polyline', all_points_x: [1, 2], all_points_y: [1, 2]}),
  ];
  const path = await folderOf(t, {'via_region_data.json': regionsOf(regions), 'a.png': '40x30'});
  const data = await openWith(via, path);
  t.deepEqual(data.classes, ['7', 'a', 'b', 'object']);
  t.deepEqual(await truth(data), [
    ['b', 12],
    ['a', 12],
    ['a', 52],
    ['7', 128],
    ['object', 128],
  ]);
  t.is(data.summary, 'VGG Image Annotator: 1 image, 1 polygon, 1 rectangle, 1 circle, 2 ellipses, 4 classes');
  t.deepEqual(data.stats.skipped, {point: 1, polyline: 1});
  const {instances} = await data.get(0);
  t.deepEqual(instances[1]!.box, [10, 2, 13, 6]);
  // An angle turns clockwise on the screen.
  t.deepEqual(instances[3]!.box, [11, 9, 29, 21]);
  t.true(isSet(instances[3]!, 24, 20));
  t.false(isSet(instances[3]!, 24, 10));
  t.deepEqual(instances[4]!.box, [10, 11, 30, 19]);
});

test('VIA 1 has its regions in a map, VIA 2 projects have them deeper, and images may have none', async (t) => {
  const regions = [square(0, 0, 2, {name: 'x'}), square(4, 4, 3, {name: 'x'})];
  const images = {
    ...regionsOf(regions),
    'b.png5': {filename: 'b.png', size: 5, regions: [], file_attributes: {}},
  };
  const first = {
    fileref: '',
    size: 123,
    filename: 'a.png',
    base64_img_data: '',
    file_attributes: {},
    regions: {...regions},
  };
  for (const content of [images, project(images), {...images, 'a.png123': first}]) {
    const path = await folderOf(t, {'my.json': content, 'a.png': '40x30', 'b.png': '40x30'});
    const data = await openWith(via, path);
    t.deepEqual(data.classes, ['x']);
    t.deepEqual(await truth(data), [
      ['x', 4],
      ['x', 9],
    ]);
    t.deepEqual(await truth(data, 1), []);
    t.deepEqual((await openWith(via, join(path, 'my.json'))).length, 2);
  }
});

test('all shapes of VIA 3', async (t) => {
  const metadata = {
    a: {vid: '1', flg: 0, z: [], xy: [7, 1, 1, 5, 1, 5, 4, 1, 4], av: {1: '1', 2: '0'}},
    b: {vid: '1', flg: 0, z: [], xy: [2, 10, 2, 3, 4], av: {1: '0'}},
    c: {vid: '1', flg: 0, z: [], xy: [3, 10, 10, 4.2], av: {1: '0'}},
    d: {vid: 1, flg: 0, z: [], xy: [4, 20, 15, 10, 4], av: {}},
    e: {vid: '1', flg: 0, z: [], xy: [8, 30, 3, 33, 5, 31, 7, 29, 4], av: {1: '0'}},
    f: {vid: '2', flg: 0, z: [], xy: [9, 10, 3.7, 16.3, 10, 10, 16.3], av: {1: '0'}},
    g: {vid: '1', flg: 0, z: [], xy: [1, 10, 4], av: {1: '0'}},
    h: {vid: '1', flg: 0, z: [], xy: [5, 10, 4, 5, 5], av: {1: '0'}},
    i: {vid: '1', flg: 0, z: [], xy: [6, 10, 4, 5, 5, 6, 6], av: {1: '0'}},
    j: {vid: '3', flg: 0, z: [1.5], xy: [2, 10, 2, 3, 4], av: {1: '0'}},
    k: {vid: '4', flg: 0, z: [], xy: [2, 10, 2, 3, 4], av: {1: '0'}},
    l: {vid: '3', flg: 0, z: [1, 2], xy: [], av: {1: '0'}},
  };
  const path = await folderOf(t, {'project.json': project3(metadata), 'a.png': '40x30', 'b.png': '40x30'});
  const data = await openWith(via, path);
  t.deepEqual(data.classes, ['cell', 'nucleus', 'object']);
  t.deepEqual(await truth(data), [
    ['nucleus', 12],
    ['cell', 12],
    ['cell', 52],
    ['object', 128],
    ['cell', 16],
  ]);
  t.deepEqual(await truth(data, 1), [['cell', 120]]);
  t.deepEqual((await data.truth(1))[0]!.box, [4, 4, 12, 12]);
  t.deepEqual(data.stats.shapes, {polygon: 1, rectangle: 2, circle: 2, ellipse: 1});
  t.deepEqual(data.stats.skipped, {
    point: 1,
    line: 1,
    polyline: 1,
    'region of a video': 1,
    'region of several files': 1,
  });
});

test('the class: a usual name, the only attribute with values, or the one that is named', async (t) => {
  const several = [square(0, 0, 2, {stain: 'dark', Type: 'x', note: ''}), square(4, 4, 3, {Type: 'y'})];
  const path = await folderOf(t, {'a.json': regionsOf(several), 'a.png': '40x30'});
  t.deepEqual((await openWith(via, path)).classes, ['x', 'y']);
  t.deepEqual((await openWith(via, path, {}, {attribute: 'stain'})).classes, ['dark', 'object']);
  t.deepEqual((await openWith(via, path, {}, {attribute: 'note'})).classes, ['object']);
  const error = await t.throwsAsync<MaskRcnnError>(openWith(via, path, {}, {attribute: 'kind'}));
  t.is(error.code, 'INVALID_OPTION');
  t.regex(error.message, /must be one of the regions of .*a\.json, got 'kind'\.\nThey are stain, Type, note\./);

  const one = [square(0, 0, 2, {stain: 'dark', note: ''}), square(4, 4, 3, {stain: 'light'})];
  const other = await folderOf(t, {'a.json': regionsOf(one), 'a.png': '40x30'});
  t.deepEqual((await openWith(via, other)).classes, ['dark', 'light']);

  const unclear = [square(0, 0, 2, {stain: 'dark', grade: 1}), square(4, 4, 3)];
  const third = await folderOf(t, {'a.json': regionsOf(unclear), 'a.png': '40x30'});
  await t.throwsAsync(openWith(via, third), {
    code: 'INVALID_DATASET',
    message: /must have one attribute, got stain, grade\.\nName that of the class with `attribute`\./,
  });
});

test('options and checkboxes', async (t) => {
  const boxes = [square(0, 0, 2, {class: {a: true, b: false}}), square(4, 4, 3, {class: {}})];
  const path = await folderOf(t, {'a.json': regionsOf(boxes), 'a.png': '40x30'});
  t.deepEqual((await openWith(via, path)).stats.objects, {a: 1, object: 1});

  // Ids of options are names, unless they are mere numbers.
  const attributes = {class: {type: 'radio', options: {1: 'cell', 2: '', leaf: 'a green one'}, default_options: {}}};
  const options = ['1', '2', 'leaf'].map((id, i) => square(4 * i, 0, 2, {class: id}));
  const described = await folderOf(t, {'a.json': project(regionsOf(options), attributes), 'a.png': '40x30'});
  t.deepEqual((await openWith(via, described)).classes, ['2', 'cell', 'leaf']);

  for (const [content, where] of [
    [
      regionsOf([square(0, 0, 2, {class: {a: true, b: true}})]),
      /'class' of a\.png123\.regions\[0\] must be one class, got a, b/,
    ],
    [
      project3({m: {vid: '1', xy: [2, 0, 0, 2, 2], av: {2: '0,1'}}}),
      /'checked' of metadata\.m must be one class, got 0, 1/,
    ],
    [regionsOf([square(0, 0, 2, {class: [1]})]), /'class' of a\.png123\.regions\[0\] must be a text, got \[1\]/],
    [regionsOf([square(0, 0, 2, {class: true})]), /must be a text, got true/],
  ] as const) {
    const wrong = await folderOf(t, {'a.json': content});
    await t.throwsAsync(openWith(via, wrong), {code: 'INVALID_DATASET', message: where});
  }
});

test('images are found by relative path, by name, and in a folder of their own', async (t) => {
  const named = (filename: string) => ({filename, size: 1, regions: [square(0, 0, 2)], file_attributes: {}});
  const files = {
    'via.json': {1: named('a/1.png'), 2: named('b\\1.png'), 3: named('https://host.org/x/2.png'), 4: named('3.png')},
    'a/1.png': '40x30',
    '1.png': '20x10',
    '2.png': '40x30',
  };
  const path = await folderOf(t, files);
  const found = (await openWith(via, path)).images.map(({file}) => file);
  t.deepEqual(found, [join(path, 'a', '1.png'), join(path, '1.png'), join(path, '2.png'), join(path, '3.png')]);

  const images = await folderOf(t, {'3.png': '40x30'});
  const {file} = (await openWith(via, path, {}, {images})).images[3]!;
  t.is(file, join(images, '3.png'));

  const twice = await folderOf(t, {'via.json': {1: named('1.png'), 2: named('C:\\x\\1.png')}});
  await t.throwsAsync(openWith(via, twice), {
    code: 'INVALID_DATASET',
    message: /1\.png must be annotated once.* twice in/,
  });
});

test('only its own files are recognised, and only one of them is read', async (t) => {
  const others = {
    'coco.json': {images: [{id: 1, file_name: 'a.png'}], annotations: [], categories: []},
    'labelme.json': {version: '5.0.1', shapes: [], imagePath: 'a.png'},
    'tasks.json': [{id: 1, data: {image: 'a.png'}, annotations: []}],
    'geo.json': {type: 'FeatureCollection', features: []},
  };
  const path = await folderOf(t, {...others, 'a.png': '40x30'});
  await t.throwsAsync(openWith(via, path), {message: /is not recognised/});
  const both = await folderOf(t, {...others, 'a.json': regionsOf([]), 'b.json': project(regionsOf([]))});
  await t.throwsAsync(openWith(via, both), {
    code: 'INVALID_DATASET',
    message: /must have one JSON file of VGG Image Annotator, got a\.json, b\.json\.\nOpen one of these files\./,
  });
});

const shape = (attributes: object) => regionsOf([region(attributes)]);
for (const [what, content, message] of [
  ['that is cut off', '{"a.png1": {"filename": "a.png", "regions": [{"shape_attributes": {', /must be a JSON file/],
  ['of no object', {'a.png1': 3, _via_settings: {}}, /'a\.png1' must be an object, got 3/],
  [
    'without a file name',
    {'a.png1': {filename: 3, regions: [], file_attributes: {}}},
    /'a\.png1\.filename' must be a string/,
  ],
  ['with text for regions', regionsOf('x'), /'a\.png123\.regions' must be an object, got 'x'/],
  ['with a region that is a number', regionsOf([3]), /'a\.png123\.regions\[0\]' must be an object, got 3/],
  ['without a shape', regionsOf([{}]), /regions\[0\]\.shape_attributes' must be an object, got undefined/],
  ['of an unknown shape', shape({name: 'star'}), /shape_attributes\.name' must be polygon, rect.*, got 'star'/],
  ['of a shape without name', shape({}), /shape_attributes\.name' must be a string, got undefined/],
  [
    'of a polygon with text',
    shape({name: 'polygon', all_points_x: ['1'], all_points_y: [1]}),
    /all_points_x' must be a list of finite numbers, got '1'/,
  ],
  [
    'of a polygon with a missing number',
    shape({name: 'polygon', all_points_x: [1, 2, 3], all_points_y: [1, 2]}),
    /all_points_y' must be 3 numbers, as many as all_points_x, got \[1, 2\]/,
  ],
  ['of a rectangle without width', shape({name: 'rect', x: 1, y: 1, height: 3}), /\.width' must be a finite number/],
  ['of a circle with text', shape({name: 'circle', cx: 1, cy: 1, r: '3'}), /\.r' must be a finite number, got '3'/],
  [
    'of an ellipse with an angle of text',
    shape({name: 'ellipse', cx: 1, cy: 1, rx: 2, ry: 3, theta: 'x'}),
    /\.theta' must be a finite number, got 'x'/,
  ],
  [
    'of attributes that are a list',
    regionsOf([{...square(0, 0, 2), region_attributes: []}]),
    /region_attributes' must be an object/,
  ],
  [
    'of options that are none',
    project(regionsOf([]), {class: {options: {1: 2}}}),
    /class\.options\.1' must be a string, got 2/,
  ],
  [
    'of VIA 3 with an unknown shape',
    project3({m: {vid: '1', xy: [10, 1, 1]}}),
    /'metadata\.m\.xy' must be a shape of number 1 to 9/,
  ],
  [
    'of VIA 3 with too few numbers',
    project3({m: {vid: '1', xy: [3, 1, 1]}}),
    /'metadata\.m\.xy' must be the numbers of a circle/,
  ],
  ['of VIA 3 with an odd number', project3({m: {vid: '1', xy: [7, 1, 1, 2]}}), /must be the numbers of a polygon/],
  ['of VIA 3 with text', project3({m: {vid: '1', xy: [2, 'x']}}), /'metadata\.m\.xy' must be a list of finite numbers/],
  [
    'of VIA 3 without a view',
    project3({m: {vid: '9', xy: [2, 0, 0, 2, 2]}}),
    /'view\.9' must be an object, got undefined/,
  ],
  [
    'of VIA 3 with an object for a view',
    project3({m: {vid: {}, xy: [2, 0, 0, 2, 2]}}),
    /'metadata\.m\.vid' must be the id of a view/,
  ],
  ['of VIA 3 without file names', project3({}, {file: {1: {type: 2}}}), /'file\.1\.fname' must be a string/],
  ['of VIA 3 without attribute names', project3({}, {attribute: {1: {}}}), /'attribute\.1\.aname' must be a string/],
] as const) {
  test(`a file ${what} is an error that says where`, async (t) => {
    const path = await folderOf(t, {'a.json': content});
    const error = await t.throwsAsync<MaskRcnnError>(openWith(via, path));
    t.is(error.code, 'INVALID_DATASET');
    t.regex(error.message, message);
    t.is(error.file, join(path, 'a.json'));
  });
}

test('shapes that make no mask are told when their image is read', async (t) => {
  for (const [attributes, message] of [
    [{name: 'rect', x: 0, y: 0, width: 1e300, height: 2}, /The shape of a\.png123\.regions\[0\] must/],
    [{name: 'rect', x: 1e308, y: 0, width: 1e308, height: 2}, /must be made of finite numbers/],
    [{name: 'polygon', all_points_x: [1, 2], all_points_y: [1, 2]}, /must be made of three points or more, got 2/],
  ] as const) {
    const path = await folderOf(t, {'a.json': shape(attributes), 'a.png': '40x30'});
    await t.throwsAsync((await openWith(via, path)).truth(0), {code: 'INVALID_MASK', message});
    const skipping = await openWith(via, path, {faulty: 'skip'});
    t.deepEqual(await skipping.truth(0), []);
    t.deepEqual(skipping.stats.skipped, {'with an invalid shape': 1});
  }
  const onALine = project3({m: {vid: '1', xy: [9, 0, 0, 1, 1, 2, 2]}});
  const path = await folderOf(t, {'a.json': onALine, 'a.png': '40x30'});
  await t.throwsAsync((await openWith(via, path)).truth(0), {message: /metadata\.m must be made of finite numbers/});
});

test('a real export: 349 polygons without classes', async (t) => {
  const path = realExport(t, 'via');
  if (path === undefined) return;
  const data = await openWith(via, path);
  t.is(data.summary, 'VGG Image Annotator: 16 images, 349 polygons, 1 class');
  t.deepEqual(data.classes, ['object']);
  // Numbers and areas of the polygons by pycocotools.
  const expected = {
    '40.jpg': [3, 603],
    '39.jpg': [1, 47_121],
    '38.jpg': [1, 64_537],
    '37.jpg': [21, 101_894],
    '36.jpg': [35, 22_049],
    '35.jpg': [12, 1212],
    '34.jpg': [1, 2554],
    '33.jpg': [11, 916],
    '32.jpg': [11, 7380],
    '31.jpg': [106, 52_346],
    '30.jpg': [10, 489],
    '29.jpg': [1, 58_662],
    '28.jpg': [89, 49_923],
    '27.jpg': [31, 8389],
    '26.jpg': [13, 1075],
    '25.jpg': [3, 5476],
  };
  const found = await Promise.all(
    data.images.map(async ({file}, i) => {
      const objects = await data.truth(i);
      return [file.slice(path.length + 1), [objects.length, objects.reduce((sum, {area}) => sum + area, 0)]];
    }),
  );
  t.deepEqual(Object.fromEntries(found), expected);
  const {image, instances} = await data.get(0);
  t.deepEqual([image.width, image.height], [768, 576]);
  t.deepEqual(instances[0]!.box, [399, 268, 422, 290]);
});
