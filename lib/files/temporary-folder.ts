import {lstat, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {isGone, isOwn, parseHolder, thisHolder} from './lock-holder.js';

/** Beside the files of a folder, says whose it is. */
const OWNER = 'owner';
const NAME = /^maskrcnn-(serve|regions)-[A-Za-z0-9]{6}$/;
/** No folder is used for so long. The number of a process that has ended may be that of another one by then. */
const LONGEST_USE_MS = 24 * 60 * 60 * 1000;

/**
 * Makes a folder in the temporary folder, for files that are deleted as soon as they are open. If the process is killed
 * before that, `removeAbandonedFolders()` finds it.
 */
export async function makeTemporaryFolder(kind: 'serve' | 'regions'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `maskrcnn-${kind}-`));
  try {
    await writeFile(join(folder, OWNER), thisHolder('-'));
    return folder;
  } catch (error) {
    await rm(folder, {recursive: true, force: true}).catch(() => {});
    throw error;
  }
}

/**
 * Removes such folders that processes of this user have left which are certainly gone, or that are a day old. Those
 * of this process stay, and those that cannot be removed.
 */
export async function removeAbandonedFolders(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    if (!NAME.test(name)) continue;
    const folder = join(tmpdir(), name);
    if (await isAbandoned(folder)) await rm(folder, {recursive: true, force: true}).catch(() => {});
  }
}

async function isAbandoned(folder: string): Promise<boolean> {
  try {
    const stats = await lstat(folder);
    const isOurs = process.getuid === undefined || stats.uid === process.getuid();
    if (!stats.isDirectory() || !isOurs) return false;
    const owner = parseHolder(await readFile(join(folder, OWNER), 'utf8').catch(() => ''));
    if (owner !== undefined && isOwn(owner)) return false;
    if (owner !== undefined && isGone(owner)) return true;
    // A process that was killed right at the start has left no owner.
    return (owner?.since ?? stats.mtimeMs) < Date.now() - LONGEST_USE_MS;
  } catch {
    return false;
  }
}
