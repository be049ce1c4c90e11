import {once} from 'node:events';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {FileLock} from '../../lib/files/file-lock.js';

/** Tries to take each of the locks in a folder at a set time, holds what it gets, and tells which it got. */
const [folder, rounds] = [process.argv[2]!, Number(process.argv[3])];
process.send!('ready');
const [begin] = (await once(process, 'message')) as [number];
const locks: [number, FileLock][] = [];
for (let round = 0; round < rounds; round++) {
  await sleep(Math.max(0, begin + round * 20 - Date.now()));
  const lock = await FileLock.tryAcquire(join(folder, `${round}.lock`));
  if (lock instanceof FileLock) locks.push([round, lock]);
}
process.send!(locks.map(([round]) => round));
await once(process, 'disconnect');
