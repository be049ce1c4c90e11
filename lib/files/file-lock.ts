import {open, readFile, rm, stat, utimes} from 'node:fs/promises';
import {hostname} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';

const heartbeatMs = 5000;
/** A lock of another machine counts as abandoned after this time without a heartbeat. */
const staleMs = 60_000;
const pollMs = 200;

/**
 * Runs `task` while it holds the lock file `path`, so that calls in this and other processes take turns. `waited` tells
 * the task that another call may have done its work in the meantime. The lock of a process that has died is taken over.
 */
export async function withFileLock<T>(
  path: string,
  task: (waited: boolean) => Promise<T>,
  {signal}: {signal?: AbortSignal | undefined} = {},
): Promise<T> {
  let waited = false;
  while (!(await acquire(path))) {
    if (await isStale(path)) await rm(path, {force: true});
    else {
      waited = true;
      await sleep(pollMs, undefined, signal && {signal});
    }
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  heartbeat.unref();
  try {
    signal?.throwIfAborted();
    return await task(waited);
  } finally {
    clearInterval(heartbeat);
    await rm(path, {force: true});
  }
}

async function acquire(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(`${process.pid} ${hostname()}`);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const [text, {mtimeMs}] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const [pid, host] = text.split(' ');
    // Whether an owner on this machine is alive can be checked. An empty lock belongs to an owner that is about to
    // write its name.
    if (host === hostname() && Number(pid) > 0) return !isAlive(Number(pid));
    return Date.now() - mtimeMs > staleMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
