import {randomUUID} from 'node:crypto';
import {type FileHandle, lstat, open, opendir, readdir, rename, rm, stat} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';

/** The name of a temporary file: that of the file to write, eight digits, `.tmp`. */
const TEMPORARY = /^(.+)\.[0-9a-f]{8}\.tmp$/;

/** A new name of a temporary file beside `path`. `removeAbandoned(path)` removes the file if its process is killed. */
export function temporaryPath(path: string): string {
  return `${path}.${randomUUID().slice(0, 8)}.tmp`;
}

/** The temporary files that this process is writing. */
const inUse = new Set<string>();

/**
 * Writes the file `path` atomically: `write` fills a temporary file next to it, which then replaces it. If something
 * fails, an existing file at `path` is unchanged and the temporary file is removed. System errors become WRITE_FAILED.
 */
export async function writeAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const temporary = temporaryPath(path);
  inUse.add(resolve(temporary));
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
    await rm(temporary, {force: true}).catch(() => {}); // a failing disk may refuse this too
    throw writeFailed(path, error, 'What was there before is unchanged.');
  } finally {
    inUse.delete(resolve(temporary));
  }
  await syncFolder(dirname(path));
}

/**
 * Removes temporary files in `folder` that `writeAtomically()` has left because its process was killed. `isOurs` says
 * whether a file may be one: no other process may be writing it at the moment. `minAge`: milliseconds since it was last
 * written to. A file that cannot be removed stays.
 */
export async function removeTemporaries(
  folder: string,
  isOurs: (target: string) => boolean,
  minAge = 0,
): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const target = TEMPORARY.exec(name)?.[1];
    const path = join(folder, name);
    if (target === undefined || !isOurs(target) || inUse.has(resolve(path))) continue;
    const {mtimeMs = Date.now()} = minAge === 0 ? {mtimeMs: 0} : await stat(path).catch(() => ({mtimeMs: undefined}));
    if (Date.now() - mtimeMs >= minAge) await rm(path, {force: true}).catch(() => {});
  }
}

/** A temporary file that nobody has written to for this time is abandoned. */
const ABANDONED_MS = 10 * 60_000;

/** Removes temporary files of `path` that killed processes have left. Another process may be writing a fresh one. */
export async function removeAbandoned(path: string): Promise<void> {
  await removeTemporaries(dirname(path), (target) => target === basename(path), ABANDONED_MS);
}

/**
 * Removes temporary folders of `path`, named as temporary files are, that killed processes have left: those in which
 * nothing was written to for ten minutes. A folder that cannot be removed stays.
 */
export async function removeAbandonedFolders(path: string): Promise<void> {
  const parent = dirname(resolve(path));
  for (const entry of await readdir(parent, {withFileTypes: true}).catch(() => [])) {
    const folder = join(parent, entry.name);
    if (!entry.isDirectory() || TEMPORARY.exec(entry.name)?.[1] !== basename(resolve(path))) continue;
    if (await isUntouched(folder)) await rm(folder, {recursive: true, force: true}).catch(() => {});
  }
}

/** Whether nothing in a folder was written to for ten minutes. */
async function isUntouched(folder: string): Promise<boolean> {
  const isOld = async (path: string) => Date.now() - (await lstat(path)).mtimeMs >= ABANDONED_MS;
  try {
    if (!(await isOld(folder))) return false;
    for await (const entry of await opendir(folder, {recursive: true})) {
      if (!(await isOld(join(entry.parentPath ?? entry.path, entry.name)))) return false;
    }
    return true;
  } catch {
    return false; // another process has changed it
  }
}

/**
 * Converts a system error that occurred while `path` was written to WRITE_FAILED. Returns any other error unchanged.
 */
export function writeFailed(path: string, error: unknown, hint?: string): unknown {
  if ((error as NodeJS.ErrnoException)?.syscall === undefined) return error;
  return new MaskRcnnError('WRITE_FAILED', `${path} could not be written: ${(error as Error).message}.`, {
    ...(hint !== undefined && {hint}),
    file: path,
    cause: error,
  });
}

/** Makes the new name survive a power failure, if the file system supports it. */
async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders.
  if (process.platform === 'win32') return;
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // Some network file systems do not support this, and the folder may not be readable. The file itself is already
    // synced.
  }
}

/** Appends all of `bytes`. A single write may take only a part of them. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
