import {mapConcurrently} from '../../../basics/concurrently.js';
import {Turn} from '../../../basics/turns.js';
import {readJsonMembers} from '../../coco/json-arrays.js';
import {
  type AnnotatedImage,
  type AnnotatedObject,
  type Annotations,
  occurringClasses,
  type Ring,
  Tally,
} from '../annotations.js';
import {refuseDoubled} from '../doubled-images.js';
import {Fields} from '../fields.js';
import type {Format, ReaderOptions} from '../format.js';
import {ImageFinder} from '../image-finder.js';
import {imageOf} from '../image-of.js';
import {type Place, readJson} from '../place.js';
import {type Attribute, type Attributed, classAttribute, classOf} from './via-classes.js';
import {namedShape, numberedShape, type Shape} from './via-shapes.js';

type Region = Attributed & {ring: Ring};

type ViaImage = {name: string; regions: Region[]};

type Project = {images: readonly ViaImage[]; attributes: ReadonlyMap<string, Attribute>};

const FILES_AT_ONCE = 8;

/** VIA 3's numbers for a file that is an image, not video or audio, and for an attribute of checkboxes. */
const [IMAGE_FILE, CHECKBOXES] = [2, 2];

/** One JSON file for all images: the regions that VIA 1 and 2 export, or a project of VIA 2 or 3. */
export const via: Format = {
  name: 'VGG Image Annotator',
  key: 'via',
  looks: 'a JSON file of VGG Image Annotator, regions or project, with its images beside it',
  async recognise(place) {
    const files = await place.whose('.json', isVia);
    if (files.length === 0) return undefined;
    return {
      seen: files.length === 1 ? files[0]! : `${files.length} JSON files of VGG Image Annotator`,
      splits: [],
      read: (options) => read(place, files, options),
    };
  },
};

function isVia(head: string): boolean {
  const has = (...names: readonly string[]) => names.some((name) => new RegExp(`"${name}"\\s*:`).test(head));
  return (
    (has('filename') && has('shape_attributes', 'file_attributes', 'base64_img_data')) ||
    has('_via_img_metadata', '_via_settings', '_via_attributes') ||
    (has('vid_list') && has('data_format_version'))
  );
}

async function read(place: Place, names: readonly string[], options: ReaderOptions): Promise<Annotations> {
  const path = place.onlyOne(names, 'JSON file of VGG Image Annotator');
  const file = new Fields(path, (await contentInPieces(path)) ?? (await readJson(path)));
  const tally = new Tally();
  const isVia3 = file.has('metadata') && file.has('view');
  const {images, attributes} = await (isVia3 ? readVia3(file, tally) : readVia2(file, tally));
  const attribute = await classAttribute(images, options.attribute, path);
  const folder = options.images ?? place.folder;
  const finder = await ImageFinder.in(folder);
  const turn = new Turn();
  const found = await mapConcurrently(images.length, FILES_AT_ONCE, async (i): Promise<AnnotatedImage> => {
    if (turn.isOver()) await turn.next();
    const objects = images[i]!.regions.map((region) => {
      const name = attribute === undefined ? undefined : classOf(region, attribute, attributes.get(attribute), path);
      tally.object(name);
      return {className: name, where: region.where, parts: [{rings: [region.ring]}]};
    });
    return imageWith(objects, await imageOf(images[i]!.name, folder, finder), path);
  });
  refuseDoubled(found);
  return {images: found, classes: occurringClasses(tally), tally};
}

/** The members whose own members are read one by one: those of a project of VIA 2, and those of VIA 3. */
const MAPS = ['_via_img_metadata', 'attribute', 'file', 'view', 'metadata'];

/**
 * What JSON.parse() would make of a file, read image by image, or region by region of VIA 3: a large file would hold
 * the event loop. Of a project, only objects are read. Undefined if the file is damaged or of another form, which who
 * reads it at once tells.
 */
async function contentInPieces(path: string): Promise<unknown> {
  const content = new Map<string, unknown>();
  const maps = new Map(MAPS.map((key) => [key, new Map<string, unknown>()]));
  const found = await readJsonMembers(path, MAPS, (elements) => {
    for (const {key, member, value} of elements) (maps.get(key) ?? content).set(member!, value);
  }).catch(() => undefined);
  if (found === undefined) return undefined;
  const {objects, others} = found;
  const isProject = objects.has('_via_img_metadata') || (objects.has('metadata') && objects.has('view'));
  const isKnown = isProject ? [...others].every((key) => !MAPS.includes(key)) : others.size === 0;
  if (!isKnown) return undefined;
  for (const [key, members] of maps) if (objects.has(key)) content.set(key, Object.fromEntries(members));
  return Object.fromEntries(content);
}

/** In a function of its own, so that no more than the objects stays in memory. */
function imageWith(objects: readonly AnnotatedObject[], file: string, path: string): AnnotatedImage {
  return {file, sources: [path], objects: async () => objects};
}

/** VIA 2's regions or project, or VIA 1's regions, which stand in a map from their numbers. */
async function readVia2(file: Fields, tally: Tally): Promise<Project> {
  const isProject = file.has('_via_img_metadata');
  const metadata = isProject ? file.object('_via_img_metadata') : file;
  const images: ViaImage[] = [];
  const turn = new Turn();
  for (const key of metadata.keys) {
    const image = metadata.object(key);
    const regions: Region[] = [];
    for (const region of membersOf(image, 'regions')) {
      if (turn.isOver()) await turn.next();
      const shape = namedShape(region.object('shape_attributes'));
      regions.push(...regionOf(region.name, shape, valuesIn(region, 'region_attributes'), tally));
    }
    images.push({name: image.text('filename'), regions});
  }
  const declared = isProject && file.has('_via_attributes') ? file.object('_via_attributes') : undefined;
  const attributes = declared?.has('region') ? membersOf(declared, 'region') : [];
  const named = attributes.map((attribute): [string, Attribute] => {
    // The id of an option is its name, except a mere number, as of imported COCO categories: these are described.
    const options = [...optionsOf(attribute)].filter(([id]) => /^\d+$/.test(id));
    return [attribute.name.slice('_via_attributes.region.'.length), {options: new Map(options), isList: false}];
  });
  return {images, attributes: new Map(named)};
}

/** A project of VIA 3: metadata belong to views, and views to files. */
async function readVia3(file: Fields, tally: Tally): Promise<Project> {
  const names = new Map<string, string>();
  const attributes = new Map<string, Attribute>();
  const declared = file.has('attribute') ? file.object('attribute') : undefined;
  for (const id of declared?.keys ?? []) {
    const attribute = declared!.object(id);
    const name = attribute.text('aname');
    names.set(id, name);
    attributes.set(name, {options: optionsOf(attribute), isList: attribute.raw('type') === CHECKBOXES});
  }
  const images = new Map<string, ViaImage>();
  const files = file.object('file');
  for (const id of files.keys) {
    const each = files.object(id);
    const isImage = (each.optionalNumber('type') ?? IMAGE_FILE) === IMAGE_FILE;
    if (isImage) images.set(id, {name: each.text('fname'), regions: []});
  }
  const views = file.object('view');
  const turn = new Turn();
  for (const metadata of membersOf(file, 'metadata')) {
    if (turn.isOver()) await turn.next();
    const shape = numberedShape(metadata);
    // What has no shape is about a whole file, or a time in a video.
    if (shape === undefined) continue;
    const vid = idOf(metadata.raw('vid'));
    if (vid === undefined) throw metadata.wrong('vid', 'the id of a view');
    const shown = views.object(vid).list('fid_list');
    const image = images.get(idOf(shown[0]) ?? '');
    if (image === undefined || shown.length > 1) {
      tally.skip(image === undefined ? 'region of a video' : 'region of several files');
      continue;
    }
    const values = new Map([...valuesIn(metadata, 'av')].map(([id, value]) => [names.get(id) ?? id, value]));
    image.regions.push(...regionOf(metadata.name, shape, values, tally));
  }
  return {images: [...images.values()], attributes};
}

/** Counts a region. Empty for one without an area. */
function regionOf(where: string, {kind, ring}: Shape, values: Attributed['values'], tally: Tally): Region[] {
  if (ring === undefined) tally.skip(kind);
  else tally.use(kind);
  return ring === undefined ? [] : [{where, ring, values}];
}

/** The objects of a list or a map. */
function membersOf(fields: Fields, key: string): Fields[] {
  if (!fields.has(key)) return [];
  if (Array.isArray(fields.raw(key))) return fields.objects(key);
  const map = fields.object(key);
  return map.keys.map((name) => map.object(name));
}

function valuesIn(fields: Fields, key: string): Map<string, unknown> {
  const map = fields.has(key) ? fields.object(key) : undefined;
  return new Map((map?.keys ?? []).map((name) => [name, map!.raw(name)]));
}

function optionsOf(attribute: Fields): Map<string, string> {
  const options = attribute.has('options') ? attribute.object('options') : undefined;
  return new Map((options?.keys ?? []).map((id) => [id, options!.optionalText(id) ?? '']));
}

/** An id, which may be text or a number. */
function idOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
