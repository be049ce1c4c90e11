import {readFile} from 'node:fs/promises';
import {extname} from 'node:path';
import {mapConcurrently} from '../../../basics/concurrently.js';
import {Turn} from '../../../basics/turns.js';
import {count} from '../../../basics/wording.js';
import {readJsonArrays} from '../../coco/json-arrays.js';
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
import {ringOf} from '../outlines.js';
import {isImageName, type Place, readJson} from '../place.js';

/** QuPath's kinds of objects that divide the image, also by their names in versions 0.2 and 0.3. */
const NO_OBJECTS: Readonly<Record<string, string>> = {
  root: 'root',
  PathRootObject: 'root',
  tile: 'tile',
  PathTileObject: 'tile',
  tmaCore: 'TMA core',
  tma_core: 'TMA core',
  TMACoreObject: 'TMA core',
};
const WITHOUT_AREA: Readonly<Record<string, string>> = {
  Point: 'point',
  MultiPoint: 'point',
  LineString: 'line',
  MultiLineString: 'line',
};

const FILES_AT_ONCE = 8;

/**
 * One GeoJSON file beside each image, as QuPath exports it. Its coordinates are pixels of the full resolution, and (0,
 * 0) is the corner of the image.
 */
export const geojson: Format = {
  name: 'GeoJSON',
  key: 'geojson',
  looks: 'a NAME.geojson of QuPath for each image',
  async recognise(place) {
    const files = await filesOf(place);
    if (files.length === 0) return undefined;
    return {
      seen: count(files.length, 'GeoJSON file'),
      splits: [],
      read: (options) => read(place, files, options),
    };
  },
};

async function filesOf(place: Place): Promise<readonly string[]> {
  return [...(await place.whose('.geojson', isGeojson)), ...(await place.whose('.json', isGeojson))];
}

/** The type comes first in QuPath's objects, and the geometry before measurements. */
function isGeojson(head: string): boolean {
  return /^\uFEFF?\s*[[{]/.test(head) && /"type"\s*:\s*"Feature(Collection)?"/.test(head);
}

async function read(place: Place, names: readonly string[], {images: folder}: ReaderOptions): Promise<Annotations> {
  const finder = await ImageFinder.in(folder ?? place.folder);
  const tally = new Tally();
  const images = await mapConcurrently(names.length, FILES_AT_ONCE, async (i): Promise<AnnotatedImage> => {
    const path = place.pathOf(names[i]!);
    tally.add((await objectsIn(path)).tally);
    const stem = names[i]!.slice(0, -extname(names[i]!).length);
    return {
      file: isImageName(stem) ? finder.find(stem) : finder.named(stem),
      sources: [path],
      objects: async () => (await objectsIn(path)).objects,
    };
  });
  refuseDoubled(images);
  return {images, classes: occurringClasses(tally), tally};
}

/** The objects of a file: a collection, a list of features or a single one. */
async function objectsIn(path: string): Promise<Found> {
  return (await objectsInPieces(path)) ?? objectsOf(await featuresAtOnce(path));
}

/**
 * A slide's cells are 100 MB and more, which would hold the event loop, and so would the garbage collector if all of
 * them were there as JSON at the same time. Undefined if the file is of another form.
 */
async function objectsInPieces(path: string): Promise<Found | undefined> {
  const all: Found = {objects: [], tally: new Tally()};
  let features = 0;
  try {
    const keys = await readJsonArrays(path, ['', 'features'], async (elements) => {
      await objectsOf(
        elements.map(({value}) => new Fields(path, value, `features[${features++}]`)),
        all,
      );
    });
    return keys.has('features') || keys.has('') ? all : undefined;
  } catch {
    return undefined; // told, or mended, by who reads it at once
  }
}

async function featuresAtOnce(path: string): Promise<Fields[]> {
  const content = await readJson(path).catch((error) => withoutNaN(path, error));
  if (Array.isArray(content)) return new Fields(path, {features: content}).objects('features');
  const file = new Fields(path, content);
  return file.raw('type') === 'Feature' ? [file] : file.objects('features');
}

/** QuPath before 0.5 wrote measurements that are not finite as NaN, which is no JSON (qupath/qupath#1293). */
async function withoutNaN(path: string, error: unknown): Promise<unknown> {
  const text = (await readFile(path, 'utf8').catch(() => '')).replace(/^\uFEFF/, '');
  if (!/NaN|Infinity/.test(text)) throw error;
  try {
    return JSON.parse(text.replace(/([:,[]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g, '$1null'));
  } catch {
    throw error;
  }
}

type Found = {objects: AnnotatedObject[]; tally: Tally};

/** The objects of features, added to `found`. */
async function objectsOf(
  features: readonly Fields[],
  found: Found = {objects: [], tally: new Tally()},
): Promise<Found> {
  const {objects, tally} = found;
  // A slide may have hundreds of thousands of cells.
  const turn = new Turn();
  const rest = [...features].reverse();
  for (let feature = rest.pop(); feature !== undefined; feature = rest.pop()) {
    if (turn.isOver()) await turn.next();
    const properties = feature.has('properties') ? feature.object('properties') : undefined;
    // An export of the hierarchy has objects inside objects, in any depth.
    const children = properties?.has('childObjects') ? properties.objects('childObjects') : [];
    for (const child of children.reverse()) rest.push(child);
    if (feature.has('nucleusGeometry')) tally.skip('nucleus');
    const {kind, parts} = shapeOf(feature, properties);
    if (parts.length === 0) {
      if (kind !== 'root') tally.skip(kind);
      continue;
    }
    const className = properties && classOf(properties);
    tally.use(kind);
    tally.object(className);
    objects.push({className, where: feature.name || 'the feature', parts});
  }
  return found;
}

/** What a feature is, and its parts; none if it is no object. */
type Shape = {kind: string; parts: readonly Part[]};

function shapeOf(feature: Fields, properties: Fields | undefined): Shape {
  const type = String(properties?.raw('objectType') ?? properties?.raw('object_type') ?? feature.raw('id'));
  if (Object.hasOwn(NO_OBJECTS, type)) return {kind: NO_OBJECTS[type]!, parts: []};
  if (!feature.has('geometry')) return {kind: 'feature without a geometry', parts: []};
  const geometry = feature.object('geometry');
  if (geometry.has('plane')) {
    const plane = geometry.object('plane');
    // Both count from 0. Of a stack, only the first image is read.
    const [z, time] = [plane.optionalNumber('z') ?? 0, plane.optionalNumber('t') ?? 0];
    if (z > 0 || time > 0) return {kind: 'object on another slice', parts: []};
  }
  return partsOf(geometry, /* inCollection */ false);
}

function partsOf(geometry: Fields, inCollection: boolean): Shape {
  const type = geometry.text('type');
  if (Object.hasOwn(WITHOUT_AREA, type)) return {kind: WITHOUT_AREA[type]!, parts: []};
  if (type === 'Polygon') {
    const kind = geometry.raw('isEllipse') === true ? 'ellipse' : 'polygon';
    return shapeFrom(kind, [ringsOf(geometry, 'coordinates', geometry.raw('coordinates'))]);
  }
  if (type === 'MultiPolygon') {
    const polygons = geometry.list('coordinates');
    return shapeFrom(
      'polygon',
      polygons.map((polygon, i) => ringsOf(geometry, `coordinates[${i}]`, polygon)),
    );
  }
  // RFC 7946 advises against collections inside collections, which could be of any depth.
  if (type !== 'GeometryCollection') throw geometry.wrong('type', 'Polygon or another geometry of GeoJSON');
  if (inCollection) throw geometry.wrong('type', 'a geometry that is no collection');
  const members = geometry.objects('geometries').map((member) => partsOf(member, /* inCollection */ true));
  const parts = members.flatMap((member) => member.parts);
  return {kind: parts.length > 0 ? 'polygon' : (members[0]?.kind ?? 'empty collection'), parts};
}

function shapeFrom(kind: string, polygons: readonly Ring[][]): Shape {
  const parts = polygons.filter((rings) => rings.length > 0).map((rings) => ({rings}));
  return {kind: parts.length > 0 ? kind : `empty ${kind}`, parts};
}

/** The outline of a polygon and its holes. `name`: of the polygon in the geometry. */
function ringsOf({file, name: parent}: Fields, name: string, polygon: unknown): Ring[] {
  return new Fields(file, {[name]: polygon}, parent).list(name).map((ring, i) => {
    const key = `${name}[${i}]`;
    return ringOf(new Fields(file, {[key]: ring}, parent).points(key));
  });
}

/** The names of derived classes are joined as QuPath shows them: 'Tumor: Positive'. */
function classOf(properties: Fields): string | undefined {
  if (!properties.has('classification')) return undefined;
  if (typeof properties.raw('classification') === 'string') return properties.text('classification');
  const classification = properties.object('classification');
  if (classification.has('names')) {
    const names = classification.list('names');
    if (!names.every((name) => typeof name === 'string')) throw classification.wrong('names', 'a list of strings');
    return names.join(': ');
  }
  const names: string[] = [];
  // Before version 0.4.
  for (let part: Fields | undefined = classification; part !== undefined; ) {
    if (part.has('name')) names.push(part.text('name'));
    part = part.has('parentClass') ? part.object('parentClass') : undefined;
  }
  return names.length === 0 ? undefined : names.reverse().join(': ');
}
