import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {writeAll, writeAtomically} from '../../lib/files/atomic-file.js';

test('a file takes the place of the older one, whole', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-atomic-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const path = join(folder, 'a.txt');
  await writeFile(path, 'old');
  await writeAtomically(path, async (file) => {
    await writeAll(file, Buffer.from('new '));
    t.is(await readFile(path, 'utf8'), 'old');
    await writeAll(file, Buffer.from('text'));
  });
  t.is(await readFile(path, 'utf8'), 'new text');
  t.deepEqual(await readdir(folder), ['a.txt']);
});

test('when writing fails the older file stays and nothing is left beside it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-atomic-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const path = join(folder, 'a.txt');
  await writeFile(path, 'old');
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {code: 'ENOSPC', syscall: 'write'});
  const write = writeAtomically(path, async (file) => {
    await writeAll(file, Buffer.from('half'));
    throw full;
  });
  await t.throwsAsync(write, {
    code: 'WRITE_FAILED',
    message: `${path} could not be written: ENOSPC: no space left on device, write.\nWhat was there before is unchanged.`,
  });
  t.is(await readFile(path, 'utf8'), 'old');
  t.deepEqual(await readdir(folder), ['a.txt']);
});

test('a folder that is not there is named', async (t) => {
  const path = join(tmpdir(), 'maskrcnn-no-such-folder', 'a.txt');
  await t.throwsAsync(
    writeAtomically(path, async () => {}),
    {code: 'WRITE_FAILED', message: /a\.txt could not be written: ENOENT/},
  );
});
