import {existsSync} from 'node:fs';
import {copyFile, mkdir, mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {basename, dirname, extname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import type {Dataset, TrueObject} from '../../lib/datasets/dataset.js';
import {openDataset} from '../../lib/datasets/open-dataset.js';
import {convertDataset} from '../../lib/export/convert-dataset.js';
import {EXPORT_FORMATS, type ExportFormatName} from '../../lib/export/formats.js';
import {LOSSES, type Loss, type LossKind} from '../../lib/export/losses.js';
import {maskPolygons, mergeRles, type Rle, rleAreas, rleFromPolygons, rleIou} from '../../lib/index.js';
import {trueObjectsOf} from '../export/drawn.js';

/** What tools have exported, with the numbers of images and of objects with masks that its README or its tool says. */
type Real = {
  path: string;
  split?: string;
  images: number;
  objects: number;
  /** Objects of which only the box is known. */
  boxes?: number;
  /** Image for regions without one: its file name, width and height. */
  standIn?: [name: string, width: number, height: number];
  /** The extensions of the files that are about this image. */
  files?: string;
};

const REAL: readonly Real[] = [
  // 16 polygons, of which groups make one object each.
  {path: 'labelme', images: 3, objects: 12},
  {path: 'via', images: 16, objects: 349},
  // 57 polygons.
  {path: 'roboflow-coco', split: 'train', images: 2, objects: 20},
  {path: 'roboflow-coco', split: 'valid', images: 2, objects: 19},
  {path: 'roboflow-coco', split: 'test', images: 2, objects: 18},
  {path: 'yolo-seg', images: 6, objects: 23},
  // Boxes alone.
  {path: 'roboflow-boxes', images: 10, objects: 0, boxes: 221},
  {path: 'supervisely', images: 5, objects: 7, boxes: 3},
  // Six annotations, and three points that mark places.
  {path: 'qupath', images: 1, objects: 6, standIn: ['TD_01_verysmall_mIF.png', 1000, 1000], files: '.geojson'},
  // Regions of all kinds, of which 17 have an area.
  {path: 'imagej-roi', images: 1, objects: 17, standIn: ['stack.png', 300, 200], files: '.roi'},
  {path: 'imagej-roiset', images: 1, objects: 4},
  {path: 'cvat', images: 6, objects: 9},
  {path: 'label-studio/data_polygons.json', images: 1, objects: 1},
  {path: 'label-studio/test_brush_labels.json', images: 1, objects: 3},
  {path: 'label-studio/test_polygon_labels.json', images: 1, objects: 3},
];

const shared = fileURLToPath(new URL('../../../shared/data/annotations/', import.meta.url));

/** Formats that hold objects with holes. */
const HOLDS_HOLES: readonly ExportFormatName[] = [
  ...(['coco', 'labelme', 'cvat', 'label-studio', 'supervisely', 'geojson', 'imagej'] as const),
];

/** Formats that hold objects of which only the box is known. */
const HOLDS_BOXES: readonly ExportFormatName[] = ['coco', 'yolo', 'cvat', 'label-studio', 'supervisely'];

/** How far a side of a box may be off, in pixels: Supervisely's are whole. */
const boxTolerance = (format: ExportFormatName) => (format === 'supervisely' ? 0.5 : 0.01);

for (const real of REAL) {
  const {path, split, images, objects, boxes = 0} = real;
  const name = split === undefined ? path : `${path} (${split})`;
  test(`${name} is written in every format and read back to the same masks`, async (t) => {
    t.timeout(300_000);
    if (!existsSync(join(shared, path))) {
      t.log(`skipped: no annotations/${path} here`);
      t.pass();
      return;
    }
    const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-real-'));
    t.teardown(() => rm(folder, {recursive: true}));
    const data = await opened(real, folder);
    const truth = await Promise.all(Array.from({length: data.length}, (_, i) => data.truth!(i)));
    t.is(data.length, images);
    const masked = truth.flat().filter(({mask}) => mask !== undefined).length;
    t.deepEqual([masked, truth.flat().length - masked], [objects, boxes]);
    for (const {key} of EXPORT_FORMATS) {
      const format = key as ExportFormatName;
      const out = join(folder, format);
      const {losses} = await convertDataset(data, out, {format});
      const left = lossOf(losses, LOSSES.boxes);
      t.is(left, HOLDS_BOXES.includes(format) ? 0 : boxes, format);
      if (objects > 0 || left === 0) await compare(t, {format, losses, data, truth, read: await openDataset(out)});
      await rm(out, {recursive: true});
    }
  });
}

/** The data set, with grey images in place of those that are not there. */
async function opened({path, split, standIn, files = ''}: Real, folder: string): Promise<Dataset> {
  let place = join(shared, path);
  if (standIn !== undefined) {
    place = join(folder, 'given');
    await mkdir(place);
    for (const name of await readdir(join(shared, path))) {
      if (extname(name) === files) await copyFile(join(shared, path, name), join(place, name));
    }
    await writeGrey(join(place, standIn[0]), {width: standIn[1], height: standIn[2]});
  }
  const data = await openDataset(place, split === undefined ? {} : {split});
  const sources: string[] = [];
  for (let i = 0; i < data.length; i++) {
    const file = data.sources!(i)[0]!;
    const name = extname(file) === '' ? `${basename(file)}.png` : basename(file);
    sources.push(existsSync(file) ? file : join(folder, 'images', name));
    if (existsSync(file)) continue;
    await mkdir(join(folder, 'images'), {recursive: true});
    await writeGrey(sources[i]!, await data.size!(i));
  }
  return {
    length: data.length,
    classes: data.classes,
    get: (i) => data.get(i),
    size: (i) => data.size!(i),
    truth: (i) => data.truth!(i),
    sources: (i) => [sources[i]!],
  };
}

async function writeGrey(file: string, {width, height}: {width: number; height: number}): Promise<void> {
  await mkdir(dirname(file), {recursive: true});
  await sharp({create: {width, height, channels: 3, background: '#808080'}}).toFile(file);
}

type Compared = {
  format: ExportFormatName;
  losses: readonly Loss[];
  data: Dataset;
  truth: readonly TrueObject[][];
  read: Dataset;
};

async function compare(t: ExecutionContext, {format, losses, data, truth, read}: Compared): Promise<void> {
  t.is(read.length, data.length, format);
  const indexOf = new Map(Array.from({length: read.length}, (_, i) => [basename(read.sources!(i)[0]!), i]));
  let [holes, lost, missing] = [0, 0, 0];
  for (const [i, objects] of truth.entries()) {
    const name = basename(data.sources!(i)[0]!);
    t.true(indexOf.has(name), `${format} ${name}`);
    const both = await trueObjectsOf(read, indexOf.get(name)!);
    if (HOLDS_BOXES.includes(format)) compareBoxes(t, both.filter(isBox), objects.filter(isBox), format);
    const [given, found] = [objects.filter(hasMask), both.filter(hasMask)];
    if (format.startsWith('masks')) {
      // Every pixel that is left belongs to the object that it was of, and the others are counted.
      missing += given.length - found.length;
      lost += (await total(given)) - (await total(found));
      if (given.length > 0) t.is(await area(found), await area(given), `${format} ${name}`);
      continue;
    }
    t.is(found.length, given.length, `${format} ${name}`);
    for (const [j, {mask, label}] of given.entries()) {
      const message = `${format} ${name} object ${j + 1}`;
      const other = found[j]!;
      if (format !== 'imagej') t.is(read.classes[other.label - 1], data.classes[label - 1], message);
      const polygons = HOLDS_HOLES.includes(format) ? [] : await maskPolygons(mask);
      const holesHere = polygons.reduce((sum, each) => sum + each.holes.length, 0);
      holes += holesHere;
      if (holesHere === 0) {
        t.deepEqual(other.mask, mask, message);
        continue;
      }
      const [height, width] = mask.size;
      const filled = await rleFromPolygons(
        polygons.map(({outer}) => outer),
        width,
        height,
      );
      t.deepEqual(other.mask, filled, message);
      t.log(`${message}: IoU ${(await rleIou([mask], [other.mask]))[0]![0]!.toFixed(4)} with its holes filled`);
    }
  }
  t.is(lossOf(losses, LOSSES.holes), holes, format);
  t.is(lossOf(losses, LOSSES.covered), missing, format);
  if (missing === 0) t.is(lossOf(losses, LOSSES.overlaps), lost, format);
}

function lossOf(losses: readonly Loss[], {what}: LossKind): number {
  return losses.find((loss) => loss.what === what)?.number ?? 0;
}

type Masked = TrueObject & {mask: Rle};

const hasMask = (object: TrueObject): object is Masked => object.mask !== undefined;
const isBox = (object: TrueObject) => !hasMask(object);

function compareBoxes(
  t: ExecutionContext,
  found: readonly TrueObject[],
  given: readonly TrueObject[],
  format: ExportFormatName,
): void {
  t.is(found.length, given.length, format);
  for (const [i, {box}] of given.entries()) {
    const far = box.map((side, k) => Math.abs(side - found[i]!.box[k]!));
    // A width is off by both of its edges.
    t.true(Math.max(...far) <= 2 * boxTolerance(format), `${format}, box ${i + 1}: off by ${far}`);
  }
}

/** The pixels of the objects, counted for each object. */
async function total(objects: readonly Masked[]): Promise<number> {
  return (await rleAreas(objects.map(({mask}) => mask))).reduce((sum, each) => sum + each, 0);
}

/** The pixels of all objects together. */
async function area(objects: readonly Masked[]): Promise<number> {
  return (await rleAreas([await mergeRles(objects.map(({mask}) => mask))]))[0]!;
}
