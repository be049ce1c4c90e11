import type {Stats} from 'node:fs';
import {access, open, stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {listOf, type Schema, text} from '../basics/schema.js';
import {COCO_OPTIONS, Coco} from '../datasets/coco/coco.js';
import type {Dataset} from '../datasets/dataset.js';
import {MASK_FOLDER_OPTIONS, MaskFolder} from '../datasets/mask-folder.js';
import {VOC_OPTIONS, VocSegmentation} from '../datasets/voc-segmentation.js';
import {detectFormat} from '../image/format.js';
import {docComments, optionHelp} from './option-help.js';

/** A data set as given on the command line: its path and the options of its kind. */
export type DataSpec = {path: string} & Record<string, unknown>;

/** The options of all kinds of data sets. */
export const DATA_OPTIONS: Schema = {
  ...MASK_FOLDER_OPTIONS,
  ...COCO_OPTIONS,
  ...VOC_OPTIONS,
  classes: listOf(text, {min: 1}),
};

const DEFAULT_CLASS = 'object';

export const DATA_HELP = `DATA is one of
  - a folder of images and masks with one number per object: NAME.png next to NAME_anno.png, or images/ and masks/
  - an instances JSON file in COCO format
  - a folder in Pascal VOC format`;

/** The help for `DATA_OPTIONS`, by kind of data set. */
export function dataOptionsHelp(): string {
  const maskFolder = docComments('datasets/mask-folder', 'MaskFolderOptions');
  maskFolder.set('classes', `${maskFolder.get('classes')} Default '${DEFAULT_CLASS}'.`);
  return `Options of DATA. Write an array as a,b or [a, b]. Options for a folder of images and masks:

${optionHelp(MASK_FOLDER_OPTIONS, maskFolder)}

Options for COCO format:

${optionHelp(COCO_OPTIONS, docComments('datasets/coco/coco', 'CocoOptions'))}

Options for Pascal VOC format:

${optionHelp(VOC_OPTIONS, docComments('datasets/voc-segmentation', 'VocOptions'))}`;
}

/** The kinds of data sets, each with its options. */
const KINDS = {
  folder: {what: 'a folder of images and masks', options: MASK_FOLDER_OPTIONS},
  coco: {what: 'an annotation file in COCO format', options: COCO_OPTIONS},
  voc: {what: 'a folder in Pascal VOC format', options: VOC_OPTIONS},
};

const VOC_LISTS = join('ImageSets', 'Segmentation');

/** What is at `path`. Throws INVALID_DATASET if there is nothing. */
export async function requireThere(path: string): Promise<Stats> {
  return stat(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read: ${cause.message}`;
    throw new MaskRcnnError('INVALID_DATASET', `${path} ${why}.`, {file: path, cause});
  });
}

/** Throws INVALID_DATASET if the file is an image, by its content. */
async function requireNoImage(path: string): Promise<void> {
  // A file that cannot be read is told by whoever reads it.
  const handle = await open(path).catch(() => undefined);
  const head = await handle?.read(Buffer.alloc(16), 0, 16, 0).finally(() => handle.close());
  if (head === undefined || detectFormat(head.buffer) === undefined) return;
  throw new MaskRcnnError('INVALID_DATASET', `${path} is a single image, and DATA must be a data set.`, {
    file: path,
    hint: 'DATA is a folder of images and masks, an annotation file in COCO format, or a folder in Pascal VOC format.',
  });
}

/**
 * Opens the data set at `spec.path` and detects its kind. The objects of a folder of masks are of `defaultClass` if its
 * options name no class. Throws INVALID_OPTION, INVALID_DATASET.
 */
export async function openData({path, ...options}: DataSpec, defaultClass = DEFAULT_CLASS): Promise<Dataset> {
  const there = await requireThere(path);
  const hasLists = (await stat(join(path, VOC_LISTS)).catch(() => undefined)) !== undefined;
  const kind = there.isFile() ? 'coco' : hasLists ? 'voc' : 'folder';
  refuseOthers(options, kind, path);
  if (kind === 'coco') {
    await requireNoImage(path);
    return Coco.open(path, options);
  }
  if (kind === 'voc') return VocSegmentation.open(path, options);
  return MaskFolder.open(path, {classes: [defaultClass], ...options});
}

/** Throws INVALID_OPTION if one of `options` is for another kind of data set. */
function refuseOthers(options: Record<string, unknown>, kind: keyof typeof KINDS, path: string): void {
  for (const name of Object.keys(options)) {
    const owners = Object.values(KINDS).filter((each) => Object.hasOwn(each.options, name));
    if (owners.length === 0 || owners.includes(KINDS[kind])) continue;
    throw new MaskRcnnError('INVALID_OPTION', `\`${name}\` is not for ${path}, which is ${KINDS[kind].what}.`, {
      file: path,
      hint: `It is for ${owners.map(({what}) => what).join(' and ')}.`,
    });
  }
}

/** Of so many images the first is looked for: one that is missing is a fault of the data set, not of the folder. */
const LOOKED_FOR = 8;

/**
 * Like `openData()`, for commands that read the images. Throws INVALID_DATASET if those of an annotation file are in
 * another folder, instead of one error for each image.
 */
export async function openImages(spec: DataSpec, defaultClass?: string): Promise<Dataset> {
  const data = await openData(spec, defaultClass);
  if (!(data instanceof Coco) || data.length === 0) return data;
  const folder = (spec.images as string | undefined) ?? dirname(spec.path);
  const names = data.images.slice(0, LOOKED_FOR).map(({fileName}) => fileName);
  const there = await Promise.all(
    names.map((name) =>
      access(join(folder, name)).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (there.some(Boolean)) return data;
  await requireThere(folder);
  throw new MaskRcnnError('INVALID_DATASET', `${spec.path} has the image ${names[0]}, which is not in ${folder}.`, {
    file: spec.path,
    hint: 'Name the folder of the images with `images`.',
  });
}

/** Splits `options` into those of a data set and the others. */
export function partDataOptions(options: Record<string, unknown>) {
  const entries = Object.entries(options);
  return {
    data: Object.fromEntries(entries.filter(([name]) => Object.hasOwn(DATA_OPTIONS, name))),
    others: Object.fromEntries(entries.filter(([name]) => !Object.hasOwn(DATA_OPTIONS, name))),
  };
}
