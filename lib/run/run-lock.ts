import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {describeHolder, FileLock} from '../files/file-lock.js';

/** The file in a run's folder that is there as long as the run goes on. */
const LOCK = 'run.lock';

/**
 * Creates `folder` and locks it for a run. Throws BUSY if another run goes on in it, and INVALID_OPTION if it cannot be
 * written.
 */
export async function lockRun(folder: string): Promise<FileLock> {
  const path = join(folder, LOCK);
  const lock = await (async () => {
    await mkdir(folder, {recursive: true});
    return FileLock.tryAcquire(path);
  })().catch((cause) => {
    throw unwritable(folder, cause);
  });
  if (lock instanceof FileLock) return lock;
  throw new MaskRcnnError(
    'BUSY',
    `${folder} must not be in use by another run, but ${describeHolder(lock.holder)} trains in it.`,
    {
      file: path,
      hint: 'Wait until that run has ended, or choose another folder as `output`. If that process is gone, try again in a minute.',
    },
  );
}

/**
 * Throws BUSY if another process has taken over `lock` of the run in `folder` because this one was suspended for longer
 * than a minute.
 */
export async function requireLock(folder: string, lock: FileLock): Promise<void> {
  const loss = await lock.findLoss();
  if (loss === undefined) return;
  const {holder} = loss;
  const done =
    holder === undefined
      ? 'another process has removed its lock'
      : `${describeHolder(holder)} has begun to train in it while this process was suspended`;
  throw new MaskRcnnError('BUSY', `${folder} must be this run's, but ${done}. So this run has ended.`, {
    file: join(folder, LOCK),
    hint: "The files in it are the other run's. To train again, choose another `output`.",
  });
}

/** INVALID_OPTION for a folder that cannot be created or written. */
export function unwritable(folder: string, cause: unknown): MaskRcnnError {
  return new MaskRcnnError(
    'INVALID_OPTION',
    `Option 'output' of train() must be a folder that can be written, got '${folder}' (${(cause as Error).message}).`,
    {file: folder, cause},
  );
}
