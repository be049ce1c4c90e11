import {copyFile, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import test from 'ava';
import type {AnnotatedImages} from '../../../lib/datasets/annotated/annotated-images.js';
import {Place} from '../../../lib/datasets/annotated/place.js';
import {geojson} from '../../../lib/datasets/annotated/readers/geojson.js';
import {MaskRcnnError} from '../../../lib/index.js';
import {folderOf, realExport} from './folders.js';
import {openWith} from './open-with.js';

/** A closed ring around a rectangle. */
const ring = (x: number, y: number, width: number, height = width) => [
  [x, y],
  [x + width, y],
  [x + width, y + height],
  [x, y + height],
  [x, y],
];
const polygon = (...rings: unknown[]) => ({type: 'Polygon', coordinates: rings});
const feature = (geometry: unknown, properties: object = {}, more: object = {}) => ({
  type: 'Feature',
  id: '3e4b6f50-8ea3-4bc5-bdb2-3d661eaea557',
  geometry,
  properties: {objectType: 'annotation', ...properties},
  ...more,
});
const named = (name: string) => ({classification: {name, color: [1, 2, 3]}});
const collection = (...features: unknown[]) => ({type: 'FeatureCollection', features});

async function areas(data: AnnotatedImages, index = 0): Promise<[string, number][]> {
  return (await data.truth(index)).map(({label, area}) => [data.classes[label - 1]!, area]);
}

test('polygons with holes and several parts; what has no area or is no object is counted', async (t) => {
  const children = [feature(polygon(ring(0, 0, 2)), {objectType: 'cell', ...named('inner')})];
  const folder = await folderOf(t, {
    'a.tif': '30x20',
    'a.geojson': collection(
      feature(polygon(ring(1, 1, 6), ring(2, 2, 2)), named('b')),
      feature({type: 'MultiPolygon', coordinates: [[ring(10, 1, 3)], [ring(11, 2, 4), ring(12, 3, 1)]]}, named('a')),
      feature({...polygon(ring(20, 1, 3)), isEllipse: true}, {...named('a'), childObjects: children}),
      feature(polygon(ring(20, 10, 5)), {objectType: 'cell'}, {nucleusGeometry: polygon(ring(21, 11, 2))}),
      feature({
        type: 'GeometryCollection',
        geometries: [polygon(ring(1, 10, 2)), {type: 'Point', coordinates: [1, 1]}],
      }),
      feature({type: 'Point', coordinates: [1, 1]}),
      feature({type: 'MultiPoint', coordinates: [[1, 1]]}),
      feature({type: 'LineString', coordinates: ring(1, 1, 6)}),
      feature(polygon(ring(0, 0, 8)), {objectType: 'tile'}),
      feature(polygon(ring(0, 0, 8)), {objectType: 'tmaCore'}),
      feature(null),
      feature(polygon()),
      feature({...polygon(ring(0, 0, 8)), plane: {c: -1, z: 1, t: 0}}),
      feature({...polygon(ring(0, 0, 1)), plane: {c: 2, z: 0, t: 0}}, named('b')),
    ),
  });
  const data = await openWith(geojson, folder);
  t.deepEqual(data.classes, ['a', 'b', 'inner', 'object']);
  t.deepEqual(data.stats, {
    images: 1,
    objects: {b: 2, a: 2, inner: 1, object: 2},
    shapes: {polygon: 6, ellipse: 1},
    skipped: {
      nucleus: 1,
      point: 2,
      line: 1,
      tile: 1,
      'TMA core': 1,
      'feature without a geometry': 1,
      'empty polygon': 1,
      'object on another slice': 1,
    },
  });
  t.is(data.images[0]!.file, join(folder, 'a.tif'));
  t.deepEqual(await areas(data), [
    ['b', 36 - 4],
    // The hole lies in the other part, and both have three more pixels in common.
    ['a', 9 + (16 - 1) - 3],
    ['a', 9],
    ['inner', 4],
    ['object', 25],
    ['object', 4],
    ['b', 1],
  ]);
});

test('files of older versions: a list, types as ids, derived classes, numbers that are not finite', async (t) => {
  const old = (id: string, classification: unknown) => ({
    type: 'Feature',
    id,
    geometry: polygon(ring(1, 1, 2)),
    properties: {classification, measurements: [{name: 'Area', value: 1}]},
  });
  const derived = {name: 'Positive', colorRGB: -1, parentClass: {name: 'Tumor', colorRGB: -2}};
  const list = JSON.stringify([
    old('PathAnnotationObject', {name: 'Stroma', colorRGB: -6895466}),
    old('PathCellObject', derived),
    old('PathCellObject', {names: ['Tumor', 'Positive']}),
    old('PathCellObject', 'Tumor'),
    old('PathCellObject', {}),
    old('PathTileObject', null),
    old('PathRootObject', null),
  ]);
  const folder = await folderOf(t, {'a.json': `\uFEFF${list.replaceAll('"value":1', '"value": NaN')}`});
  const data = await openWith(geojson, folder);
  t.deepEqual(data.stats.objects, {Stroma: 1, 'Tumor: Positive': 2, Tumor: 1, object: 1});
  t.deepEqual(data.stats.skipped, {tile: 1});
  // Its image is not there: nothing but the name is known.
  t.is(data.images[0]!.file, join(folder, 'a'));
  await t.throwsAsync(data.get(0), {code: 'INVALID_IMAGE'});
});

test('the image has the name of the file', async (t) => {
  const one = feature(polygon(ring(1, 1, 2)));
  const folder = await folderOf(t, {
    'slide.v2.ome.tif': '4x4',
    'slide.v2.ome.geojson': one,
    'b.png': '4x4',
    'b.png.geojson': [one],
    'photos/b.jpg': '5x5',
  });
  const data = await openWith(geojson, folder);
  t.deepEqual(
    data.images.map(({file}) => basename(file)),
    ['b.png', 'slide.v2.ome.tif'],
  );
  t.deepEqual(await areas(data, 1), [['object', 4]]);
  const single = await openWith(geojson, join(folder, 'b.png.geojson'), {}, {images: join(folder, 'photos')});
  t.is(single.images[0]!.file, join(folder, 'photos/b.jpg'));

  await writeFile(join(folder, 'b.json'), JSON.stringify(one));
  await t.throwsAsync(openWith(geojson, folder), {code: 'INVALID_DATASET', message: /b\.png must be annotated once/});
});

test('other JSON files are not recognised', async (t) => {
  const folder = await folderOf(t, {
    'a.json': {version: '5.0.1', shapes: [], imagePath: 'a.png'},
    'b.geojson': {type: 'Topology'},
    'c.json': {images: [], annotations: [], categories: []},
    'd.txt': '{"type": "Feature"}',
  });
  t.is(await geojson.recognise(await Place.at(folder)), undefined);
});

test('faults name the file and the field', async (t) => {
  const folder = await folderOf(t, {'a.png': '20x20'});
  const file = join(folder, 'a.geojson');
  const refused = async (content: unknown, message: RegExp) => {
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    const error = await t.throwsAsync(openWith(geojson, file), {
      instanceOf: MaskRcnnError,
      code: 'INVALID_DATASET',
      message,
    });
    t.true(error?.message.includes(file));
  };
  const whole = JSON.stringify(collection(feature(polygon(ring(1, 1, 2)))));
  await refused(whole.slice(0, -9), /must be a JSON file/);
  await refused(`${whole.slice(0, -9)} NaN`, /must be a JSON file/);
  await refused('{"type": "FeatureCollection"}', /'features' must be a list, got undefined/);
  await refused(collection(5), /'features\[0\]' must be an object, got 5/);
  await refused(collection(feature(5)), /'features\[0\]\.geometry' must be an object, got 5/);
  await refused(collection(feature({})), /'features\[0\]\.geometry\.type' must be a string/);
  await refused(
    collection(feature({type: 'Curve'})),
    /geometry\.type' must be Polygon or another geometry.* got 'Curve'/,
  );
  await refused(collection(feature({type: 'Polygon'})), /geometry\.coordinates' must be a list, got undefined/);
  await refused(collection(feature(polygon(1))), /geometry\.coordinates\[0\]' must be a list, got 1/);
  await refused(collection(feature(polygon([[1, 'x']]))), /geometry\.coordinates\[0\]\[0\]' must be a point/);
  const many = {type: 'MultiPolygon', coordinates: [[ring(1, 1, 2)], [ring(1, 1, 2), [[1]]]]};
  await refused(collection(feature(many)), /geometry\.coordinates\[1\]\[1\]\[0\]' must be a point/);
  await refused(collection(feature({...many, coordinates: 3})), /geometry\.coordinates' must be a list, got 3/);
  const nested = {type: 'GeometryCollection', geometries: [{type: 'GeometryCollection', geometries: []}]};
  await refused(collection(feature(nested)), /geometries\[0\]\.type' must be a geometry that is no collection/);
  await refused(collection(feature(polygon(), {childObjects: {}})), /properties\.childObjects' must be a list/);
  await refused(collection({...feature(null), properties: 'x'}), /properties' must be an object/);
  const square = polygon(ring(1, 1, 2));
  await refused(collection(feature(square, {classification: 4})), /classification' must be an object, got 4/);
  await refused(collection(feature(square, {classification: {name: 4}})), /classification\.name' must be a string/);
  await refused(collection(feature(square, {classification: {names: [4]}})), /names' must be a list of strings/);
  await refused(collection(feature({...square, plane: 1})), /plane' must be an object/);
  await refused(collection(feature({...square, plane: {z: '1'}})), /plane\.z' must be a finite number/);

  await writeFile(
    file,
    JSON.stringify(
      collection(
        feature(
          polygon([
            [0, 0],
            [1e300, 0],
            [0, 1e300],
          ]),
        ),
      ),
    ),
  );
  await t.throwsAsync((await openWith(geojson, file)).truth(0), {
    code: 'INVALID_MASK',
    message: /The shape of features\[0\] must be/,
  });
});

test("QuPath's export of a slide: areas as of pycocotools", async (t) => {
  const name = 'TD_01_verysmall_mIF.geojson';
  const real = realExport(t, `qupath/${name}`);
  if (real === undefined) return;
  const folder = await folderOf(t, {'TD_01_verysmall_mIF.ome.png': '2x2', 'slide.png': '1000x1000'});
  await copyFile(real, join(folder, 'slide.geojson'));
  const data = await openWith(geojson, folder);
  t.deepEqual(data.stats, {
    images: 1,
    objects: {class_1: 3, class_2: 3},
    shapes: {polygon: 6},
    skipped: {point: 3},
  });
  // frPyObjects of pycocotools 2.0.11.
  t.deepEqual(await areas(data), [
    ['class_1', 25124],
    ['class_2', 13100],
    ['class_2', 29209],
    ['class_1', 55376],
    ['class_2', 15580],
    ['class_1', 10332],
  ]);
});
