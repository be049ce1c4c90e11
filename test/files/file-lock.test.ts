import {fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile} from 'node:fs/promises';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {FileLock, removeLock, withFileLock} from '../../lib/files/file-lock.js';
import {isGone, parseHolder, thisHolder} from '../../lib/files/lock-holder.js';
import {nodeOptions, runnable} from '../program.js';
import {livingProcess} from './living-process.js';

/** The largest process id is 2^22 on Linux and lower elsewhere, so no process has this id. */
const dead = `99999999 ${hostname()}`;
const racer = runnable('test/files/lock-racer.ts');

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-lock-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return folder;
}

const old = (path: string) => utimes(path, new Date(Date.now() - 3_600_000), new Date(Date.now() - 3_600_000));

test('a lock that is held is told at once with its holder, and is free after its release', async (t) => {
  const path = join(await folderOf(t), 'a.lock');
  const lock = await FileLock.tryAcquire(path);
  if (!(lock instanceof FileLock)) return t.fail('it was free');
  const found = await FileLock.tryAcquire(path);
  t.false(found instanceof FileLock);
  t.like(found, {holder: {pid: process.pid, host: hostname()}});
  await lock.release();
  await lock.release();
  const again = await FileLock.tryAcquire(path);
  t.true(again instanceof FileLock);
  await (again as FileLock).release();
  t.deepEqual(await readdir(join(path, '..')), []);
});

test('a lock without a heartbeat is taken over, whoever is said to hold it', async (t) => {
  const folder = await folderOf(t);
  const texts = [
    `${livingProcess(t).pid} ${hostname()}`,
    `${process.pid} ${hostname()}`, // this process, as after the restart of a container
    thisHolder('another'),
    '1 another-machine',
    '', // killed before it wrote its name
  ];
  const takeOver = async (text: string, index: number) => {
    const path = join(folder, `${index}.lock`);
    await writeFile(path, text);
    t.false((await FileLock.tryAcquire(path)) instanceof FileLock, `${text} holds it with a heartbeat`);
    await old(path);
    t.is(await withFileLock(path, async () => 'done', {say: () => {}}), 'done', text);
    await writeFile(path, text);
    await old(path);
    const lock = await FileLock.tryAcquire(path);
    t.true(lock instanceof FileLock, text);
    await (lock as FileLock).release();
  };
  await Promise.all(texts.map(takeOver));
  t.deepEqual(await readdir(folder), []);
});

test('a machine whose clock is an hour behind keeps its lock while its heart beats', async (t) => {
  const path = join(await folderOf(t), 'a.lock');
  await writeFile(path, '1 another-machine - 0 token life');
  const beat = async () => utimes(path, new Date(), new Date(Date.now() - 3_600_000));
  await beat();
  const heart = setInterval(beat, 5000);
  t.teardown(() => clearInterval(heart));
  const controller = new AbortController();
  const waiting = withFileLock(path, async () => t.fail(), {signal: controller.signal, say: () => {}});
  const found = await FileLock.tryAcquire(path);
  t.false(found instanceof FileLock);
  t.like(found, {holder: {host: 'another-machine'}});
  await sleep(4000); // longer than withFileLock() watches
  controller.abort(new Error('lunch'));
  await t.throwsAsync(waiting, {message: 'lunch'});
});

test('a holder that is certainly gone is not waited for', (t) => {
  const holder = (text: string) => parseHolder(text)!;
  t.true(isGone(holder(dead)));
  t.false(isGone(holder(`99999999 another-machine`)), 'cannot be looked up');
  t.false(isGone(holder(thisHolder('token'))));
  const own = holder(thisHolder('token'));
  const before = Date.now() - process.uptime() * 1000 - 5;
  t.true(isGone({...own, life: 'another', since: before}), 'a process before with the same number');
  t.true(isGone({...own, life: undefined, since: before}), 'the same, by an older version');
  t.false(isGone({...own, since: before}), 'the clock was set, or stood still in a suspension');
  t.false(isGone({...own, pid: 99999999, table: 'pid:[1]'}), 'a process of another container');
  t.is(parseHolder('12'), undefined);
});

test('a lock that was replaced meanwhile is not removed', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'a.lock');
  await writeFile(path, '1 another-machine pid:[1] 1 first');
  const found = await FileLock.tryAcquire(path);
  if (found instanceof FileLock) return t.fail('it was held');
  await writeFile(path, '2 another-machine pid:[1] 1 second');
  t.true(await removeLock(path, found));
  t.regex(await readFile(path, 'utf8'), /second/);
  t.deepEqual(await readdir(folder), ['a.lock']);
});

test('only one process removes a lock; one that was killed over it is followed after some seconds', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'a.lock');
  const claim = `${path}.first.0`;
  await writeFile(path, `99999999 ${hostname()} pid:[1] 1 first`);
  await old(path);
  await writeFile(claim, '');
  t.false((await FileLock.tryAcquire(path)) instanceof FileLock);
  await utimes(claim, new Date(0), new Date(0));
  const lock = await FileLock.tryAcquire(path);
  t.true(lock instanceof FileLock);
  await (lock as FileLock).release();
  t.deepEqual(await readdir(folder), []);
});

test('a claim that a kill has left after the lock was gone is removed with a later lock', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'a.lock');
  const [left, fresh, others] = ['a.lock.of-before.0', 'a.lock.of-another.0', 'b.lock.of-before.0'];
  for (const name of [left, fresh, others]) await writeFile(join(folder, name), '');
  for (const name of [left, others]) await utimes(join(folder, name), new Date(0), new Date(0));
  await writeFile(path, dead);
  const lock = await FileLock.tryAcquire(path);
  t.true(lock instanceof FileLock);
  await (lock as FileLock).release();
  t.deepEqual((await readdir(folder)).sort(), [fresh, others].sort());
});

test('a holder finds out that its lock was taken over, even if it was released again', async (t) => {
  const path = join(await folderOf(t), 'a.lock');
  const lock = (await FileLock.tryAcquire(path)) as FileLock;
  t.is(await lock.findLoss(), undefined);
  await old(path);
  const thief = (await FileLock.tryAcquire(path)) as FileLock;
  t.true(thief instanceof FileLock);
  t.like(await lock.findLoss(), {holder: {pid: process.pid}});
  t.is(await thief.findLoss(), undefined);
  await thief.release();
  t.deepEqual(await lock.findLoss(), {holder: undefined});
  await lock.release();
});

test('of many that take over one lock at once, one gets it', async (t) => {
  const folder = await folderOf(t);
  for (let round = 0; round < 60; round++) {
    const path = join(folder, `${round}.lock`);
    await writeFile(path, dead);
    const got = await Promise.all(Array.from({length: 8}, () => FileLock.tryAcquire(path)));
    const locks = got.filter((lock) => lock instanceof FileLock);
    t.is(locks.length, 1);
    await locks[0]!.release();
  }
  t.deepEqual(await readdir(folder), []);
});

test('of many processes that take over one lock at once, one gets it', async (t) => {
  const folder = await folderOf(t);
  const rounds = 40;
  for (let round = 0; round < rounds; round++) await writeFile(join(folder, `${round}.lock`), dead);
  const children = Array.from({length: 4}, () => fork(racer, [folder, String(rounds)], {execArgv: [...nodeOptions]}));
  t.teardown(() => {
    for (const child of children) child.kill();
  });
  await Promise.all(children.map((child) => once(child, 'message')));
  const ends = children.map((child) => once(child, 'message'));
  const begin = Date.now() + 100;
  for (const child of children) child.send(begin);
  const won = (await Promise.all(ends)).flatMap(([rounds]) => rounds as number[]);
  t.deepEqual(
    won.toSorted((a, b) => a - b),
    Array.from({length: rounds}, (_, round) => round),
  );
});

test('waiting is told once, after a second', async (t) => {
  const path = join(await folderOf(t), 'a.lock');
  const lock = (await FileLock.tryAcquire(path)) as FileLock;
  const said: string[] = [];
  const waiting = withFileLock(path, async (waited) => waited, {say: (text) => said.push(text)});
  await sleep(500);
  t.deepEqual(said, []);
  await sleep(1500);
  await lock.release();
  t.true(await waiting);
  t.deepEqual(said, [`Waiting for ${path}, which is held by process ${process.pid} on ${hostname()}.`]);
});

test('waiting can be ended', async (t) => {
  const path = join(await folderOf(t), 'a.lock');
  const lock = (await FileLock.tryAcquire(path)) as FileLock;
  const controller = new AbortController();
  const waiting = withFileLock(path, async () => t.fail(), {signal: controller.signal});
  controller.abort(new Error('lunch'));
  await t.throwsAsync(waiting, {message: 'lunch'});
  const later = new AbortController();
  const waitingLonger = withFileLock(path, async () => t.fail(), {signal: later.signal});
  setTimeout(() => later.abort(new Error('dinner')), 100); // between two looks at the lock
  await t.throwsAsync(waitingLonger, {message: 'dinner'});
  await lock.release();
});

test('a lock in a folder that is gone is released without an error', async (t) => {
  const folder = join(await folderOf(t), 'gone');
  await mkdir(folder);
  const lock = (await FileLock.tryAcquire(join(folder, 'a.lock'))) as FileLock;
  await rm(folder, {recursive: true});
  await t.notThrowsAsync(lock.release());
});
