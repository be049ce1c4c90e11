import {opendir, readFile} from 'node:fs/promises';
import {basename, dirname, extname, join, relative, resolve, sep} from 'node:path';
import {parse} from 'yaml';
import {mapConcurrently} from '../../../basics/concurrently.js';
import {MaskRcnnError} from '../../../basics/errors.js';
import {listed, show} from '../../../basics/wording.js';
import {fullSize} from '../../../image/regions/open-regions.js';
import {naturalOrder} from '../../folder-scan.js';
import {type AnnotatedImage, type AnnotatedObject, type Annotations, Tally} from '../annotations.js';
import {refuseDoubled} from '../doubled-images.js';
import {Fields} from '../fields.js';
import type {Format, Recognised} from '../format.js';
import {ImageFinder} from '../image-finder.js';
import {isThere} from '../image-of.js';
import {isImageName, type Place} from '../place.js';

const SPLITS = ['train', 'val', 'valid', 'test'];

const FILES_AT_ONCE = 8;

/** The names of thousands of classes fit. */
const MAX_CONFIG = 1 << 20;

/** An image and where its label file would be. */
type Sample = {image: string; label: string};

/** The names of classes by their index. */
type Names = ReadonlyMap<number, string>;

/**
 * Ultralytics YOLO: a text file in `labels` for each image in `images`, with a row of a class index and the points of
 * one polygon for each object. Its coordinates are fractions of width and height, (0, 0) is the corner of the image.
 */
export const yolo: Format = {
  name: 'YOLO',
  key: 'yolo',
  looks: 'a data.yaml of Ultralytics YOLO, or folders images and labels with a classes.txt',
  async recognise(place) {
    const yaml = await yamlOf(place);
    if (yaml !== undefined) return recogniseYaml(place, yaml);
    if (!place.files.includes('classes.txt') || !['images', 'labels'].every((name) => place.folders.includes(name))) {
      return undefined;
    }
    const labels = await filesIn(join(place.path, 'labels'), isLabelName);
    if (labels.length === 0) return undefined;
    return {
      seen: 'folders images and labels with classes.txt',
      splits: [],
      async read({images, page}) {
        const lines = (await readText(place.pathOf('classes.txt'))).split('\n').map((line) => line.trim());
        const names = new Map(lines.flatMap((name, i) => (name === '' ? [] : [[i, name]])));
        return read(await samplesIn(join(place.path, 'images')), names, {images, page});
      },
    };
  },
};

/** The configuration of YOLO: data.yaml, or the first with another name. */
async function yamlOf(place: Place): Promise<string | undefined> {
  const configs = [...(await place.whose('.yaml', isConfig)), ...(await place.whose('.yml', isConfig))];
  return configs.find((name) => name === 'data.yaml') ?? configs[0];
}

function isConfig(head: string): boolean {
  return /^["']?names["']?\s*:/m.test(head) && /^["']?(train|val|valid|test)["']?\s*:/m.test(head);
}

async function recogniseYaml(place: Place, name: string): Promise<Recognised> {
  const file = place.pathOf(name);
  let config: Config;
  try {
    config = await readConfig(file);
  } catch (error) {
    return {seen: name, splits: [], read: () => Promise.reject(error)};
  }
  const {names, splits} = config;
  const there = [...splits].filter(([, paths]) => paths.some(({found}) => found !== undefined)).map(([key]) => key);
  return {
    seen: `${name} of YOLO`,
    splits: there,
    async read({images, page}, split) {
      const every = there.length > 0 ? there : [...splits.keys()];
      const all = (split === undefined ? every : [split]).flatMap((key) => splits.get(key) ?? []);
      const missing = all.filter(({found}) => found === undefined).map(({written}) => `'${written}'`);
      if (missing.length > 0 || all.length === 0) {
        const got = missing.length > 0 ? listed(missing) : 'none';
        const message = `${file} must name folders or lists of images that are there, got ${got}.`;
        throw new MaskRcnnError('INVALID_DATASET', message, {file});
      }
      const samples = await mapConcurrently(all.length, 1, async (i) => {
        const path = all[i]!.found!;
        return extname(path) === '.txt' ? samplesListed(path, config.roots) : samplesIn(path);
      });
      return read(samples.flat(), names, {images, page});
    },
  };
}

type Config = {
  names: Names;
  /** Folders to which paths are relative. */
  roots: readonly string[];
  /** The paths of each split as they are written, and where they were found. */
  splits: ReadonlyMap<string, readonly {written: string; found: string | undefined}[]>;
};

async function readConfig(file: string): Promise<Config> {
  let value: unknown;
  const text = await readText(file);
  if (text.length > MAX_CONFIG) {
    throw new MaskRcnnError('INVALID_DATASET', `${file} must have ${MAX_CONFIG} characters at most.`, {file});
  }
  try {
    value = parse(text, {logLevel: 'error'});
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]!.replace(/[.:]$/, '');
    throw new MaskRcnnError('INVALID_DATASET', `${file} must be a YAML file: ${reason}.`, {file, cause});
  }
  const fields = new Fields(file, value);
  // Their rows have a box and points that are no outline.
  if (fields.has('kpt_shape')) throw fields.wrong('kpt_shape', 'missing, as objects with key points have no masks');
  const folder = resolve(dirname(file));
  // Ultralytics looks for a relative `path` in its own folder of data sets, so it may be wrong here.
  const roots = [...new Set([resolve(folder, fields.optionalText('path') ?? ''), folder])];
  const keys = SPLITS.filter((key) => fields.has(key));
  const splits = await mapConcurrently(keys.length, 1, async (i) => {
    const written = pathsOf(fields, keys[i]!);
    const found = await mapConcurrently(written.length, FILES_AT_ONCE, (j) => locate(written[j]!, roots));
    for (const path of found) requireBelow(path, dirname(folder), fields, keys[i]!);
    return [keys[i]!, written.map((path, j) => ({written: path, found: found[j]}))] as const;
  });
  return {names: namesOf(fields), roots, splits: new Map(splits)};
}

/** Throws INVALID_DATASET for a folder around `parent`, such as /: all of its files would be looked through. */
function requireBelow(path: string | undefined, parent: string, fields: Fields, key: string): void {
  if (path === undefined || path === parent || !`${parent}${sep}`.startsWith(path.endsWith(sep) ? path : path + sep))
    return;
  throw fields.wrong(key, 'a folder of images, not one around the folder of the data set');
}

function pathsOf(fields: Fields, key: string): string[] {
  const value = fields.raw(key);
  const paths: unknown[] = Array.isArray(value) ? value : [value];
  if (!paths.every((path) => typeof path === 'string')) throw fields.wrong(key, 'a path or a list of paths');
  return paths.filter((path) => path !== '');
}

/** `names` is a list, or a map from indices. */
function namesOf(fields: Fields): Names {
  const list = fields.raw('names');
  const map = Array.isArray(list) ? new Fields(fields.file, {...list}, 'names') : fields.object('names');
  const names = map.keys.map((key): [number, string] => {
    const [index, name] = [Number(key), map.raw(key)];
    const isName = typeof name === 'string' || typeof name === 'number';
    if (!isName || !Number.isSafeInteger(index) || index < 0) throw fields.wrong('names', 'names of classes by index');
    return [index, String(name)];
  });
  return new Map(names.sort(([a], [b]) => a - b));
}

/**
 * Where a path of the configuration leads. Roboflow writes ../train/images for the folder train beside data.yaml, and
 * exports from other machines have absolute paths, so the ends of a path are tried too.
 */
async function locate(written: string, roots: readonly string[]): Promise<string | undefined> {
  const names = written.split(/[\\/]+/).filter((name) => !['', '.', '..'].includes(name));
  const ends = [names, ...[4, 3, 2].filter((n) => n < names.length).map((n) => names.slice(-n))];
  const candidates = [
    ...roots.map((root) => resolve(root, written)),
    ...ends.flatMap((end) => roots.map((root) => join(root, ...end))),
  ];
  for (const path of candidates) if ((await isThere(path)) || (await isThere(labelOf(path)))) return path;
  return undefined;
}

/** …/images/a.jpg -> …/labels/a.txt. The last folder of that name counts, as in Ultralytics. */
function labelOf(image: string): string {
  const label = movedTo('labels', 'images', image);
  return isImageName(label) ? `${label.slice(0, -extname(label).length)}.txt` : label;
}

function movedTo(folder: string, from: string, path: string): string {
  const names = path.split(sep);
  const at = names.lastIndexOf(from);
  return at === -1 ? path : names.with(at, folder).join(sep);
}

function isLabelName(name: string): boolean {
  return name.endsWith('.txt') && basename(name) !== 'classes.txt';
}

/** Paths of those files in a folder and its folders that are wanted, in natural order. Without a folder, none. */
async function filesIn(folder: string, isWanted: (name: string) => boolean): Promise<string[]> {
  const files: string[] = [];
  const entries = await opendir(folder, {recursive: true}).catch(() => []);
  for await (const {name, parentPath} of entries) if (isWanted(name)) files.push(join(parentPath, name));
  return files.sort(naturalOrder);
}

/** The images of a folder, and those that have labels but are not there. */
async function samplesIn(folder: string): Promise<Sample[]> {
  const images = await filesIn(folder, isImageName);
  const samples = images.map((image) => ({image, label: labelOf(image)}));
  const labelFolder = labelOf(folder);
  if (labelFolder === folder) return samples;
  const known = new Set(samples.map(({label}) => label));
  const others = (await filesIn(labelFolder, isLabelName)).filter((label) => !known.has(label));
  const absent = others.map((label) => ({image: join(folder, relative(labelFolder, label).slice(0, -4)), label}));
  return [...samples, ...absent];
}

/** The images of a list, one path a line. */
async function samplesListed(list: string, roots: readonly string[]): Promise<Sample[]> {
  const lines = (await readText(list)).split('\n').map((line) => line.trim());
  const paths = lines.filter((line) => line !== '');
  const folders = [...new Set([dirname(list), ...roots])];
  return mapConcurrently(paths.length, FILES_AT_ONCE, async (i) => {
    const image = (await locate(paths[i]!, folders)) ?? resolve(folders[0]!, paths[i]!);
    return {image, label: labelOf(image)};
  });
}

async function read(
  samples: readonly Sample[],
  names: Names,
  {images: folder, page = 0}: {images: string | undefined; page: number | undefined},
): Promise<Annotations> {
  const finder = folder === undefined ? undefined : await ImageFinder.in(folder);
  const tally = new Tally();
  // Small data sets often train and validate on the same images.
  const different = [...new Map(samples.map((sample) => [sample.image, sample])).values()];
  const images = await mapConcurrently(different.length, FILES_AT_ONCE, async (i): Promise<AnnotatedImage> => {
    const {image, label} = different[i]!;
    const file = finder === undefined ? image : imageIn(finder, basename(image));
    // Without labels, an image has no objects.
    if (!(await isThere(label))) return {file, sources: [], objects: async () => []};
    for (const {className, numbers} of await rowsOf(label, names)) {
      if (numbers.length === BOX) tally.useBox();
      else tally.use('polygon');
      tally.object(className);
    }
    return {file, sources: [label], objects: async () => objectsOf(await rowsOf(label, names), {file, page})};
  });
  refuseDoubled(images);
  return {images, classes: [...new Set(names.values())], tally};
}

function imageIn(finder: ImageFinder, name: string): string {
  return isImageName(name) ? finder.find(name) : finder.named(name);
}

async function objectsOf(rows: readonly Row[], {file, page}: {file: string; page: number}): Promise<AnnotatedObject[]> {
  if (rows.length === 0) return [];
  const {width, height} = await fullSize(file, {page});
  return rows.map(({line, className, numbers}) => {
    const isBox = numbers.length === BOX;
    const ring = Float64Array.from(isBox ? cornersOf(numbers) : numbers, (n, i) => n * (i % 2 === 0 ? width : height));
    return {className, where: `line ${line}`, parts: [isBox ? {boxAround: ring} : {rings: [ring]}]};
  });
}

/** Two opposite corners of a box of centre, width and height. */
function cornersOf([x = 0, y = 0, width = 0, height = 0]: readonly number[]): number[] {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

/** A row with so many numbers after the class is a box: its centre, width and height. */
const BOX = 4;

type Row = {line: number; className: string; numbers: readonly number[]};

async function rowsOf(file: string, names: Names): Promise<Row[]> {
  const lines = (await readText(file)).split('\n');
  return lines.flatMap((text, i) => (text.trim() === '' ? [] : [rowOf(text, i + 1, names, file)]));
}

function rowOf(text: string, line: number, names: Names, file: string): Row {
  const fault = (expected: string, got: string) =>
    new MaskRcnnError('INVALID_DATASET', `Line ${line} of ${file} must ${expected}, got ${got}.`, {file});
  const words = text.trim().split(/\s+/);
  const [index, ...numbers] = words.map(Number);
  const className = names.get(index!);
  if (className === undefined) {
    throw fault(`begin with the index of a class, ${listed([...names.keys()].map(String), 10)}`, show(words[0]));
  }
  if (numbers.length % 2 !== 0) throw fault('have two numbers for each point', `${numbers.length} after the class`);
  // Tools that cut images write points a little outside, but pixels are a mistake.
  const wrong = numbers.findIndex((number) => !(number >= -1 && number <= 2));
  if (wrong !== -1) throw fault('have fractions of width and height', show(words[wrong + 1]));
  return {line, className, numbers};
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MaskRcnnError('INVALID_DATASET', `${file} cannot be read: ${(cause as Error).message}.`, {file, cause});
  }
}
