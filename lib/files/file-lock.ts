import {randomUUID} from 'node:crypto';
import type {Stats} from 'node:fs';
import {type FileHandle, open, readdir, readFile, rm, stat} from 'node:fs/promises';
import {hostname} from 'node:os';
import {basename, dirname, join} from 'node:path';
import {pause} from '../basics/pause.js';
import {type Holder, isGone, parseHolder, thisHolder} from './lock-holder.js';

const heartbeatMs = 5000;
/** A lock without a heartbeat for this time is abandoned, whatever it says about its holder. */
const staleMs = 60_000;
/**
 * If another machine's heartbeat is late by our clock, that may be the clocks: then no heartbeat for this time, three
 * beats, shows it.
 */
const watchMs = 16_000;
/** A claim to remove a lock is held for moments. After this time its holder is gone. */
const staleClaimMs = 10_000;
const pollMs = 200;
const tellAfterMs = 1000;
const releaseAttempts = 20;

export type WaitOptions = {
  signal?: AbortSignal | undefined;
  /** Told once, after a second of waiting, for what it waits. Default: emits a process warning. */
  say?: ((text: string) => void) | undefined;
};

/**
 * Runs `task` while it holds the lock file `path`, so that calls in this and other processes take turns. `waited` tells
 * the task that another call may have done its work in the meantime. The lock of a process that is gone is taken over.
 */
export async function withFileLock<T>(
  path: string,
  task: (waited: boolean) => Promise<T>,
  {signal, say = (text) => process.emitWarning(text)}: WaitOptions = {},
): Promise<T> {
  const began = performance.now();
  let told = false;
  let waited = false;
  /** The lock as it was when it last changed, and when that was. Clocks that are wrong do not affect this. */
  let unchanged = {identity: '', mtimeMs: 0, since: began};
  let lock = await FileLock.attempt(path);
  while (!(lock instanceof FileLock)) {
    signal?.throwIfAborted();
    waited = true;
    const now = performance.now();
    const {identity, mtimeMs, holder} = lock;
    if (identity !== unchanged.identity || mtimeMs !== unchanged.mtimeMs) unchanged = {identity, mtimeMs, since: now};
    if (!told && now - began > tellAfterMs) {
      told = true;
      say(`Waiting for ${path}, which is held by ${describeHolder(holder)}.`);
    }
    const isAbandoned = now - unchanged.since > (isLate(lock) ? watchMs : staleMs);
    if (!isAbandoned || !(await removeLock(path, lock))) await pause(pollMs, signal);
    lock = await FileLock.attempt(path);
  }
  try {
    signal?.throwIfAborted();
    return await task(waited);
  } finally {
    await lock.release();
  }
}

/** "process 12 on host-a" */
export function describeHolder(holder: Holder | undefined): string {
  return holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
}

/** A lock file as found on disk. */
export type FoundLock = {
  /** Tells this lock from all others that have been at the same path. */
  identity: string;
  /** Undefined while the holder is about to write its name. */
  holder: Holder | undefined;
  mtimeMs: number;
};

/** A lock file that is held. Its time of change is the heartbeat, which shows others that the holder is alive. */
export class FileLock {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #token: string;
  readonly #heartbeat: NodeJS.Timeout;
  #isReleased = false;

  private constructor(path: string, file: FileHandle, token: string) {
    this.#path = path;
    this.#file = file;
    this.#token = token;
    this.#heartbeat = setInterval(() => this.#beat().catch(() => {}), heartbeatMs).unref();
  }

  /**
   * Takes the lock if it is free or its holder is gone. Resolves to the other's lock if it is held. That takes 16
   * seconds if the lock of another machine seems to be abandoned, else no time. Throws system errors.
   */
  static async tryAcquire(path: string): Promise<FileLock | FoundLock> {
    for (;;) {
      const lock = await FileLock.attempt(path);
      if (lock instanceof FileLock || !isLate(lock) || isStale(lock)) return lock;
      await pause(watchMs);
      const now = await findLock(path);
      const isSame = now?.identity === lock.identity && now.mtimeMs === lock.mtimeMs;
      if (now !== undefined && !(isSame && (await removeLock(path, lock)))) return now;
    }
  }

  /** As `tryAcquire()`, at once: a lock of another machine that seems to be abandoned is held. */
  static async attempt(path: string): Promise<FileLock | FoundLock> {
    for (;;) {
      const own = await create(path);
      if (own !== undefined) return new FileLock(path, own.file, own.token);
      const found = await findLock(path);
      if (found === undefined) continue; // just released
      if (!isStale(found) || !(await removeLock(path, found))) return found;
    }
  }

  /**
   * Looks up whether the lock was taken over although this holder is alive: its process was suspended for longer than
   * locks last without a heartbeat. Resolves to undefined while the lock is held, or else to who has it; its `holder`
   * is undefined if that process has released it again. Ask before each write: the heartbeat may be late after a
   * suspension.
   */
  async findLoss(): Promise<{holder: Holder | undefined} | undefined> {
    try {
      const found = await findLock(this.#path);
      return found?.identity === this.#token ? undefined : {holder: found?.holder};
    } catch {
      return undefined; // a disk that cannot be read at the moment says nothing about the lock
    }
  }

  /** Removes the lock file, unless it is another's by now. May be called again. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearInterval(this.#heartbeat);
    await this.#file.close();
    for (let attempt = 0; attempt < releaseAttempts; attempt++) {
      const found = await findLock(this.#path).catch(() => undefined);
      if (found?.identity !== this.#token) return;
      // A full disk may refuse the claim. Then remove the file without it.
      const isRemoved = await removeLock(this.#path, found).catch(() => rm(this.#path, {force: true}).then(() => true));
      if (isRemoved) return;
      await pause(pollMs / 4);
    }
  }

  async #beat(): Promise<void> {
    // The open file stays this lock's own even if another takes the path over.
    const now = new Date();
    await this.#file.utimes(now, now);
  }
}

/** Creates the lock file; undefined if there is one. */
async function create(path: string): Promise<{file: FileHandle; token: string} | undefined> {
  const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  const token = randomUUID();
  try {
    await file.writeFile(thisHolder(token));
    return {file, token};
  } catch (error) {
    await file.close();
    await rm(path, {force: true});
    throw error;
  }
}

/** The lock at `path`; undefined if there is none. */
async function findLock(path: string): Promise<FoundLock | undefined> {
  try {
    const [text, {mtimeMs, ino}] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const holder = parseHolder(text);
    return {identity: holder?.token ?? `${ino}-${Math.floor(mtimeMs)}`, holder, mtimeMs};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether the lock is certainly abandoned. */
function isStale(found: FoundLock): boolean {
  const {holder} = found;
  return holder !== undefined && (isGone(holder) || (holder.host === hostname() && isLate(found)));
}

/** Whether the last heartbeat is too long ago, if our clock is that of the holder. */
function isLate({mtimeMs}: FoundLock): boolean {
  return Date.now() - mtimeMs > staleMs;
}

/**
 * Removes the lock `found` and no other. Resolves to false if another process is about to remove it.
 *
 * Between finding a lock and removing the file, the lock may have been replaced. So whoever removes a lock, its holder
 * included, first creates a claim: a file named after the lock's identity, which only one process can create. A lock
 * cannot be replaced without this claim. The claim of a process that was killed meanwhile is followed by the next
 * number. If the process was killed after it had removed the lock, its claim is removed with a later lock.
 */
export async function removeLock(path: string, found: FoundLock): Promise<boolean> {
  const claims: string[] = [];
  for (let number = 0; ; number++) {
    const claim = `${path}.${found.identity}.${number}`;
    claims.push(claim);
    try {
      await (await open(claim, 'wx')).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const mtimeMs = await stat(claim).then(
        (stats) => stats.mtimeMs,
        () => Date.now(),
      );
      if (Date.now() - mtimeMs <= staleClaimMs) return false;
    }
  }
  try {
    const now = await findLock(path);
    if (now?.identity === found.identity && now.mtimeMs === found.mtimeMs) {
      claims.push(...(await oldClaims(path)));
      await rm(path, {force: true});
    }
  } finally {
    await Promise.all(claims.map((claim) => rm(claim, {force: true})));
  }
  return true;
}

/**
 * Claims on any lock at `path` whose holders are gone. Call it while the present lock is claimed: then they are claims
 * on it, which its removal makes useless, or on earlier locks.
 */
async function oldClaims(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = (await readdir(dirname(path)).catch(() => [])).filter(
    (name) => name.startsWith(prefix) && /^[\w-]+\.\d+$/.test(name.slice(prefix.length)),
  );
  const claims = names.map((name) => join(dirname(path), name));
  const stats = await Promise.all(claims.map((claim) => stat(claim).catch(() => undefined)));
  const isOld = (found: Stats | undefined) =>
    found !== undefined && found.size === 0 && Date.now() - found.mtimeMs > staleClaimMs;
  return claims.filter((_, index) => isOld(stats[index]));
}
