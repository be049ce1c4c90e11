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
    throw unreadable(name, cause, code);
  }
}

/** The error for a file that the system does not let us read. */
export function unreadable(name: string, cause: unknown, code: ErrorCode): MaskRcnnError {
  const {code: reason = '', message} = cause as NodeJS.ErrnoException;
  return new MaskRcnnError(code, `${name} cannot be read: ${READ_FAILURES[reason] ?? message}.`, {file: name, cause});
}

/** A reason why a file cannot be decoded, to end a sentence with, and what to do about it. */
export class Undecodable extends Error {
  readonly hint: string | undefined;

  constructor(reason: string, {hint, cause}: {hint?: string; cause?: unknown} = {}) {
    super(reason, cause === undefined ? undefined : {cause});
    this.hint = hint;
  }
}

/** What to do about types of numbers that are not read. */
export const NUMBERS_HINT = 'Save whole numbers of 8, 16 or 32 bits, or floating-point numbers of 32 bits.';

/**
 * All threads of libvips share one text for errors, and sharp clears it after each image. So an image that is decoded
 * at the same time can take the reason away; sharp's pipeline.cc then says this instead.
 */
const LOST = 'Unknown error';

/** What sharp says of images that are larger than its limit. */
const TOO_LARGE = 'Input image exceeds pixel limit';

/**
 * The reason why a decoder failed, to end a sentence with. Only the last line: libvips writes a line for each failed
 * attempt.
 */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.trim().split('\n').at(-1) ?? '';
  if (line === LOST) return 'it cannot be decoded';
  return line === TOO_LARGE ? 'it has too many pixels to be decoded whole' : line.replace(/\.$/, '');
}

/** The hint of a failed decoder, in the form of the details of an error. */
export function hintOf(error: unknown): {hint?: string} {
  return error instanceof Undecodable && error.hint !== undefined ? {hint: error.hint} : {};
}
