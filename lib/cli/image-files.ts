import {readdir, stat} from 'node:fs/promises';
import {basename, dirname, extname, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {naturalOrder} from '../datasets/folder-scan.js';
import {globMatcher} from '../files/glob.js';
import {IMAGE_EXTENSIONS} from '../image/format.js';

/**
 * The images that `inputs` name, without duplicates. An input is a file, a folder (its images, without subfolders), or
 * a path whose last part is a pattern that the shell has not expanded (`scans/*.png`). Throws INVALID_OPTION if an
 * input matches no image.
 */
export async function listImages(inputs: readonly string[]): Promise<string[]> {
  const files = (await Promise.all(inputs.map(resolveInput))).flat();
  const byPath = new Map<string, string>();
  // Keep the first spelling of a path: messages and results name the image by it.
  for (const file of files) if (!byPath.has(resolve(file))) byPath.set(resolve(file), file);
  return [...byPath.values()];
}

async function resolveInput(input: string): Promise<string[]> {
  const there = await stat(input).catch(() => undefined);
  if (there?.isFile()) return [input];
  const isFolder = there?.isDirectory() ?? false;
  const folder = isFolder ? input : dirname(input);
  const matches = isFolder ? undefined : globMatcher(basename(input));
  const names = await readdir(folder).catch(() => []);
  const files = names
    .filter((name) => (matches === undefined ? isImageName(name) : matches(name)))
    .sort(naturalOrder)
    .map((name) => join(folder, name));
  if (files.length > 0) return files;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    isFolder ? `${input} must hold images, and has none.` : `${input} must be an image, a folder or a pattern.`,
    {file: input, hint: isFolder ? `Looked for ${IMAGE_EXTENSIONS.join(', ')}.` : 'There is nothing of this name.'},
  );
}

function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extname(name).slice(1).toLowerCase());
}
