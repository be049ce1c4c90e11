import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {makeTemporaryFolder, removeAbandonedFolders} from '../../lib/files/temporary-folder.js';
import {livingProcess} from './living-process.js';

// The functions look into TMPDIR each time.
const root = mkdtempSync(join(tmpdir(), 'maskrcnn-temporary-test-'));
const before = process.env.TMPDIR;
process.env.TMPDIR = root;
test.after.always(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(root, {recursive: true, force: true});
});

const DAY = 24 * 60 * 60 * 1000;

test.serial('folders of processes that have ended are removed, and no others', async (t) => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'close');
  const living = livingProcess(t).pid;
  const mine = await makeTemporaryFolder('serve');
  const [pid, host, table, since, token, life] = readFileSync(join(mine, 'owner'), 'utf8').split(' ');
  t.deepEqual([pid, host], [`${process.pid}`, hostname()]);

  const folder = (name: string, owner: string | undefined) => {
    const path = join(root, name);
    mkdirSync(path);
    writeFileSync(join(path, 'image'), 'pixels');
    if (owner !== undefined) writeFileSync(join(path, 'owner'), owner);
    return path;
  };
  const days = (path: string, count: number) => {
    const date = new Date(Date.now() - count * DAY - 1000);
    utimesSync(path, date, date);
    return path;
  };
  const gone = `${child.pid} ${host} ${table} ${since} -`;
  const removed = {
    'a server that was killed': folder('maskrcnn-serve-killed', gone),
    'a copy of a process that was killed': folder('maskrcnn-regions-Killed', gone),
    'this process number in an earlier life': folder('maskrcnn-serve-before', `${pid} ${host} ${table} 1000 -`),
    'a process number of old that another one has now': folder(
      'maskrcnn-serve-reused',
      `${living} ${host} ${table} ${Date.now() - DAY - 1000} -`,
    ),
    'another machine, a day ago': folder('maskrcnn-serve-faraay', `1 elsewhere - ${Date.now() - DAY - 1000} -`),
    'no owner for a day': days(folder('maskrcnn-serve-oldest', undefined), 1),
    'an owner that is not readable for a day': days(folder('maskrcnn-regions-Oldest', 'x'), 1),
  };
  const kept = {
    mine,
    'one of this process, but the clock was set': folder(
      'maskrcnn-serve-clocks',
      `${pid} ${host} ${table} 1000 ${token} ${life}`,
    ),
    'a process that lives': folder('maskrcnn-serve-living', `${living} ${host} ${table} ${Date.now()} -`),
    'another machine': folder('maskrcnn-serve-others', `1 elsewhere - ${Date.now()} -`),
    'another table of processes': folder('maskrcnn-serve-ctable', `${child.pid} ${host} pid:[1] ${Date.now()} -`),
    'no owner': folder('maskrcnn-serve-noname', undefined),
    'an owner that is not readable': folder('maskrcnn-serve-broken', 'x'),
    'another name, for days': days(folder('maskrcnn-train-killed', undefined), 3),
    'another name': folder('maskrcnn-serve-data', gone),
    'a name that goes on': folder('maskrcnn-serve-killed2', gone),
  };
  const target = folder('elsewhere', gone);
  symlinkSync(target, join(root, 'maskrcnn-serve-linked'));

  await removeAbandonedFolders();
  for (const [what, path] of Object.entries(removed)) t.false(existsSync(path), what);
  for (const [what, path] of Object.entries(kept))
    t.true(existsSync(what === 'mine' ? join(path, 'owner') : join(path, 'image')), what);
  t.true(existsSync(join(target, 'image')) && existsSync(join(root, 'maskrcnn-serve-linked')));
});

test.serial('of a folder whose owner cannot be written, nothing stays', async (t) => {
  if (process.platform === 'win32') return t.pass(); // paths have no fixed length
  // The path of the folder is just short enough for the system, and that of a file in it is not.
  const longest = (process.platform === 'darwin' ? 1024 : 4096) - 1;
  let deep = root;
  const random = 6; // characters that mkdtemp() adds
  const length = longest - '/maskrcnn-regions-'.length - random;
  while (deep.length < length - 201) deep = join(deep, 'd'.repeat(199));
  deep = join(deep, 'e'.repeat(length - deep.length - 1));
  mkdirSync(deep, {recursive: true});
  process.env.TMPDIR = deep;
  t.teardown(() => {
    process.env.TMPDIR = root;
  });
  await t.throwsAsync(makeTemporaryFolder('regions'), {code: 'ENAMETOOLONG', message: /owner/});
  t.deepEqual(readdirSync(deep), []);
});

test.serial('a temporary folder that is not there is no error', async (t) => {
  process.env.TMPDIR = join(root, 'nowhere');
  await t.notThrowsAsync(removeAbandonedFolders());
  process.env.TMPDIR = root;
});
