import {stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {ImageFinder} from './image-finder.js';

/**
 * Path of the image that annotations call `name`: below the folder of the images if it is there, otherwise wherever its
 * name alone is found. So names may repeat in different folders.
 */
export async function imageOf(name: string, folder: string, finder: ImageFinder): Promise<string> {
  const isRelative = /[\\/]/.test(name) && !/^([a-z]+:|[\\/])/i.test(name);
  if (!isRelative) return finder.find(name);
  const path = join(folder, name);
  if (await isThere(path)) return path;
  const other = finder.find(name);
  return (await isThere(other)) ? other : path;
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
