import {copyFile, readdir, readFile, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import test from 'ava';
import type {AnnotatedImages} from '../../../lib/datasets/annotated/annotated-images.js';
import {Place} from '../../../lib/datasets/annotated/place.js';
import {imagej} from '../../../lib/datasets/annotated/readers/imagej.js';
import {parseRoi} from '../../../lib/datasets/annotated/readers/imagej-roi.js';
import {MaskRcnnError} from '../../../lib/index.js';
import {makeZip} from '../../libtorch/fake-wheel.js';
import {folderOf, realExport} from './folders.js';
import {openWith} from './open-with.js';

type Content = {
  type: number;
  /** left, top, right, bottom */
  box?: readonly [number, number, number, number];
  points?: readonly (readonly [number, number])[];
  path?: readonly number[];
  shorts?: Readonly<Record<number, number>>;
  floats?: Readonly<Record<number, number>>;
  /** Channel, slice and frame in the second header. */
  place?: readonly [number, number, number];
};

const SUB_PIXEL = {50: 128};

/** The bytes of a .roi file. Points are relative to the box, or absolute with the sub-pixel option. */
function roi({type, box = [0, 0, 0, 0], points = [], path = [], shorts = {}, floats = {}, place}: Content): Buffer {
  const isSubPixel = shorts[50] === 128;
  const body = 64 + points.length * (isSubPixel ? 12 : 4) + path.length * 4;
  const file = Buffer.alloc(body + 64);
  file.write('Iout');
  file.writeInt16BE(227, 4);
  file[6] = type;
  for (const [i, at] of [10, 8, 14, 12].entries()) file.writeInt16BE(box[i]!, at);
  file.writeUInt16BE(points.length, 16);
  file.writeInt32BE(path.length, 36);
  for (const [at, value] of Object.entries(shorts)) file.writeInt16BE(value, Number(at));
  for (const [at, value] of Object.entries(floats)) file.writeFloatBE(value, Number(at));
  for (const [i, point] of points.entries()) {
    for (const axis of [0, 1] as const) {
      const index = axis * points.length + i;
      if (isSubPixel) file.writeFloatBE(point[axis], 64 + 4 * points.length + 4 * index);
      else file.writeUInt16BE(point[axis], 64 + 2 * index);
    }
  }
  for (const [i, value] of path.entries()) file.writeFloatBE(value, 64 + 4 * i);
  file.writeInt32BE(body, 60);
  for (const [i, value] of (place ?? []).entries()) file.writeInt32BE(value, body + 4 + 4 * i);
  return file;
}

const triangle = [
  [0, 0],
  [4, 0],
  [4, 4],
] as const;
const square = (x: number, y: number, side: number) => [
  0,
  x,
  y,
  1,
  x + side,
  y,
  1,
  x + side,
  y + side,
  1,
  x,
  y + side,
  4,
];

const KINDS: Record<string, Buffer> = {
  rectangle: roi({type: 1, box: [1, 2, 5, 5]}),
  'sub-pixel rectangle': roi({type: 1, shorts: SUB_PIXEL, floats: {18: 1.5, 22: 2, 26: 3, 30: 2}}),
  rounded: roi({type: 1, box: [0, 0, 20, 10], shorts: {54: 10}}),
  oval: roi({type: 2, box: [2, 2, 12, 12]}),
  polygon: roi({type: 0, box: [3, 2, 7, 6], points: [...triangle, [0, 4]]}),
  freehand: roi({
    type: 7,
    box: [3, 2, 7, 6],
    points: [
      [4.5, 2],
      [8.5, 2],
      [8.5, 5],
      [4.5, 5],
    ],
    shorts: SUB_PIXEL,
  }),
  traced: roi({type: 8, box: [-2, -2, 2, 2], points: [...triangle, [0, 4]]}),
  rotated: roi({
    type: 7,
    points: [
      [2, 0],
      [4, 2],
      [2, 4],
      [0, 2],
    ],
    shorts: {...SUB_PIXEL, 48: 5},
  }),
  ellipse: roi({
    type: 7,
    points: [
      [2, 0],
      [4, 2],
      [2, 4],
      [0, 2],
    ],
    shorts: {...SUB_PIXEL, 48: 3},
  }),
  donut: roi({type: 1, path: [...square(0, 0, 9), ...square(3, 3, 3), 0, 5, 5]}),
  curved: roi({type: 1, path: [0, 0, 0, 2, 10, 0, 10, 10, 3, 10, 20, 0, 20, 0, 10, 4]}),
  'lines only': roi({type: 1, path: [0, 1, 1, 1, 5, 5]}),
  line: roi({type: 3}),
  freeline: roi({type: 4, points: triangle}),
  polyline: roi({type: 5, points: triangle}),
  nothing: roi({type: 6}),
  angle: roi({type: 9, points: triangle}),
  point: roi({type: 10, points: triangle}),
  text: roi({type: 1, box: [1, 2, 5, 5], shorts: {48: 1}}),
  picture: roi({type: 1, box: [1, 2, 5, 5], shorts: {48: 4}}),
  spline: roi({type: 0, points: triangle, shorts: {50: 1}}),
  'slice 1': roi({type: 1, box: [1, 2, 5, 5], place: [3, 1, 1]}),
  'slice 2': roi({type: 1, box: [1, 2, 5, 5], place: [1, 2, 1]}),
  'frame 2': roi({type: 1, box: [1, 2, 5, 5], place: [1, 1, 2]}),
};

async function areas(data: AnnotatedImages, index = 0): Promise<[string, number][]> {
  const objects = await data.images[index]!.objects();
  return (await data.truth(index)).map(({area}, i) => [objects[i]!.where, area]);
}

test('every kind of roi in a zip', async (t) => {
  const slice = Buffer.from(KINDS.rectangle!);
  slice.writeInt32BE(2, 56);
  const entries = Object.entries({...KINDS, position: slice}).map(([name, bytes]) => [`${name}.roi`, bytes]);
  const zip = makeZip({...Object.fromEntries(entries), '__MACOSX/._a.roi': 'x', 'notes.txt': 'x'});
  const folder = await folderOf(t, {'cells.tif': '30x20', 'cells_RoiSet.zip': zip});
  const data = await openWith(imagej, folder);
  t.deepEqual(data.classes, ['object']);
  t.deepEqual(data.stats, {
    images: 1,
    objects: {object: 12},
    shapes: {
      rectangle: 4,
      oval: 1,
      polygon: 1,
      'freehand outline': 1,
      'traced outline': 1,
      'rotated rectangle': 1,
      ellipse: 1,
      composite: 2,
    },
    skipped: {
      composite: 1,
      line: 1,
      'freehand line': 1,
      polyline: 1,
      'empty roi': 1,
      angle: 1,
      point: 1,
      text: 1,
      image: 1,
      spline: 1,
      'roi on another slice': 3,
    },
  });
  const measured = Object.fromEntries(await areas(data));
  t.deepEqual(
    Object.fromEntries(
      ['rectangle', 'sub-pixel rectangle', 'polygon', 'freehand', 'donut', 'slice 1'].map((name) => [
        name,
        measured[`roi ${name}`],
      ]),
    ),
    {rectangle: 12, 'sub-pixel rectangle': 6, polygon: 16, freehand: 12, donut: 81 - 9, 'slice 1': 12},
  );
  // Only a quarter of it lies in the image.
  t.is(measured['roi traced'], 4);
  const round: Record<string, number> = {oval: Math.PI * 25, rounded: 100 + Math.PI * 25, rotated: 8};
  for (const [name, area] of Object.entries(round)) {
    const got = measured[`roi ${name}`]!;
    t.true(Math.abs(got - area) <= 4, `${name}: ${got} of ${area}`);
  }
  // Half a square, two thirds of its other half below a parabola, and the area of the cubic below both.
  const curved = 50 + 100 / 3 + 60;
  t.true(Math.abs(measured['roi curved']! - curved) <= 5, `${measured['roi curved']} of ${curved}`);
});

test('coordinates of large images are read as unsigned', (t) => {
  const {rings} = parseRoi(roi({type: 1, box: [-25536, 10, -25436, 20]}));
  t.deepEqual(rings, [[40000, 10, 40100, 10, 40100, 20, 40000, 20]]);
});

test('files belong to the image whose name they begin with', async (t) => {
  const one = KINDS.rectangle!;
  const zip = makeZip({'a.roi': one, 'b.roi': one});
  const folder = await folderOf(t, {
    'img.tif': '9x9',
    'img_1.png': '9x9',
    'other.png': '9x9',
    'img.roi': one,
    'img_0002.roi': one,
    'img_1_a.roi': one,
    'otherRoiSet.zip': zip,
    'wheel.zip': makeZip({'a.txt': 'x'}),
    'c.roi': 'no roi',
  });
  const data = await openWith(imagej, folder);
  const found = data.images.map(({file, sources}) => [basename(file), ...sources.map((source) => basename(source))]);
  t.deepEqual(found, [
    ['img_1.png', 'img_1_a.roi'],
    ['img.tif', 'img_0002.roi', 'img.roi'],
    ['other.png', 'otherRoiSet.zip'],
  ]);
  t.deepEqual(await areas(data, 2), [
    ['roi a', 12],
    ['roi b', 12],
  ]);

  await writeFile(join(folder, 'other_1.roi'), one);
  await t.throwsAsync(openWith(imagej, folder), {
    code: 'INVALID_DATASET',
    message: /other\.png must be annotated once/,
  });
  await writeFile(join(folder, 'RoiSet.zip'), zip);
  await t.throwsAsync(openWith(imagej, folder), {
    code: 'INVALID_DATASET',
    message: /RoiSet\.zip must begin with the name of its image, such as img_1 and 2 more/,
  });
});

test('a single image has the only zip or all .roi files; without images, only their names are known', async (t) => {
  const one = KINDS.rectangle!;
  const zip = makeZip({'a.roi': one});
  const rois = await folderOf(t, {'slide.png': '9x9', '0001-0002.roi': one, '0003-0004.roi': one});
  const data = await openWith(imagej, rois);
  t.is(data.length, 1);
  t.deepEqual(await areas(data), [
    ['roi 0001-0002', 12],
    ['roi 0003-0004', 12],
  ]);
  const folder = await folderOf(t, {'rois.zip': zip, 'photos/slide.jpg': '9x9', 'absent/slide_RoiSet.zip': zip});
  const photos = await openWith(imagej, folder, {}, {images: join(folder, 'photos')});
  t.is(photos.images[0]!.file, join(folder, 'photos/slide.jpg'));
  t.is((await openWith(imagej, join(folder, 'rois.zip'))).images[0]!.file, join(folder, 'rois'));
  const absent = await openWith(imagej, join(folder, 'absent'));
  t.is(absent.images[0]!.file, join(folder, 'absent/slide'));
  await t.throwsAsync(absent.get(0), {code: 'INVALID_IMAGE'});
});

test('faults name the file and the roi', async (t) => {
  const folder = await folderOf(t, {'a.png': '9x9', 'a.roi': 'Iout'});
  const file = join(folder, 'a.roi');
  const refused = async (bytes: Buffer, message: RegExp) => {
    await writeFile(file, bytes);
    await t.throwsAsync(openWith(imagej, file), {instanceOf: MaskRcnnError, code: 'INVALID_DATASET', message});
  };
  await refused(Buffer.from('Iout'), /a\.roi must be a region of ImageJ: it has 4 of 64 bytes\.$/);
  await refused(KINDS.polygon!.subarray(0, 70), /it has 70 of 80 bytes for 4 points/);
  await refused(KINDS.freehand!.subarray(0, 100), /it has 100 of 112 bytes for 4 points/);
  await refused(KINDS.donut!.subarray(0, 100), /it has 100 of 180 bytes for its path/);
  await refused(roi({type: 11}), /its type is 11/);
  await refused(roi({type: 2, path: square(0, 0, 2)}), /it is a composite of type 2/);
  await refused(roi({type: 1, path: [0, 1, 1, 7]}), /its path has a segment 7/);
  await refused(roi({type: 1, path: [0, 1, 1, 0.5]}), /its path has a segment 0\.5/);
  await refused(roi({type: 1, path: [0, 1, 1, 1, 5]}), /its path ends within a segment/);
  await refused(roi({type: 1, path: [2, 1, 1, 5, 5]}), /its path has a segment 2/);

  const zip = join(folder, 'a.zip');
  const whole = makeZip({'first.roi': KINDS.rectangle!, 'second.roi': KINDS.polygon!.subarray(0, 70)});
  const refusedZip = async (bytes: Buffer, message: RegExp) => {
    await writeFile(zip, bytes);
    await t.throwsAsync(openWith(imagej, zip), {instanceOf: MaskRcnnError, code: 'INVALID_DATASET', message});
  };
  await refusedZip(whole, /second\.roi in .*a\.zip must be a region of ImageJ: it has 70 of 80 bytes/);
  await refusedZip(whole.subarray(0, -30), /a\.zip must be a whole zip archive/);
  const broken = Buffer.from(makeZip({'first.roi': KINDS.rectangle!}));
  broken[60]! ^= 0x55;
  await refusedZip(broken, /a\.zip must be a whole zip archive/);
  const large = makeZip({'first.roi': Buffer.alloc((1 << 26) + 1)});
  await refusedZip(large, /first\.roi is too large/);

  await writeFile(file, roi({type: 0, points: [[1, 1]]}));
  await t.throwsAsync((await openWith(imagej, file)).truth(0), {
    code: 'INVALID_MASK',
    message: /The shape of roi a must be made of three points or more, got 1/,
  });
  await writeFile(file, roi({type: 1, shorts: SUB_PIXEL, floats: {18: Number.NaN, 26: 3, 30: 1e38}}));
  await t.throwsAsync((await openWith(imagej, file)).truth(0), {code: 'INVALID_MASK', message: /The shape of roi a/});
});

test("ImageJ's own files of every kind", async (t) => {
  const real = realExport(t, 'imagej-roi');
  if (real === undefined) return;
  const folder = await folderOf(t, {'stack.png': '300x200'});
  for (const name of await readdir(real)) await copyFile(join(real, name), join(folder, name));
  const data = await openWith(imagej, folder);
  t.deepEqual(data.stats, {
    images: 1,
    objects: {object: 17},
    shapes: {composite: 6, ellipse: 3, 'freehand outline': 1, oval: 3, polygon: 3, rectangle: 1},
    skipped: {'freehand line': 1, line: 2, point: 2, polyline: 1},
  });
  const measured = Object.fromEntries(await areas(data));
  // Pixels with their centre inside, as ImageJ counts them, by an own program. `off`: our rule for polygons is that of
  // pycocotools, which decides otherwise for some pixels at slanted edges.
  for (const [name, [area, off]] of Object.entries({
    'composite-brush-donut': [18, 0],
    'composite-brush-yin-yang': [545, 0],
    'composite-oval-in-rect': [938, 0],
    'composite-rect-in-rect': [2004, 0],
    'composite-two-ellipses': [1389, 3],
    'composite-two-ovals': [685, 0],
    ellipse: [24, 1],
    'ellipse-left': [11, 0],
    'ellipse-top': [16, 0],
    freehand: [2071, 1],
    oval: [994, 1],
    'oval-left': [16, 0],
    'oval-top': [12, 0],
    polygon: [7162, 3],
    'polygon-left': [6, 0],
    'polygon-top': [14, 2],
    rectangle: [1548, 0],
  })) {
    const got = measured[`roi ${name}`]!;
    t.is(Math.abs(got - area!), off!, `${name}: ${got}`);
  }
});

test('coordinates are those that another reader found', async (t) => {
  const real = realExport(t, 'imagej-roi');
  if (real === undefined) return;
  for (const name of (await readdir(real)).filter((file) => file.endsWith('.json'))) {
    const described = Object.values(JSON.parse(await readFile(join(real, name), 'utf8')))[0] as {
      type: string;
      x?: number[];
      y?: number[];
      paths?: [number, number][][];
    };
    const {rings} = parseRoi(await readFile(join(real, name.replace('.json', '.roi'))));
    if (described.paths !== undefined) {
      t.deepEqual(
        rings?.map((ring) => [...ring]),
        described.paths.map((path) => path.flat()),
        name,
      );
    } else if (['polygon', 'freehand', 'traced'].includes(described.type) && described.x !== undefined) {
      t.deepEqual(
        [...rings![0]!],
        described.x.flatMap((x, i) => [x, described.y![i]!]),
        name,
      );
    }
  }
});

test('a RoiSet.zip with its image: traced outlines, to the pixel', async (t) => {
  const folder = realExport(t, 'imagej-roiset');
  if (folder === undefined) return;
  const data = await openWith(imagej, folder);
  t.deepEqual(data.stats, {images: 1, objects: {object: 4}, shapes: {'traced outline': 4}, skipped: {}});
  t.is(basename(data.images[0]!.file), 'EdU.tif');
  t.deepEqual(await areas(data), [
    ['roi 0298-0252', 67935],
    ['roi 0212-0550', 64369],
    ['roi 0573-0454', 7577],
    ['roi 0568-0157', 42564],
  ]);
  t.deepEqual(await data.size(0), {width: 707, height: 707});
  t.is((await imagej.recognise(await Place.at(join(folder, 'EduROIs.zip'))))?.seen, '1 file with regions of ImageJ');
});
