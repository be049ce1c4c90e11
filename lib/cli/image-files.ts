import {readdir, stat} from 'node:fs/promises';
import {basename, dirname, extname, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {MASK_SUFFIXES, naturalOrder} from '../datasets/folder-scan.js';
import {globMatcher} from '../files/glob.js';
import {isPredictionName} from '../files/prediction-names.js';
import {IMAGE_EXTENSIONS} from '../image/format.js';

/** An image to read. `below` is its folder, relative to the folder that was given; '' otherwise. */
export type ListedImage = {file: string; below: string};

export type ImageList = {
  images: ListedImage[];
  /** Pictures that are no images to predict on: those that this package writes, and masks. */
  leftOut: string[];
  /** Images in subfolders that were not searched, one of each folder that was given. */
  deeper: string[];
};

/** The files that one input names, as in `ImageList`. */
type Found = {images: ListedImage[]; leftOut: string[]; deeper?: string};

/** Pictures of a training run are beside its metrics and in these folders; those of an evaluation beside its curves. */
const RUN_FILE = 'metrics.jsonl';
const RUN_FOLDERS: readonly string[] = ['batches', 'validation'];
const EVALUATION_FILE = 'precision-recall.svg';

/**
 * The images that `inputs` name, without duplicates. An input is a file, a folder (its images; `recursive`: those of
 * its subfolders too), or a path whose last part is a pattern that the shell has not expanded (`scans/*.png`). Files
 * whose names begin with a dot are left out of folders. Throws INVALID_OPTION if an input matches nothing, or if no
 * image is left.
 */
export async function listImages(inputs: readonly string[], recursive = false): Promise<ImageList> {
  const found = await Promise.all(inputs.map((input) => resolveInput(input, recursive)));
  const isEmpty = found.every(({images}) => images.length === 0);
  for (const {input, images, leftOut, ...rest} of found) {
    // The shell may have expanded a pattern to images and to pictures made of them.
    if (images.length === 0 && (isEmpty || leftOut.length === 0)) throw noImage({input, leftOut, ...rest});
  }
  const byPath = new Map<string, ListedImage>();
  // Keep the first spelling of a path: messages and results name the image by it.
  for (const image of found.flatMap(({images}) => images)) {
    if (!byPath.has(resolve(image.file))) byPath.set(resolve(image.file), image);
  }
  return {
    images: [...byPath.values()],
    leftOut: found.flatMap(({leftOut}) => leftOut),
    deeper: found.flatMap(({deeper}) => deeper ?? []),
  };
}

type Resolved = Found & {input: string; isFolder: boolean};

async function resolveInput(input: string, recursive: boolean): Promise<Resolved> {
  const there = await stat(input).catch(() => undefined);
  const isFolder = there?.isDirectory() ?? false;
  const found = isFolder ? await inFolder(input, recursive) : await matching(input, there?.isFile() ?? false);
  return {...found, input, isFolder};
}

function noImage({input, isFolder, leftOut, deeper}: Omit<Resolved, 'images'>): MaskRcnnError {
  const hint = () => {
    if (deeper !== undefined) return `Its subfolders hold images, such as ${deeper}: pass --recursive.`;
    if (leftOut.length > 0) {
      return `${leftOut[0]} is a mask, or a picture that maskrcnn writes, by its name. Rename it if it is an image.`;
    }
    return isFolder ? `Looked for ${IMAGE_EXTENSIONS.join(', ')}.` : undefined;
  };
  const said = hint();
  const isNothing = !isFolder && leftOut.length === 0;
  const nothing = /[*?[{]/.test(basename(input)) ? `No file matches ${input}.` : `${input} does not exist.`;
  const other = isFolder ? `${input} must hold images, and has none.` : `${input} must be an image to predict on.`;
  return new MaskRcnnError('INVALID_OPTION', isNothing ? nothing : other, {
    file: input,
    ...(said !== undefined && {hint: said}),
  });
}

/** A file, or the files that a pattern matches. */
async function matching(input: string, isFile: boolean): Promise<Found> {
  const matches = globMatcher(basename(input));
  const names = isFile ? [] : await readdir(dirname(input)).catch(() => []);
  const files = isFile
    ? [input]
    : names
        .filter(matches)
        .sort(naturalOrder)
        .map((name) => join(dirname(input), name));
  return {
    images: files.filter((file) => !isPredictionName(file)).map((file) => ({file, below: ''})),
    leftOut: files.filter(isPredictionName),
  };
}

async function inFolder(folder: string, recursive: boolean): Promise<Found> {
  const found: Found = {images: [], leftOut: []};
  for await (const {below, images, leftOut} of walk(folder)) {
    const listed = images.map((name) => ({file: join(folder, below, name), below}));
    if (below === '' || recursive) {
      found.images.push(...listed);
      found.leftOut.push(...leftOut.map((name) => join(folder, below, name)));
    } else if (listed.length > 0) {
      return {...found, deeper: listed[0]!.file};
    }
  }
  return found;
}

type Level = {below: string; images: string[]; leftOut: string[]};

/** The images of a folder and of its subfolders, in natural order. Links to folders are not followed. */
async function* walk(folder: string, below = ''): AsyncGenerator<Level> {
  const here = join(folder, below);
  const entries = await readdir(here, {withFileTypes: true}).catch(() => []);
  const visible = entries
    // macOS writes ._NAME.png beside NAME.png.
    .filter(({name}) => !name.startsWith('.'))
    .sort((a, b) => naturalOrder(a.name, b.name));
  const names = visible.filter((entry) => !entry.isDirectory()).map(({name}) => name);
  const images = names.filter((name) => IMAGE_EXTENSIONS.includes(extname(name).slice(1).toLowerCase()));
  const isPicture = await ownPictures(here, names, images);
  yield {
    below,
    images: images.filter((name) => !isPicture(name)),
    leftOut: images.filter(isPicture),
  };
  for (const entry of visible) if (entry.isDirectory()) yield* walk(folder, join(below, entry.name));
}

/** Which of the `images` among the files `names` of a folder are written by this package, or masks of others. */
async function ownPictures(
  folder: string,
  names: readonly string[],
  images: readonly string[],
): Promise<(name: string) => boolean> {
  const isOfRun = RUN_FOLDERS.includes(basename(resolve(folder))) && (await exists(join(folder, '..', RUN_FILE)));
  if (isOfRun || names.includes(RUN_FILE) || names.includes(EVALUATION_FILE)) return () => true;
  const stems = new Set(images.map(stemOf));
  const isMask = (name: string) =>
    MASK_SUFFIXES.some((suffix) => stemOf(name).endsWith(suffix) && stems.has(stemOf(name).slice(0, -suffix.length)));
  return (name) => isPredictionName(name) || isMask(name);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function stemOf(name: string): string {
  return basename(name, extname(name));
}
