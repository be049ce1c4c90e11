import {constants} from 'node:fs';
import {access, opendir} from 'node:fs/promises';
import {dirname, resolve} from 'node:path';
import {writeFailed} from './atomic-file.js';

/** Runs `write`, which fills `file` (or a folder); a system error becomes WRITE_FAILED, with `hint`. */
export async function writing<T>(file: string, write: () => Promise<T>, hint?: string): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw writeFailed(file, error, hint);
  }
}

/**
 * Throws WRITE_FAILED where `folder` is no folder, cannot be made, or may not be written to: before work whose result would
 * have no place. Nothing is made yet.
 */
export async function requireWritableFolder(folder: string): Promise<void> {
  await writing(folder, async () => {
    const existing = await nearestFolder(resolve(folder));
    await access(existing, constants.W_OK);
  });
}

/** `path`, or the nearest folder above it that exists. Throws the system's error where that is a file. */
async function nearestFolder(path: string): Promise<string> {
  try {
    await (await opendir(path)).close();
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestFolder(dirname(path));
  }
}
