import {type ErrorCode, MaskRcnnError} from '../basics/errors.js';

const HINTS: Partial<Record<ErrorCode, string>> = {
  OUT_OF_MEMORY: 'Take fewer images at a time (batchSize) or smaller ones (minSize, maxSize).',
  NATIVE: 'This is a defect of maskrcnn: please report it with the stack.',
};

/**
 * Converts an error of the addon to MaskRcnnError. Its errors have a code of `ErrorCode`; any other error is a bug and
 * becomes NATIVE.
 */
export function fromNative(error: unknown): MaskRcnnError {
  if (error instanceof MaskRcnnError) return error;
  const {code = 'NATIVE', message} = error as Error & {code?: ErrorCode};
  const hint = HINTS[code];
  return new MaskRcnnError(code, message, hint === undefined ? {cause: error} : {hint, cause: error});
}

/** Runs a call of the addon and converts its errors with `fromNative`. */
export async function native<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fromNative(error);
  }
}
