import {open, readdir, readFile, stat} from 'node:fs/promises';
import {basename, dirname, extname, join} from 'node:path';
import {mapConcurrently} from '../../basics/concurrently.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {listed} from '../../basics/wording.js';
import {IMAGE_EXTENSIONS} from '../../image/format.js';
import {naturalOrder} from '../folder-scan.js';

/** The beginning of a file that tells its format. */
const HEAD_BYTES = 1 << 16;
const FILES_AT_ONCE = 8;
/** Of more files than this, the first decide whether they are of a format, and no beginning is kept. */
const MANY = 200;
const LOOKED_AT = 20;

/** A file or folder whose format is to be recognised. */
export class Place {
  readonly path: string;
  readonly isFile: boolean;
  /** Names of the files in the folder, or the name of the file itself, in natural order. */
  readonly files: readonly string[];
  /** Names of the folders in the folder, in natural order. */
  readonly folders: readonly string[];
  readonly #heads = new Map<string, Promise<string>>();

  private constructor(path: string, isFile: boolean, files: string[], folders: string[]) {
    this.path = path;
    this.isFile = isFile;
    this.files = files.sort(naturalOrder);
    this.folders = folders.sort(naturalOrder);
  }

  /** Throws INVALID_DATASET if there is nothing at `path`, or if it cannot be read. */
  static async at(path: string): Promise<Place> {
    try {
      if ((await stat(path)).isFile()) return new Place(path, true, [basename(path)], []);
      const entries = (await readdir(path, {withFileTypes: true})).filter(({name}) => !name.startsWith('.'));
      const names = (wanted: boolean) => entries.filter((e) => e.isDirectory() === wanted).map(({name}) => name);
      return new Place(path, false, names(false), names(true));
    } catch (cause) {
      const {code, message} = cause as NodeJS.ErrnoException;
      const why = code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`;
      throw new MaskRcnnError('INVALID_DATASET', `${path} ${why}.`, {file: path, cause});
    }
  }

  /** The folder, or that of the file. */
  get folder(): string {
    return this.isFile ? dirname(this.path) : this.path;
  }

  /** Path of one of the files. */
  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /** The files with one of the extensions, such as '.json'. */
  withExtension(...extensions: readonly string[]): readonly string[] {
    return this.files.filter((name) => extensions.includes(extname(name).toLowerCase()));
  }

  /** The files with the extension whose beginning passes the test. */
  async whose(extension: string, test: (head: string) => boolean): Promise<readonly string[]> {
    const names = this.withExtension(extension);
    const passing = async (some: readonly string[]) => {
      const passed = await mapConcurrently(some.length, FILES_AT_ONCE, async (i) => test(await this.head(some[i]!)));
      return some.filter((_, i) => passed[i]);
    };
    if (names.length > MANY && (await passing(names.slice(0, LOOKED_AT))).length === 0) return [];
    return passing(names);
  }

  /** Path of the only one of `names`. Throws INVALID_DATASET for several: `what` is one of them, in the message. */
  onlyOne(names: readonly string[], what: string): string {
    if (names.length === 1) return this.pathOf(names[0]!);
    const message = `${this.path} must have one ${what}, got ${listed(names)}.`;
    throw new MaskRcnnError('INVALID_DATASET', message, {file: this.path, hint: 'Open one of these files.'});
  }

  get images(): readonly string[] {
    return this.files.filter(isImageName);
  }

  /** The first 64 KiB of a file as text; empty if it cannot be read. */
  async head(name: string): Promise<string> {
    const known = this.#heads.get(name);
    if (known !== undefined) return known;
    const head = readHead(this.pathOf(name));
    if (this.files.length <= MANY) this.#heads.set(name, head);
    return head;
  }

  /** A folder of this folder. */
  async inside(folder: string): Promise<Place> {
    return Place.at(join(this.path, folder));
  }
}

export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extname(name).slice(1).toLowerCase());
}

async function readHead(path: string): Promise<string> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const {buffer, bytesRead} = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  } finally {
    await handle.close();
  }
}

/** Parses a JSON file. Throws INVALID_DATASET, which says what is wrong and where. */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new MaskRcnnError('INVALID_DATASET', `${file} cannot be read: ${(cause as Error).message}.`, {file, cause});
  }
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (cause) {
    throw new MaskRcnnError('INVALID_DATASET', `${file} must be a JSON file: ${(cause as Error).message}.`, {
      file,
      cause,
    });
  }
}
