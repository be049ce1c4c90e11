import type {Schema} from '../basics/schema.js';
import {COCO_OPTIONS} from '../datasets/coco/coco-options.js';
import type {Dataset} from '../datasets/dataset.js';
import {KNOWN_FORMATS} from '../datasets/known-formats.js';
import {MASK_FOLDER_OPTIONS} from '../datasets/mask-folder-options.js';
import {DATASET_OPTIONS, findDataset, requireImages} from '../datasets/open-dataset.js';
import {VOC_OPTIONS} from '../datasets/voc-segmentation.js';
import {PIXEL_OPTIONS} from '../image/pixel-options.js';
import {docComments, optionHelp} from './option-help.js';

/** A data set as given on the command line: its path and the options of its kind. */
export type DataSpec = {path: string} & Record<string, unknown>;

/** The options of all kinds of data sets. */
export const DATA_OPTIONS: Schema = DATASET_OPTIONS;

const KINDS = KNOWN_FORMATS.map(({looks}) => `  - ${looks}`).join('\n');

export const DATA_HELP = `DATA is one of
${KINDS}
Add --format if there are several.`;

/** The same for the command that writes DATA in another format. Its --format is that of what it writes. */
export const FROM_HELP = `FROM is one of
${KINDS}
Add --from-format if there are several.`;

/** The options of FROM: those of DATA, with --from-format for --format. */
export const FROM_OPTIONS: Schema = renamed(DATA_OPTIONS);

/** The options that all annotation tools' formats have, and those of the choice among formats. */
const TOOL_OPTIONS: Schema = Object.fromEntries(
  ['format', 'split', 'defaultClass', 'attribute', 'images', 'classes', 'faulty'].map((name) => [
    name,
    DATASET_OPTIONS[name]!,
  ]),
);

const without = (schema: Schema, others: Schema): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => !Object.hasOwn(others, name)));

const withoutPixels = (schema: Schema) => without(schema, PIXEL_OPTIONS);

function renamed(schema: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([name, rule]) => [name === 'format' ? 'fromFormat' : name, rule]),
  );
}

/** The options that are not among those of all tools. */
const besides = (schema: Schema) => withoutPixels(without(schema, TOOL_OPTIONS));

/** The help for the options that say how image files are read. */
export function pixelsHelp(): string {
  return optionHelp(PIXEL_OPTIONS, docComments('image/pixel-options', 'PixelOptions'));
}

/** The help for `DATA_OPTIONS`, or for `FROM_OPTIONS` if `of` is FROM, by kind of data set. */
export function dataOptionsHelp(of: 'DATA' | 'FROM' = 'DATA'): string {
  const tools = new Map([
    ...docComments('datasets/annotated/format', 'ReaderOptions'),
    ...docComments('datasets/annotated/annotated-options', 'AnnotatedOptions'),
    ...docComments('datasets/open-dataset', 'OpenDatasetOptions'),
  ]);
  if (of === 'FROM') tools.set('fromFormat', tools.get('format')!);
  const [own, all] = of === 'DATA' ? [TOOL_OPTIONS, DATA_OPTIONS] : [renamed(TOOL_OPTIONS), FROM_OPTIONS];
  return `Options of ${of}. Write an array as a,b or [a, b]. How image files are read, for all kinds:

${pixelsHelp()}

Options for all kinds and for annotation tools' formats:

${optionHelp(own, tools, all)}

Options for a folder of images and masks:

${optionHelp(withoutPixels(MASK_FOLDER_OPTIONS), docComments('datasets/mask-folder-options', 'MaskFolderOptions'))}

More for COCO format:

${optionHelp(besides(COCO_OPTIONS), docComments('datasets/coco/coco-options', 'CocoOptions'))}

For Pascal VOC format:

${optionHelp(besides(VOC_OPTIONS), docComments('datasets/voc-segmentation', 'VocOptions'))}`;
}

/**
 * Opens the data set at `spec.path`. Objects without a class are of `defaultClass` unless the options say otherwise.
 * Throws INVALID_OPTION, INVALID_DATASET.
 */
export async function openData({path, split, ...options}: DataSpec, defaultClass?: string): Promise<Dataset> {
  const all = {...(defaultClass !== undefined && {defaultClass}), ...options};
  return (await findDataset(path, all)).open(split as string | undefined);
}

/** Like `openData()`, for commands that read the images. Throws INVALID_DATASET if they are in another folder. */
export async function openImages(spec: DataSpec, defaultClass?: string): Promise<Dataset> {
  const data = await openData(spec, defaultClass);
  await requireImages(data, spec.path);
  return data;
}

/** Splits `options` into those of a data set and the others. */
export function partDataOptions(options: Record<string, unknown>) {
  const entries = Object.entries(options);
  return {
    data: Object.fromEntries(entries.filter(([name]) => Object.hasOwn(DATA_OPTIONS, name))),
    others: Object.fromEntries(entries.filter(([name]) => !Object.hasOwn(DATA_OPTIONS, name))),
  };
}
