import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {makeTemporaryFolder, removeAbandonedFolders} from '../../lib/files/temporary-folder.js';

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
  const mine = await makeTemporaryFolder('serve');
  const [pid, host, table, since] = readFileSync(join(mine, 'owner'), 'utf8').split(' ');
  t.deepEqual([pid, host], [`${process.pid}`, hostname()]);

  const folder = (name: string, owner: string | undefined) => {
    const path = join(root, name);
    mkdirSync(path);
    writeFileSync(join(path, 'image'), 'pixels');
    if (owner !== undefined) writeFileSync(join(path, 'owner'), owner);
    return path;
  };
  const gone = `${child.pid} ${host} ${table} ${since} -`;
  const removed = {
    'a server that was killed': folder('maskrcnn-serve-killed', gone),
    'a copy of a process that was killed': folder('maskrcnn-regions-Killed', gone),
    'this process number in an earlier life': folder('maskrcnn-serve-before', `${pid} ${host} ${table} 1000 -`),
    'a process number of old that another one has now': folder(
      'maskrcnn-serve-reused',
      `${process.ppid} ${host} ${table} ${Date.now() - DAY - 1000} -`,
    ),
    'another machine, a day ago': folder('maskrcnn-serve-faraay', `1 elsewhere - ${Date.now() - DAY - 1000} -`),
  };
  const kept = {
    mine,
    'a process that lives': folder('maskrcnn-serve-living', `${process.ppid} ${host} ${table} ${Date.now()} -`),
    'another machine': folder('maskrcnn-serve-others', `1 elsewhere - ${Date.now()} -`),
    'another table of processes': folder('maskrcnn-serve-ctable', `${child.pid} ${host} pid:[1] ${Date.now()} -`),
    'no owner': folder('maskrcnn-serve-noname', undefined),
    'an owner that is not readable': folder('maskrcnn-serve-broken', 'x'),
    'another name': folder('maskrcnn-serve-data', gone),
    'a name that goes on': folder('maskrcnn-serve-killed2', gone),
  };
  const target = folder('elsewhere', gone);
  symlinkSync(target, join(root, 'maskrcnn-serve-linked'));

  await removeAbandonedFolders();
  for (const [what, path] of Object.entries(removed)) t.false(existsSync(path), what);
  for (const [what, path] of Object.entries(kept)) t.true(existsSync(join(path, 'owner')) || what === 'no owner', what);
  t.true(existsSync(join(kept['no owner'], 'image')));
  t.true(existsSync(join(target, 'image')) && existsSync(join(root, 'maskrcnn-serve-linked')));
});

test.serial('a temporary folder that is not there is no error', async (t) => {
  process.env.TMPDIR = join(root, 'nowhere');
  await t.notThrowsAsync(removeAbandonedFolders());
  process.env.TMPDIR = root;
});
