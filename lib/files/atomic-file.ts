import {randomUUID} from 'node:crypto';
import {type FileHandle, open, rename, rm} from 'node:fs/promises';
import {dirname} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';

/**
 * Writes `path` whole or not at all: `write` fills a new file beside it, which then takes its place. When something fails, a
 * file that was at `path` is as before, and nothing is left beside it. System errors become WRITE_FAILED.
 */
export async function writeAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, {force: true}).catch(() => {}); // the disk that fails may not delete either
    throw writeFailed(path, error, 'What was there before is unchanged.');
  }
  await syncFolder(dirname(path));
}

/** WRITE_FAILED for a system error met while `path` was written; anything else as it is. */
export function writeFailed(path: string, error: unknown, hint?: string): unknown {
  if ((error as NodeJS.ErrnoException)?.syscall === undefined) return error;
  return new MaskRcnnError('WRITE_FAILED', `${path} could not be written: ${(error as Error).message}.`, {
    ...(hint !== undefined && {hint}),
    file: path,
    cause: error,
  });
}

/** Makes the new name outlast a power failure, where the file system can. */
async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Some network file systems refuse, and a folder may be closed to readers; the file itself has been synced.
  }
}

/** Appends all of `bytes`: a single write may take fewer. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
