import {readdir, readFile} from 'node:fs/promises';
import {extname} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';

/** A file that browsers may ask for. */
export type PageFile = {type: string; content: Buffer};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

const ROOT = new URL('../../', import.meta.url);
/** The page of the example for browsers. It asks finder.js for objects, and here that asks the server. */
const PAGE = new URL('examples/browser/', ROOT);
const FINDER = new URL('finder.js', import.meta.url);
const TOKEN_FORM = new URL('token-form.js', import.meta.url);

/**
 * All files of the page by their paths, read at the start: a request can name these and no others. Throws NATIVE if the
 * package is not whole.
 */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  try {
    for (const name of await readdir(PAGE)) {
      const type = TYPES[extname(name)];
      if (type !== undefined) files.set(`/${name}`, {type, content: await readFile(new URL(name, PAGE))});
    }
    for (const [path, file] of [
      ['/finder.js', FINDER],
      ['/token-form.js', TOKEN_FORM],
    ] as const) {
      files.set(path, {type: TYPES['.js']!, content: await readFile(file)});
    }
  } catch (cause) {
    throw new MaskRcnnError('NATIVE', 'The files of the page are not in this package.', {
      hint: 'Install the package again.',
      cause,
    });
  }
  files.set('/', files.get('/index.html')!);
  return files;
}
