import {MaskRcnnError} from '../basics/errors.js';

/**
 * Creates an INVALID_CHECKPOINT error. `problem` is the part of the message after the file's name: "is truncated:
 * expected ...".
 */
export function invalidCheckpoint(file: string, problem: string, hint?: string, cause?: unknown): MaskRcnnError {
  return new MaskRcnnError('INVALID_CHECKPOINT', `${file} ${problem}.`, {
    file,
    ...(hint !== undefined && {hint}),
    ...(cause !== undefined && {cause}),
  });
}
