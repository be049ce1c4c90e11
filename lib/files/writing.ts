import {constants} from 'node:fs';
import {access, opendir} from 'node:fs/promises';
import {dirname, resolve} from 'node:path';
import {writeFailed} from './atomic-file.js';

/** Runs `write`, which fills the file or folder `file`. A system error becomes WRITE_FAILED with `hint`. */
export async function writing<T>(file: string, write: () => Promise<T>, hint?: string): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeFailed(file, error, hint);
  }
}

/**
 * Throws WRITE_FAILED if `folder` is not a folder, cannot be created, or is not writable. Call it before long work,
 * whose result could not be saved otherwise. It does not create anything.
 */
export async function requireWritableFolder(folder: string): Promise<void> {
  await writing(folder, async () => {
    const existing = await nearestFolder(resolve(folder));
    await access(existing, constants.W_OK);
  });
}

/** `path`, or its nearest parent folder that exists. Throws the system error if that is a file. */
async function nearestFolder(path: string): Promise<string> {
  try {
    await (await opendir(path)).close();
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestFolder(dirname(path));
  }
}
