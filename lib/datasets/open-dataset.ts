import {access, open} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, listOf, oneOf, required, type Schema, text} from '../basics/schema.js';
import {closest, listed} from '../basics/wording.js';
import {detectFormat} from '../image/format.js';
import {AnnotatedImages, DEFAULT_CLASS} from './annotated/annotated-images.js';
import type {AnnotatedOptions} from './annotated/annotated-options.js';
import {Place} from './annotated/place.js';
import {isSplitName} from './annotated/split-names.js';
import {Coco} from './coco/coco.js';
import type {CocoOptions} from './coco/coco-options.js';
import type {Dataset} from './dataset.js';
import {coco, KNOWN_FORMATS, type KnownFormat, maskFolder, type Recognised} from './known-formats.js';
import type {MaskFolderOptions} from './mask-folder-options.js';
import type {VocOptions} from './voc-segmentation.js';

/** Options of `openDataset()`: its own, and those of the kind of data set that is at the path. */
export type OpenDatasetOptions = {
  /**
   * The kind of data set, needed only if there are several at the path: masks, coco, yolo, labelme, via, cvat,
   * label-studio, supervisely, geojson, imagej, mask-files or voc. Default: recognise it.
   */
  format?: string;
  /** The part of a data set that is split, such as 'train' or 'valid'. Required if there are several. */
  split?: string;
  /** Name of the class of objects whose annotations name none, as in masks. Default 'object'. */
  defaultClass?: string;
  /** VGG Image Annotator: the attribute of regions that names their class. Needed only if there are several. */
  attribute?: string;
} & AnnotatedOptions &
  CocoOptions &
  VocOptions &
  Partial<MaskFolderOptions>;

const OWN_OPTIONS: Schema = {format: oneOf(...KNOWN_FORMATS.map(({key}) => key)), split: text, defaultClass: text};

/** The options of all kinds of data sets. */
export const DATASET_OPTIONS: Schema = {
  ...Object.assign({}, ...KNOWN_FORMATS.map(({options}) => options)),
  ...OWN_OPTIONS,
  classes: listOf(text, {min: 1}),
};

/** A data set that was recognised: where it is, its kind, and its parts if it is split. */
export type FoundDataset = {
  path: string;
  /** Name of its kind, such as 'LabelMe'. */
  format: string;
  splits: readonly string[];
  /** Opens the whole, or one split. Throws INVALID_OPTION, INVALID_DATASET. */
  open(split?: string): Promise<Dataset>;
};

type Match = Recognised & {path: string; format: KnownFormat};

/** Folders that are part of a data set, not the data set. */
const INNER_FOLDERS = ['images', 'labels', 'img', 'ann', 'annotations', 'masks', 'jpegimages'];

const MOST_FOLDERS = 50;

/**
 * Opens the data set at a path, a file or a folder: images with masks, COCO (Roboflow's too), YOLO, LabelMe, VGG Image
 * Annotator, CVAT, Label Studio, Supervisely, QuPath's GeoJSON, ImageJ's ROIs or Pascal VOC. It looks one folder lower
 * or higher if only one data set is there. Throws INVALID_OPTION for options that are not for this kind, and
 * INVALID_DATASET if nothing or several kinds are recognised, or if the annotations are malformed.
 */
export async function openDataset(path: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  const {split} = options;
  return (await findDataset(path, options)).open(split);
}

/** Recognises the data set at `path` without reading it. Throws as `openDataset()` does. */
export async function findDataset(path: string, options: OpenDatasetOptions = {}): Promise<FoundDataset> {
  checkOptions({path}, {path: required(text)}, 'openDataset');
  checkOptions(options, DATASET_OPTIONS, 'openDataset');
  const {format: wanted, split: _, defaultClass = DEFAULT_CLASS, ...others} = options as Record<string, unknown>;
  const place = await Place.at(path);
  await requireNoImage(place);
  const formats = wanted === undefined ? KNOWN_FORMATS : KNOWN_FORMATS.filter(({key}) => key === wanted);
  const match = choose(await matchesNear(place, formats), others, path) ?? fallback(place, wanted);
  refuseForeign(others, match.format, path);
  return {
    path: match.path,
    format: match.format.name,
    splits: match.splits,
    open: async (split = onlyOne(match.splits)) => {
      checkSplit(match, split);
      return match.open(others, split, defaultClass as string);
    },
  };
}

async function matchesAt(place: Place, formats: readonly KnownFormat[]): Promise<Match[]> {
  const found = await Promise.all(
    formats.map(async (format) => {
      const recognised = await format.recognise(place);
      return recognised === undefined ? [] : [{...recognised, path: place.path, format}];
    }),
  );
  return found.flat();
}

/** At the place; if there is nothing, one folder lower, and then one higher. */
async function matchesNear(place: Place, formats: readonly KnownFormat[]): Promise<Match[]> {
  const here = await matchesAt(place, formats);
  if (here.length > 0 || place.isFile) return here;
  const below = await Promise.all(
    place.folders.slice(0, MOST_FOLDERS).map(async (name) => ({
      name,
      matches: await matchesAt(await place.inside(name), formats),
    })),
  );
  const filled = below.filter(({matches}) => matches.length > 0);
  const split = splitOf(place, filled);
  if (split !== undefined) return [split];
  if (filled.length > 0) return filled.flatMap(({matches}) => matches);
  if (!INNER_FOLDERS.includes(basename(place.path).toLowerCase())) return [];
  return matchesAt(await Place.at(dirname(place.path)), formats);
}

/** Folders train/, valid/ ... of one kind are the splits of one data set. */
function splitOf(place: Place, filled: readonly {name: string; matches: readonly Match[]}[]): Match | undefined {
  const parts = filled.filter(({name}) => isSplitName(name));
  const [first] = parts[0]?.matches ?? [];
  if (first === undefined || parts.length < filled.length) return undefined;
  const same = parts.every(({matches}) => matches.length === 1 && matches[0]!.format === first.format);
  if (!same || parts.some(({matches}) => matches[0]!.splits.length > 0)) return undefined;
  return {
    path: place.path,
    format: first.format,
    seen: parts.map(({name}) => join(place.path, name)).join(', '),
    splits: parts.map(({name}) => name),
    open: (options, split, defaultClass) =>
      parts.find(({name}) => name === split)!.matches[0]!.open(options, undefined, defaultClass),
  };
}

/** The only match, or the only one that takes all options. Throws INVALID_DATASET if several are left. */
function choose(matches: readonly Match[], options: Record<string, unknown>, path: string): Match | undefined {
  if (matches.length <= 1) return matches[0];
  const fitting = matches.filter(({format}) =>
    Object.keys(options).every((name) => Object.hasOwn(format.options, name)),
  );
  const kinds = new Set(matches.map(({format}) => format));
  if (fitting.length === 1 && kinds.size > 1) return fitting[0];
  const seen = matches.map((match) => `  ${match.format.name}: ${match.seen}, in ${match.path}`).slice(0, 10);
  const keys = [...kinds].map(({key}) => `'${key}'`).join(' or ');
  throw new MaskRcnnError(
    'INVALID_DATASET',
    `${path} must hold one data set, got ${matches.length}:\n${seen.join('\n')}`,
    {
      file: path,
      hint: kinds.size > 1 ? `Choose one with \`format\`: ${keys}.` : 'Open one of these folders.',
    },
  );
}

/** A JSON file is taken for COCO and a folder for masks: their errors say what is missing. */
function fallback(place: Place, wanted: unknown): Match {
  const format = KNOWN_FORMATS.find(({key}) => key === wanted) ?? (place.isFile ? coco : maskFolder);
  const {path} = place;
  const {force, looks} = format;
  if (force === undefined) throw new MaskRcnnError('INVALID_DATASET', `${path} must be ${looks}.`, {file: path});
  return {path, format, seen: '', splits: [], open: (options, __, defaultClass) => force(path, options, defaultClass)};
}

/** Throws INVALID_OPTION if one of `options` is for another kind of data set. */
function refuseForeign(options: Record<string, unknown>, format: KnownFormat, path: string): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(format.options, name)) continue;
    const owners = KNOWN_FORMATS.filter((each) => Object.hasOwn(each.options, name)).map((each) => each.name);
    throw new MaskRcnnError('INVALID_OPTION', `\`${name}\` is not for ${path}, which is ${format.name}.`, {
      file: path,
      hint: `It is for ${listed(owners)}.`,
    });
  }
}

function onlyOne(splits: readonly string[]): string | undefined {
  return splits.length === 1 ? splits[0] : undefined;
}

function checkSplit({splits, path}: Match, split: string | undefined): void {
  if (split === undefined && splits.length === 0) return;
  if (split !== undefined && splits.includes(split)) return;
  const names = splits.map((name) => `'${name}'`).join(', ');
  if (splits.length === 0) {
    throw new MaskRcnnError('INVALID_OPTION', `\`split\` must not be given for ${path}, which is not split.`, {
      file: path,
    });
  }
  const near = split === undefined ? undefined : closest(split, splits);
  const got = split === undefined ? 'none' : `'${split}'`;
  throw new MaskRcnnError('INVALID_OPTION', `\`split\` must be one of ${names} of ${path}, got ${got}.`, {
    file: path,
    ...(near !== undefined && {hint: `Did you mean '${near}'?`}),
  });
}

/** Throws INVALID_DATASET if the file is an image, by its content. */
async function requireNoImage({isFile, path}: Place): Promise<void> {
  if (!isFile) return;
  // A file that cannot be read is told by whoever reads it.
  const handle = await open(path).catch(() => undefined);
  const head = await handle?.read(Buffer.alloc(16), 0, 16, 0).finally(() => handle.close());
  if (head === undefined || detectFormat(head.buffer) === undefined) return;
  throw new MaskRcnnError('INVALID_DATASET', `${path} is a single image, and must be a data set.`, {
    file: path,
    hint: 'A data set is a folder of images and masks, or the annotations of a tool with their images.',
  });
}

/** Of so many images the first is looked for: one that is missing is a fault of the data set, not of the folder. */
const LOOKED_FOR = 8;

/**
 * Throws INVALID_DATASET if none of the first images of an annotation file is there: they are in another folder, and
 * otherwise each of them would be an error.
 */
export async function requireImages(data: Dataset, path: string): Promise<void> {
  if (!(data instanceof Coco || data instanceof AnnotatedImages) || data.length === 0) return;
  const files = Array.from({length: Math.min(LOOKED_FOR, data.length)}, (_, index) => data.sources(index)[0]!);
  const isThere = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );
  if ((await Promise.all(files.map(isThere))).some(Boolean)) return;
  const folder = dirname(files[0]!);
  if (!(await isThere(folder))) throw new MaskRcnnError('INVALID_DATASET', `${folder} does not exist.`, {file: folder});
  throw new MaskRcnnError(
    'INVALID_DATASET',
    `${path} has the image ${basename(files[0]!)}, which is not in ${folder}.`,
    {
      file: path,
      hint: 'Name the folder of the images with `images`.',
    },
  );
}
