import type {Dirent} from 'node:fs';
import {open, readdir} from 'node:fs/promises';
import {extname, join} from 'node:path';
import {count} from '../basics/wording.js';
import {IMAGE_EXTENSIONS} from '../image/format.js';

/** Names of folders that usually hold the images or the masks of a data set. */
export const IMAGE_FOLDERS = ['images', 'image', 'imgs', 'img', 'pngimages', 'jpegimages'];
export const MASK_FOLDERS = ['masks', 'mask', 'pedmasks', 'annotations', 'labels', 'segmentationobject'];

const LAYOUTS =
  'Expected NAME.bmp beside NAME_anno.bmp (or NAME_mask), or folders images/ and masks/ with the same names (with or without _mask).';

const MOST_FOLDERS = 20;

/** What a folder without pairs of images and masks holds besides them, and a hint on what may have been meant. */
export async function describeMisplaced(
  folder: string,
  {images, masks}: {images: readonly string[]; masks: readonly string[]},
): Promise<{found: string; hint: string}> {
  const entries = await entriesOf(folder);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({name}) => name);
  const [json] = entries.map(({name}) => name).filter((name) => extname(name).toLowerCase() === '.json');
  const found = [
    `${count(images.length, 'image')} and ${count(masks.length, 'mask')}`,
    ...(folders.length === 0 ? [] : [`${count(folders.length, 'folder')} (${listed(folders)})`]),
    ...(json === undefined ? [] : [json]),
  ].join(', ');
  return {found, hint: await hintFor(folder, {images, folders, json})};
}

async function hintFor(
  folder: string,
  {images, folders, json}: {images: readonly string[]; folders: readonly string[]; json: string | undefined},
): Promise<string> {
  if (json !== undefined) {
    return `If ${json} has annotations in COCO format, open ${join(folder, json)}, with the folder of its images as \`images\`.`;
  }
  if (images.length > 0) {
    const suffix = commonSuffix(images);
    return suffix === undefined
      ? 'If the masks are elsewhere, name their folder with `maskFolder`; if their names end otherwise, with `maskSuffix`.'
      : `If NAME${suffix} is the mask of NAME, set \`maskSuffix\` to ${suffix}.`;
  }
  const usual = folders.some((name) => [...IMAGE_FOLDERS, ...MASK_FOLDERS].includes(name.toLowerCase()));
  if (usual) return 'Name the two folders with `imageFolder` and `maskFolder`.';
  for (const name of folders.slice(0, MOST_FOLDERS)) {
    const inside = await entriesOf(join(folder, name));
    if (inside.some((entry) => isImage(entry.name) || IMAGE_FOLDERS.includes(entry.name.toLowerCase()))) {
      return `Perhaps ${join(folder, name)} was meant: it has images.`;
    }
  }
  return LAYOUTS;
}

/** The ending, such as _seg, that turns most names into the name of another one; undefined if there is none. */
function commonSuffix(stems: readonly string[]): string | undefined {
  const known = new Set(stems);
  const votes = new Map<string, number>();
  for (const stem of stems) {
    for (let length = stem.lastIndexOf('_'); length > 0; length = stem.lastIndexOf('_', length - 1)) {
      const suffix = stem.slice(length);
      if (known.has(stem.slice(0, length))) votes.set(suffix, (votes.get(suffix) ?? 0) + 1);
    }
  }
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function isImage(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extname(name).slice(1).toLowerCase());
}

function listed(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')}, …`;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, {withFileTypes: true}).catch(() => []);
  return entries.filter(({name}) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The beginning of a JSON file is enough to tell which program wrote it. */
const HEAD_BYTES = 1 << 16;

/** A hint on a JSON file that is not in COCO format. */
export async function describeForeignJson(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const {buffer, bytesRead} = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.toString('utf8', 0, bytesRead);
    if (/"_via_\w+"|"shape_attributes"/.test(head)) {
      return 'It looks like a file of VGG Image Annotator (VIA), which `openDataset()` reads.';
    }
    if (/"shapes"|"imagePath"/.test(head)) {
      return 'It looks like a file of LabelMe, which is for one image. `openDataset()` reads it, and the folder with all of them.';
    }
    return 'An instances file of COCO has images, annotations and categories.';
  } finally {
    await handle.close();
  }
}
