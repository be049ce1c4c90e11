import {readdir} from 'node:fs/promises';
import {basename, extname, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {count} from '../basics/wording.js';
import {globMatcher} from '../files/glob.js';
import {isPredictionName, LABELS_SUFFIX, predictedImage} from '../files/prediction-names.js';
import {IMAGE_EXTENSIONS} from '../image/format.js';
import {describeMisplaced, IMAGE_FOLDERS, MASK_FOLDERS} from './misplaced.js';
import {NPY} from './read-mask-file.js';

/** What the user says about the places of images and masks. */
export type FolderLayout = {
  layout: 'auto' | 'pairs' | 'folders';
  imageFolder: string | undefined;
  maskFolder: string | undefined;
  maskSuffix: string | undefined;
  include: readonly string[] | undefined;
  exclude: readonly string[];
};

/** An image and its mask. `name` is the image's file name without extension. */
export type ImagePair = {name: string; image: string; mask: string};

/** What a mask's name has after that of its image. GlaS: `_anno`, Penn-Fudan: `_mask`, Cellpose: `_cp_masks`. */
export const MASK_SUFFIXES: readonly string[] = ['_anno', '_mask', '_cp_masks'];
/** Cellpose's own file, which has the masks among other things. */
const CELLPOSE_SEG = /_seg\.npy$/i;
/** The figure that Cellpose writes beside the masks. */
const CELLPOSE_FIGURE = '_cp_output';
const PREDICTIONS = 'The pictures of `maskrcnn predict`, NAME_overlay and NAME_labels, are no images.';

/** Sorts train_2 before train_10, in the same order on every machine. */
const collator = new Intl.Collator('en', {numeric: true});
export const naturalOrder = (a: string, b: string) => collator.compare(a, b) || (a < b ? -1 : 1);

/**
 * Finds the images of a folder and the mask of each, in natural order. Throws INVALID_DATASET for an image without a
 * mask, a mask without an image, two files that could be the same image, or if no image is left.
 */
export async function scanFolder(folder: string, options: FolderLayout): Promise<ImagePair[]> {
  const names = await list(folder);
  const subfolders = findSubfolders(folder, names, options);
  const imageFolder = subfolders?.images ?? folder;
  const maskFolder = subfolders?.masks ?? folder;
  const imageFiles = subfolders ? await list(imageFolder) : names;
  const maskFiles = subfolders ? await list(maskFolder) : names;
  const excluded = options.exclude.map(globMatcher);
  const kept = (stem: string, name: string) => !excluded.some((matches) => matches(stem) || matches(name));
  const suffixes =
    options.maskSuffix === undefined
      ? maskSuffixes(maskFiles, subfolders ? ['', ...MASK_SUFFIXES] : MASK_SUFFIXES, kept)
      : [options.maskSuffix];
  const isMask = (stem: string) => subfolders === undefined && suffixes.some((suffix) => stem.endsWith(suffix));

  const masks = byStem(
    maskFolder,
    maskFiles,
    (stem, name) => (subfolders !== undefined || isMask(stem)) && kept(stem, name),
    subfolders === undefined ? IMAGE_EXTENSIONS : [...IMAGE_EXTENSIONS, NPY.slice(1)],
  );
  const maskOf = (stem: string) => suffixes.map((suffix) => stem + suffix).find((candidate) => masks.has(candidate));
  const segs = options.maskSuffix === undefined ? segFiles(maskFolder, maskFiles) : new Map<string, string>();
  const stems = new Set(imageFiles.map(stemOfImage));
  const isPrediction = (stem: string, name: string) => {
    const of = predictedImage(name);
    const own = maskOf(stem);
    // A mask of the same name is a prediction too if the image is there that both are made of.
    return of !== undefined && (own === undefined || (own === stem && stems.has(of)));
  };
  const isFigure = (stem: string) =>
    stem.endsWith(CELLPOSE_FIGURE) && stems.has(stem.slice(0, -CELLPOSE_FIGURE.length));
  const images = byStem(
    imageFolder,
    imageFiles,
    (stem, name) => !isMask(stem) && !isPrediction(stem, name) && !isFigure(stem) && kept(stem, name),
  );
  if (images.size === 0 || masks.size + segs.size === 0) {
    const {found, hint: layouts} = await describeMisplaced(folder, {
      images: [...images.keys()],
      masks: [...masks.keys()],
    });
    const hint = imageFiles.some(isPredictionName) ? `${layouts} ${PREDICTIONS}` : layouts;
    throw invalid(folder, `${folder} must hold images with instance masks, got ${found}`, hint);
  }

  const isWanted = wanted(options);
  const pairs: ImagePair[] = [];
  const unused = new Set(masks.keys());
  for (const [name, image] of [...images].sort(([a], [b]) => naturalOrder(a, b))) {
    const maskName = maskOf(name);
    if (maskName !== undefined) unused.delete(maskName);
    if (!isWanted(name, image)) continue;
    const mask = maskName === undefined ? segs.get(name) : masks.get(maskName);
    if (mask === undefined) {
      const tried = suffixes.map((suffix) => `${name}${suffix}.*`).join(' or ');
      throw invalid(image, `${image} has no mask: ${tried} is not in ${maskFolder}`, 'Leave it out with `exclude`.');
    }
    pairs.push({name, image, mask});
  }
  for (const stem of [...unused].sort(naturalOrder)) {
    const mask = masks.get(stem)!;
    if (isPredictionName(mask) && !suffixes.some((suffix) => suffix !== '' && stem.endsWith(suffix))) continue;
    const name = suffixes
      .filter((suffix) => stem.endsWith(suffix))
      .map((suffix) => stem.slice(0, stem.length - suffix.length));
    if ([stem, ...name].every((candidate) => isWanted(candidate, mask))) {
      throw invalid(mask, `${mask} is a mask without an image in ${imageFolder}`, 'Leave it out with `exclude`.');
    }
  }
  if (pairs.length === 0) {
    const examples = [...images.keys()].sort(naturalOrder).slice(0, 3).join(', ');
    const pattern = JSON.stringify(options.include ?? options.exclude);
    throw invalid(
      folder,
      `${pattern} leaves none of the ${count(images.size, 'image')} of ${folder}`,
      `They are called ${examples}, …`,
    );
  }
  return pairs;
}

/**
 * The suffixes that masks have among the files `names`: the `usual` ones, and that of the label masks of
 * `maskrcnn predict` if there are no other masks. Beside other masks they are predictions to compare with them.
 */
function maskSuffixes(
  names: readonly string[],
  usual: readonly string[],
  kept: (stem: string, name: string) => boolean,
): readonly string[] {
  const isTruth = (name: string) => {
    const stem = stemOfImage(name);
    if (stem === undefined || isPredictionName(name)) return false;
    return kept(stem, name) && usual.some((suffix) => stem.endsWith(suffix));
  };
  return names.some(isTruth) ? usual : [...usual, LABELS_SUFFIX];
}

function findSubfolders(
  folder: string,
  names: string[],
  {layout, imageFolder, maskFolder}: FolderLayout,
): {images: string; masks: string} | undefined {
  const named = (candidates: string[]) => {
    const found = candidates.flatMap((candidate) => names.filter((name) => name.toLowerCase() === candidate))[0];
    return found === undefined ? undefined : join(folder, found);
  };
  const within = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));
  if (layout === 'pairs') return undefined;
  const images = within(imageFolder) ?? named(IMAGE_FOLDERS);
  const masks = within(maskFolder) ?? named(MASK_FOLDERS);
  if (images !== undefined && masks !== undefined) return {images, masks};
  if (layout === 'folders' || imageFolder !== undefined || maskFolder !== undefined) {
    const missing =
      images === undefined ? `images (${IMAGE_FOLDERS.join(', ')})` : `masks (${MASK_FOLDERS.join(', ')})`;
    throw invalid(folder, `${folder} has no folder of ${missing}`, 'Name it with `imageFolder` or `maskFolder`.');
  }
  return undefined;
}

async function list(folder: string): Promise<string[]> {
  try {
    // Names that begin with a dot are not the user's: macOS writes ._NAME.bmp next to NAME.bmp.
    return (await readdir(folder)).filter((name) => !name.startsWith('.'));
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such folder' : 'it is not a readable folder';
    throw new MaskRcnnError('INVALID_DATASET', `${folder} cannot be read: ${reason}.`, {file: folder, cause});
  }
}

/**
 * Paths of the accepted files, by their names without extension. Throws INVALID_DATASET if two have the same
 * name.
 */
function byStem(
  folder: string,
  names: string[],
  accepts: (stem: string, name: string) => boolean,
  extensions: readonly string[] = IMAGE_EXTENSIONS,
): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of names.toSorted(naturalOrder)) {
    const stem = stemWith(extensions, name);
    if (stem === undefined || CELLPOSE_SEG.test(name) || !accepts(stem, name)) continue;
    const path = join(folder, name);
    const other = files.get(stem);
    if (other !== undefined) {
      throw invalid(
        path,
        `${other} and ${path} differ only in their extension`,
        'Keep one of them, or leave one out with `exclude`.',
      );
    }
    files.set(stem, path);
  }
  return files;
}

/** Paths of Cellpose's files by the names of their images. */
function segFiles(folder: string, names: readonly string[]): Map<string, string> {
  const segs = names.filter((name) => CELLPOSE_SEG.test(name));
  return new Map(segs.map((name) => [name.replace(CELLPOSE_SEG, ''), join(folder, name)]));
}

/** `name` without its extension, or undefined if that is not one of images. */
function stemOfImage(name: string): string | undefined {
  return stemWith(IMAGE_EXTENSIONS, name);
}

function stemWith(extensions: readonly string[], name: string): string | undefined {
  const extension = extname(name);
  return extensions.includes(extension.slice(1).toLowerCase()) ? basename(name, extension) : undefined;
}

/** A test for the patterns of `include` and `exclude`. They may match the name with or without its extension. */
function wanted({include, exclude}: FolderLayout): (name: string, path: string) => boolean {
  const included = include?.map(globMatcher);
  const excluded = exclude.map(globMatcher);
  return (name, path) => {
    const matches = (pattern: (name: string) => boolean) => pattern(name) || pattern(basename(path));
    return (included === undefined || included.some(matches)) && !excluded.some(matches);
  };
}

function invalid(file: string, message: string, hint: string): MaskRcnnError {
  return new MaskRcnnError('INVALID_DATASET', `${message}.`, {file, hint});
}
