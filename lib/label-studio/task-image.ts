import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';

/** Where the image of a task is: in the task, or at an address of Label Studio, or else at `otherwise`. */
export type ImagePlace = {bytes: Uint8Array} | {url: URL; otherwise?: URL};

/** A task's number and the text that stands for its image. */
export type TaskImage = {id: number | undefined; value: string};

/** Storages of clouds that Label Studio reads for others. */
const CLOUD = /^(s3|gs|azure-blob):/;

/**
 * Finds where an image is. Addresses are those of Label Studio at `base` alone, so that nobody can have this machine
 * ask others; and nothing is read from the disk. Throws INVALID_IMAGE, and INVALID_OPTION without a `base`.
 */
export function placeOf(
  {id, value}: TaskImage,
  {base, maxBytes}: {base: URL | undefined; maxBytes: number},
): ImagePlace {
  if (value.startsWith('data:')) return {bytes: bytesIn(value, {id, maxBytes})};
  if (base === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', `The image of ${taskName(id)} is in Label Studio: ${shown(value)}.`, {
      hint: 'Say where Label Studio is, with the address that this machine can reach.',
    });
  }
  if (CLOUD.test(value)) {
    if (id === undefined) throw refused({id, value}, 'only a task with a number can have an image in a cloud');
    const url = at(base, `/tasks/${id}/presign/`);
    // Python's decoder of this alphabet wants the padding, which Node.js leaves out.
    url.searchParams.set('fileuri', Buffer.from(value).toString('base64').replaceAll('+', '-').replaceAll('/', '_'));
    return {url};
  }
  const path = normal(/^\/?upload\//.test(value) ? `/data/${value.replace(/^\//, '')}` : value);
  if (/^\/(data|storage-data|tasks)\//.test(path) || (base.pathname !== '/' && path.startsWith(base.pathname))) {
    const [, uploaded] = /^\/data\/(upload\/[^?#]*)$/.exec(path) ?? [];
    // With uploads in a cloud, Label Studio has them at another address (its SDK, get_local_path()).
    const otherwise = uploaded === undefined ? undefined : at(base, '/storage-data/uploaded/');
    otherwise?.searchParams.set('filepath', decoded(uploaded!));
    return {url: at(base, path), ...(otherwise && {otherwise})};
  }
  const url = /^https?:\/\//i.test(value) && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined) {
    throw refused(
      {id, value},
      'it must be a path of Label Studio such as /data/upload/…, an address of it, or a data: URI',
    );
  }
  if (url.origin !== base.origin) throw elsewhere({id, value}, url, base);
  url.username = '';
  url.password = '';
  return {url};
}

/** The error that an image is at a place from which none is fetched. */
export function elsewhere(task: TaskImage, url: URL, base: URL): MaskRcnnError {
  return refused(
    task,
    `it is at ${url.origin}, and images are fetched from ${base.origin} alone`,
    'Name Label Studio as its tasks do, or turn off pre-signed URLs in the settings of the storage, so that it passes ' +
      'its images on.',
  );
}

/** An error about the image of a task. */
export function refused({id, value}: TaskImage, reason: string, hint?: string): MaskRcnnError {
  return new MaskRcnnError(
    'INVALID_IMAGE',
    `The image of ${taskName(id)}, ${shown(value)}, cannot be used: ${reason}.`,
    {
      ...(hint !== undefined && {hint}),
    },
  );
}

export function taskName(id: number | undefined): string {
  return id === undefined ? 'a task' : `task ${id}`;
}

/** The image's name for messages. Signatures, which are in the query of an address, are left out. */
export function shown(value: string): string {
  if (value.startsWith('data:')) return 'a data: URI';
  return show(value.includes('/local-files/') ? value : value.replace(/[?#].*$/s, ''));
}

/** A path in which '..' leads nowhere: it is the one that will be asked for. */
function normal(path: string): string {
  if (!path.startsWith('/') || path.startsWith('//')) return path;
  const {pathname, search} = new URL(`http://x${path}`);
  return pathname + search;
}

/** A path below the address of Label Studio, which may have a path of its own that the path begins with or not. */
function at(base: URL, path: string): URL {
  const prefix = base.pathname.replace(/\/$/, '');
  const whole = prefix !== '' && path.startsWith(`${prefix}/`) ? path : prefix + path;
  return new URL(`${base.origin}${whole}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign in a name
  }
}

function bytesIn(value: string, {id, maxBytes}: {id: number | undefined; maxBytes: number}): Uint8Array {
  const comma = value.indexOf(',');
  if (!/;\s*base64\s*$/i.test(value.slice(0, Math.max(0, comma)))) throw refused({id, value}, 'it must be in base64');
  const data = value.slice(comma + 1);
  if (Math.floor((3 * data.length) / 4) > maxBytes + 2) throw tooLarge({id, value}, maxBytes);
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length > maxBytes) throw tooLarge({id, value}, maxBytes);
  return bytes;
}

export function tooLarge(task: TaskImage, maxBytes: number): MaskRcnnError {
  return refused(task, `it has more than the ${maxBytes} bytes that are allowed`);
}
