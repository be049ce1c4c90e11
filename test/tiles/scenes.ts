/** Large images with drawn objects in several formats, and the crops of their whole samples. */
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import fc from 'fast-check';
import {encode} from 'fast-png';
import sharp from 'sharp';
import {type Dataset, hasMask, type Instance} from '../../lib/datasets/dataset.js';
import {openDataset, type Rect, type RgbImage} from '../../lib/index.js';
import {cut, pattern} from '../image/regions/regions.js';

/** An image with polygons: rings of alternating x and y in pixels. */
export type Scene = {width: number; height: number; rings: number[][]};

/** Polygons of any form, which may cross themselves, reach over the border of the image and overlap. */
export const scenes: fc.Arbitrary<Scene> = fc
  .record({width: fc.integer({min: 20, max: 150}), height: fc.integer({min: 20, max: 150})})
  .chain(({width, height}) => {
    const at = (most: number) => tenths(-8, most + 8);
    const ring = fc
      .tuple(at(width), at(height), fc.array(fc.tuple(offset(), offset()), {minLength: 3, maxLength: 7}))
      .map(([x, y, corners]) => corners.flatMap(([dx, dy]) => [x + dx, y + dy]));
    return fc.record({width: fc.constant(width), height: fc.constant(height), rings: fc.array(ring, {maxLength: 6})});
  });

/** Numbers as people and programs write them. Fifths and tenths are where rounding is decided. */
const tenths = (min: number, max: number) => fc.integer({min: min * 10, max: max * 10}).map((value) => value / 10);
const offset = () => tenths(-45, 45);

/** Writes a scene as a data set in a folder, and opens it. */
export type Writer = (folder: string, scene: Scene) => Promise<Dataset>;

async function writeImage(folder: string, name: string, {width, height}: Scene): Promise<void> {
  await mkdir(folder, {recursive: true});
  const image = sharp(pattern(width, height).data, {raw: {width, height, channels: 3}});
  await (name.endsWith('.tif') ? image.tiff({tile: true, tileWidth: 16, tileHeight: 16}) : image).toFile(
    join(folder, name),
  );
}

/** A square in a corner, so that no data set is without objects. */
const square = [1, 1, 9, 1, 9, 9, 1, 9];

const points = (ring: readonly number[]) =>
  Array.from({length: ring.length / 2}, (_, i) => [ring[2 * i]!, ring[2 * i + 1]!]);

export const writers: Record<string, Writer> = {
  async COCO(folder, scene) {
    await writeImage(folder, 'a.tif', scene);
    const {width, height} = scene;
    const annotations = [square, ...scene.rings].map((ring, i) => ({
      id: i + 1,
      image_id: 1,
      category_id: 1 + (i % 2),
      iscrowd: 0,
      segmentation: [ring],
    }));
    const categories = [1, 2].map((id) => ({id, name: `class ${id}`}));
    const file = join(folder, 'a.json');
    await writeFile(
      file,
      JSON.stringify({images: [{id: 1, file_name: 'a.tif', width, height}], annotations, categories}),
    );
    return openDataset(file);
  },
  async GeoJSON(folder, scene) {
    await writeImage(folder, 'a.tif', scene);
    const features = [square, ...scene.rings].map((ring) => {
      const closed = [...points(ring), points(ring)[0]!];
      return {
        type: 'Feature',
        geometry: {type: 'Polygon', coordinates: [closed]},
        properties: {objectType: 'annotation', classification: {name: 'cell'}},
      };
    });
    await writeFile(join(folder, 'a.geojson'), JSON.stringify({type: 'FeatureCollection', features}));
    return openDataset(folder);
  },
  async LabelMe(folder, scene) {
    await writeImage(folder, 'a.png', scene);
    const shapes = [square, ...scene.rings].map((ring) => ({
      label: 'cell',
      shape_type: 'polygon',
      points: points(ring),
      group_id: null,
      flags: {},
    }));
    const {width: imageWidth, height: imageHeight} = scene;
    const content = {version: '5.0.1', flags: {}, shapes, imagePath: 'a.png', imageData: null, imageHeight, imageWidth};
    await writeFile(join(folder, 'a.json'), JSON.stringify(content));
    return openDataset(folder);
  },
  async 'mask folder'(folder, scene) {
    await writeImage(folder, 'a.png', scene);
    await writeFile(join(folder, 'a_mask.png'), encode({...labelsOf(scene), channels: 1, depth: 8}));
    return openDataset(folder, {classes: ['cell'], binary: 'whole'});
  },
  async 'label image'(folder, scene) {
    await writeImage(folder, 'a.tif', scene);
    const {width, height, data} = labelsOf(scene);
    const ids = Uint16Array.from(data, (id) => id * 1000);
    await writeFile(join(folder, 'a_mask.png'), encode({width, height, data: ids, channels: 1, depth: 16}));
    return openDataset(folder, {classes: ['cell'], binary: 'whole'});
  },
  async 'whole samples'(folder, scene) {
    const data = await writers.COCO!(folder, scene);
    return {length: data.length, classes: data.classes, get: (index) => data.get(index)};
  },
};

/** A label image: the rectangle around each ring has the number of the ring. */
function labelsOf({width, height, rings}: Scene): {width: number; height: number; data: Uint8Array} {
  const data = new Uint8Array(width * height);
  for (const [i, ring] of [square, ...rings].entries()) {
    const within = (value: number, most: number) => Math.min(most, Math.max(0, Math.round(value)));
    const [xs, ys] = [points(ring).map(([x]) => x!), points(ring).map(([, y]) => y!)];
    const [x0, x1] = [within(Math.min(...xs), width), within(Math.max(...xs), width)];
    const [y0, y1] = [within(Math.min(...ys), height), within(Math.max(...ys), height)];
    for (let y = y0; y < y1; y++) data.fill(i + 1, y * width + x0, y * width + x1);
  }
  return {width, height, data};
}

/** An object in a rectangle of its image: its pixels there as text, and how many there are. */
export type Crop = {label: number; pixels: string; area: number};

/** The pixels of a rectangle, and of each mask in it, cut out of bitmaps of the whole image. */
export function cropOf(image: RgbImage, instances: readonly Instance[], rect: Rect): {data: Uint8Array; crops: Crop[]} {
  const crops = instances.filter(hasMask).map(({label, mask}): Crop => {
    const bitmap = new Uint8Array(rect.width * rect.height);
    for (const [i, on] of mask.data.entries()) {
      const x = mask.left + (i % mask.width) - rect.left;
      const y = mask.top + Math.floor(i / mask.width) - rect.top;
      if (on === 1 && x >= 0 && y >= 0 && x < rect.width && y < rect.height) bitmap[y * rect.width + x] = 1;
    }
    return {label, pixels: bitmap.join(''), area: bitmap.reduce((sum, on) => sum + on, 0)};
  });
  return {data: cut(image, rect), crops};
}
