import {readdir} from 'node:fs/promises';
import {basename, join} from 'node:path';
import type {Fields} from '../fields.js';
import {ImageFinder} from '../image-finder.js';
import {isImageName} from '../place.js';

/** What uploaded files have before their names. */
const UPLOAD_PREFIX = /^[0-9a-f]{8}-/;

/**
 * What the image may be called. The labelling configuration, which is not in the export, says which field of the data
 * is the image: it is the only one with the name of an image, or called `image`.
 */
function namesOfImage(task: Fields, data: Fields): string[] {
  const names = (key: string, from: Fields) => {
    const value = from.raw(key);
    return typeof value === 'string' ? namesOf(value) : [];
  };
  const keys = data.keys.filter((key) => names(key, data).some(isImageName));
  const key = keys.length === 1 ? keys[0]! : keys.find((each) => each === 'image');
  if (key !== undefined) return names(key, data);
  if (keys.length > 1) throw data.wrong('image', `the name of the image, because ${keys.join(' and ')} are images too`);
  const uploaded = names('file_upload', task);
  if (uploaded.some(isImageName)) return uploaded;
  const unnamed = names('image', data);
  if (unnamed.length === 0) throw data.wrong('image', 'the name of an image');
  return unnamed;
}

/** File names that a path or URL may mean, the most likely first. */
function namesOf(value: string): string[] {
  // /data/local-files/?d=FOLDER/NAME is a file of the server; other URLs may have a signature behind a question mark.
  const local = /\/local-files\/?\?(?:.*&)?d=([^&]*)/s.exec(value)?.[1];
  const path = local ?? (value.includes('://') ? value.replace(/[?#].*$/s, '') : value);
  const names = [path, decoded(path)].map((each) => each.split(/[\\/]/).at(-1)!);
  return [...new Set([...names, ...names.map((name) => name.replace(UPLOAD_PREFIX, ''))])].filter(
    (name) => name !== '',
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign in a name
  }
}

/** The folder of the images of an export in `folder`: this one or, if it has no image, the folder `images` in it. */
export async function imageFolder(folder: string): Promise<string> {
  const names: string[] = await readdir(folder).catch(() => []);
  return names.some(isImageName) || !names.includes('images') ? folder : join(folder, 'images');
}

/** Finds the images of tasks in a folder. */
export class TaskImages {
  readonly #finder: ImageFinder;
  readonly #there: ReadonlySet<string>;

  private constructor(finder: ImageFinder, there: readonly string[]) {
    this.#finder = finder;
    this.#there = new Set(there);
  }

  static async in(folder: string): Promise<TaskImages> {
    return new TaskImages(await ImageFinder.in(folder), await readdir(folder).catch(() => []));
  }

  /** By the first of its names that is in the folder. */
  of(task: Fields, data: Fields): string {
    const paths = namesOfImage(task, data).map((name) => this.#finder.find(name));
    return paths.find((path) => this.#there.has(basename(path))) ?? paths[0]!;
  }

  /** The only image in the folder; undefined if there are several or none. */
  get only(): string | undefined {
    return this.#finder.only;
  }
}
