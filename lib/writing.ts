import {MaskRcnnError} from './errors.js';

/** Runs `write`, which fills `file` (or a folder); what fails becomes WRITE_FAILED. */
export async function writing<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const message = `${file} could not be written: ${(cause as Error).message}.`;
    throw new MaskRcnnError('WRITE_FAILED', message, {file, cause});
  }
}
