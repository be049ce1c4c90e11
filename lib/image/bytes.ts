import {readFile} from 'node:fs/promises';
import {fileURLToPath} from 'node:url';
import {type ErrorCode, MaskRcnnError} from '../basics/errors.js';

const READ_FAILURES: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'reading it is not permitted',
};

/** Reads a file. Returns its bytes and the name to use in messages. Throws `code` if the file cannot be read. */
export async function readBytes(path: string | URL, code: ErrorCode): Promise<{bytes: Uint8Array; name: string}> {
  const name = typeof path === 'string' ? path : fileURLToPath(path);
  try {
    return {bytes: await readFile(path), name};
  } catch (cause) {
    const {code: reason = '', message} = cause as NodeJS.ErrnoException;
    throw new MaskRcnnError(code, `${name} cannot be read: ${READ_FAILURES[reason] ?? message}.`, {file: name, cause});
  }
}

/**
 * The reason why a decoder failed, to end a sentence with. Only the last line: libvips writes several lines with the
 * names of its functions.
 */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.trim().split('\n').at(-1) ?? '';
  return line.replace(/\.$/, '');
}
