import {basename, extname} from 'node:path';

/**
 * Gives the images of one folder different names: that of the file, or NAME-2, NAME-3 ... if another one has it. Names
 * that differ only in their case or extension are the same: annotation files are often called as the image without its
 * extension, and file systems of macOS and Windows ignore case.
 */
export class ImageNames {
  readonly #taken = new Set<string>();
  /** For each name, the number to try next: a thousand images called 1.png take no longer than others. */
  readonly #next = new Map<string, number>();

  /** `file`: a path. `extension`: that of the name to give, with a dot; by default that of the file. */
  give(file: string, extension: string = extname(file)): string {
    // The last part of paths of either system.
    const stem = basename(file.split('\\').at(-1)!, extname(file)) || 'image';
    const key = stem.toLowerCase();
    let number = this.#next.get(key) ?? 1;
    let name = number === 1 ? stem : `${stem}-${number}`;
    while (this.#taken.has(name.toLowerCase())) name = `${stem}-${++number}`;
    this.#next.set(key, number + 1);
    this.#taken.add(name.toLowerCase());
    return `${name}${extension}`;
  }
}
