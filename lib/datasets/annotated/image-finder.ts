import {readdir} from 'node:fs/promises';
import {extname, join} from 'node:path';
import {isImageName} from './place.js';

/**
 * Finds the images that annotations name. Tools write a name, a relative path or a path of the machine on which the
 * images were annotated, so the last part of the path decides, and without it the name before the extension.
 */
export class ImageFinder {
  readonly #folder: string;
  readonly #names: ReadonlySet<string>;
  readonly #byStem: ReadonlyMap<string, string>;

  private constructor(folder: string, names: readonly string[]) {
    this.#folder = folder;
    const images = names.filter(isImageName);
    this.#names = new Set(images);
    const stems = new Map<string, string>();
    for (const name of images) stems.set(stem(name), name);
    this.#byStem = stems;
  }

  /** Lists the folder of the images. One that is not there has none. */
  static async in(folder: string): Promise<ImageFinder> {
    return new ImageFinder(folder, await readdir(folder).catch(() => []));
  }

  /** Path of the only image in the folder; undefined if there are several or none. */
  get only(): string | undefined {
    const [name, ...others] = this.#names;
    return name === undefined || others.length > 0 ? undefined : join(this.#folder, name);
  }

  /** Path of the image that annotations call `name`, there or not. */
  find(name: string): string {
    const last = name.split(/[\\/]/).at(-1)!;
    if (this.#names.has(last)) return join(this.#folder, last);
    const similar = this.#byStem.get(stem(last));
    return join(this.#folder, similar ?? last);
  }

  /** Path of the image whose name without extension is `stem`. If there is none, the path has no extension either. */
  named(name: string): string {
    return join(this.#folder, this.#byStem.get(name) ?? name);
  }
}

function stem(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}
