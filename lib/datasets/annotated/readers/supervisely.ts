import {access} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {promisify} from 'node:util';
import {inflate} from 'node:zlib';
import {mapConcurrently} from '../../../basics/concurrently.js';
import {MaskRcnnError} from '../../../basics/errors.js';
import {detectFormat} from '../../../image/format.js';
import type {InstanceMask} from '../../dataset.js';
import {alphaBitmap} from '../alpha-bitmap.js';
import {
  type AnnotatedImage,
  type AnnotatedObject,
  type Annotations,
  occurringClasses,
  type Part,
  type Ring,
  Tally,
} from '../annotations.js';
import {refuseDoubled} from '../doubled-images.js';
import {Fields} from '../fields.js';
import type {Format, ReaderOptions} from '../format.js';
import {ImageFinder} from '../image-finder.js';
import {boundsOf, rectangleRing, ringOf} from '../outlines.js';
import {isImageName, Place, readJson} from '../place.js';
import {isSplitName} from '../split-names.js';
import {statedSize} from '../stated-size.js';

type Size = {width: number; height: number};

const META = 'meta.json';
const FILES_AT_ONCE = 8;

const MOST_BYTES = 1 << 28;

/** What people call the kinds of shapes that make objects. */
const USED: ReadonlyMap<string, string> = new Map([
  ['polygon', 'polygon'],
  ['multipolygon', 'polygon'],
  ['bitmap', 'mask'],
  ['alpha_mask', 'mask'],
  // Nobody drew a mask.
  ['rectangle', 'box'],
]);

/** What people call the others, if not as the format does. */
const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ['oriented_bbox', 'box'],
  ['graph', 'keypoints'],
]);

/** A project: meta.json, and ann/ beside img/ in the same folder or in one folder for each data set. */
export const supervisely: Format = {
  name: 'Supervisely',
  key: 'supervisely',
  looks: 'a project of Supervisely: meta.json, with ann/ and img/ beside it or in one folder for each data set',
  async recognise(place) {
    const project = await projectAt(place);
    if (project === undefined) return undefined;
    const {meta, datasets} = project;
    const names = datasets.map(({path}) => basename(path));
    return {
      seen: `${META} and ${datasets.map(({path}) => join(path, 'ann')).join(', ')}`,
      // Data sets of these names are the parts of one data set.
      splits: names.length > 1 && names.every(isSplitName) ? names : [],
      read: (options, split) => read(meta, datasetsOf(datasets, split), options),
    };
  },
};

function datasetsOf(datasets: readonly Place[], split: string | undefined): readonly Place[] {
  return split === undefined ? datasets : datasets.filter(({path}) => basename(path) === split);
}

type Project = {meta: string; datasets: readonly Place[]};

/** The project at a folder or a meta.json, or one data set of a project. */
async function projectAt(place: Place): Promise<Project | undefined> {
  if (place.isFile) {
    return place.files[0] === META ? projectAt(await Place.at(place.folder)) : undefined;
  }
  if (place.files.includes(META)) {
    if (!isMeta(await place.head(META))) return undefined;
    const datasets = await datasetsIn(place);
    return datasets.length === 0 ? undefined : {meta: place.pathOf(META), datasets};
  }
  if (!place.folders.includes('ann')) return undefined;
  const parent = await Place.at(dirname(place.path)).catch(() => undefined);
  if (!parent?.files.includes(META) || !isMeta(await parent.head(META))) return undefined;
  return {meta: parent.pathOf(META), datasets: [place]};
}

function isMeta(head: string): boolean {
  return /"classes"\s*:\s*\[/.test(head);
}

/** The folders with ann/: this one, or those in it. A data set may have others in its folder datasets/. */
async function datasetsIn(place: Place): Promise<Place[]> {
  if (place.folders.includes('ann')) return [place, ...(await nestedIn(place))];
  const folders = await Promise.all(place.folders.map((name) => place.inside(name)));
  const found = await Promise.all(
    folders.map(async (each) => [...(each.folders.includes('ann') ? [each] : []), ...(await nestedIn(each))]),
  );
  return found.flat();
}

async function nestedIn(place: Place): Promise<Place[]> {
  return place.folders.includes('datasets') ? datasetsIn(await place.inside('datasets')) : [];
}

async function read(
  metaPath: string,
  datasets: readonly Place[],
  {images: folder}: ReaderOptions,
): Promise<Annotations> {
  const shapes = await shapesOfClasses(metaPath);
  const tally = new Tally();
  const images: AnnotatedImage[] = [];
  for (const dataset of datasets) {
    const ann = await dataset.inside('ann');
    const finder = await ImageFinder.in(await imageFolder(dataset, folder));
    const names = ann.withExtension('.json');
    const readImage = async (i: number): Promise<AnnotatedImage> => {
      const path = ann.pathOf(names[i]!);
      // NAME.jpg.json, or NAME.json in old projects.
      const name = names[i]!.slice(0, -'.json'.length);
      const file = new Fields(path, await readJson(path));
      await objectsOf(file, shapes, tally);
      return {
        file: isImageName(name) ? finder.find(name) : finder.named(name),
        size: sizeOf(file),
        sources: [path],
        objects: async () => objectsOf(new Fields(path, await readJson(path)), shapes, undefined),
      };
    };
    for (const image of await mapConcurrently(names.length, FILES_AT_ONCE, readImage)) images.push(image);
  }
  refuseDoubled(images);
  const declared = [...shapes.keys()];
  return {images, classes: [...declared, ...occurringClasses(tally).filter((name) => !shapes.has(name))], tally};
}

/** img/, or the folder that the user names, in which each data set may have one of its own. */
async function imageFolder(dataset: Place, folder: string | undefined): Promise<string> {
  if (folder === undefined) return join(dataset.path, 'img');
  const own = join(folder, basename(dataset.path));
  return access(own).then(
    () => own,
    () => folder,
  );
}

/** The kind of shape of each class, in the order of meta.json. */
async function shapesOfClasses(metaPath: string): Promise<Map<string, string | undefined>> {
  const meta = new Fields(metaPath, await readJson(metaPath));
  return new Map(meta.objects('classes').map((each) => [each.text('title'), each.optionalText('shape')]));
}

function sizeOf(file: Fields): Size {
  const size = file.object('size');
  const stated = statedSize(size, 'width', 'height');
  if (stated === undefined) throw file.wrong('size', 'a width and a height');
  return stated;
}

/** With a tally the objects are only counted and checked: their bitmaps are unpacked when they are needed. */
async function objectsOf(
  file: Fields,
  shapes: ReadonlyMap<string, string | undefined>,
  tally: Tally | undefined,
): Promise<AnnotatedObject[]> {
  const size = sizeOf(file);
  const found: AnnotatedObject[] = [];
  for (const object of file.objects('objects')) {
    const className = object.text('classTitle');
    // Old projects say the kind only in meta.json. There 'any' leaves it to each object.
    const kind = object.optionalText('geometryType') ?? shapes.get(className);
    if (kind === undefined || kind === 'any') throw object.wrong('geometryType', 'a kind of shape, such as polygon');
    const used = USED.get(kind);
    if (used === undefined) {
      tally?.skip(LEFT_OUT.get(kind) ?? kind);
      continue;
    }
    if (used === 'box') tally?.useBox();
    else tally?.use(used);
    tally?.object(className);
    found.push({className, where: object.name, parts: await partsOf(object, kind, size, tally !== undefined)});
  }
  return found;
}

async function partsOf(object: Fields, kind: string, size: Size, isOnlyChecked: boolean): Promise<Part[]> {
  if (kind === 'rectangle') return [{boxAround: rectangleOf(object.object('points'))}];
  if (kind === 'polygon') return [{rings: ringsOf(object.object('points'))}];
  if (kind === 'multipolygon') return object.objects('parts').map((part) => ({rings: ringsOf(part)}));
  const bitmap = object.object('bitmap');
  const data = bitmap.text('data');
  const [left = NaN, top = NaN] = bitmap.numbers('origin');
  if (!Number.isSafeInteger(left) || !Number.isSafeInteger(top)) throw bitmap.wrong('origin', 'a pixel [x, y]');
  if (isOnlyChecked) return [];
  return [{bitmap: await unpack(Buffer.from(data, 'base64'), {bitmap, left, top, size})}];
}

/** Two opposite corners. Whole numbers are pixels that belong to the rectangle, both included (sly.Rectangle). */
function rectangleOf(points: Fields): Ring {
  const [x0, y0, x1, y1] = boundsOf(ringOf(points.points('exterior')));
  const last = [x0, y0, x1, y1].every(Number.isInteger) ? 1 : 0;
  return rectangleRing(x0, y0, x1 + last, y1 + last);
}

/** The outline and the holes. */
function ringsOf(points: Fields): Ring[] {
  const exterior = points.points('exterior');
  const interior = points.has('interior') ? points.list('interior') : [];
  const lists = new Fields(points.file, {...interior}, `${points.name}.interior`);
  // A hole of fewer than three points has no pixels.
  const holes = lists.keys.map((key) => lists.points(key)).filter(({length}) => length > 2);
  const rings = [exterior, ...holes];
  // Exports have whole numbers: those of the pixel that the point lies in. The editor's own coordinates, in which (0,
  // 0) is a corner, are rounded down for them, and half a pixel is added when they are imported again (Supervisely's
  // developer portal, 'Coordinate system'; sly.Geometry). Polygons that were not rounded are corners already.
  const isRounded = rings.flat(2).every(Number.isInteger);
  const shift = isRounded ? 0.5 : 0;
  return rings.map((ring) => ringOf(ring.map(([x, y]) => [x + shift, y + shift])));
}

/** Unpacks the base64 of a zlib stream of a PNG, or of a PNG in old projects. */
async function unpack(
  packed: Buffer,
  {bitmap, left, top, size}: {bitmap: Fields; left: number; top: number; size: Size},
): Promise<InstanceMask> {
  const name = `The mask of ${bitmap.name} in ${bitmap.file}`;
  // A PNG is at most a little larger than its pixels. More is a small file that unpacks to fill the memory.
  const maxOutputLength = Math.min(MOST_BYTES, (1 << 16) + 5 * size.width * size.height);
  const png =
    detectFormat(packed) === 'png'
      ? packed
      : await promisify(inflate)(packed, {maxOutputLength}).catch((cause: Error) => {
          throw new MaskRcnnError('INVALID_MASK', `${name} must be a PNG in zlib in base64: ${cause.message}.`, {
            file: bitmap.file,
            cause,
          });
        });
  return alphaBitmap(png, {left, top, most: size, name});
}
