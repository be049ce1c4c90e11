import {chmod, mkdir, readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {requireWritableFolder, writing} from '../../lib/files/writing.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';

test('a system error becomes WRITE_FAILED, and others stay', async (t) => {
  const file = join(temporaryFolder(t), 'none', 'a.txt');
  await t.throwsAsync(
    writing(file, () => writeFile(file, ''), 'Look.'),
    {code: 'WRITE_FAILED', message: /^.*a\.txt could not be written: ENOENT: .*\.\nLook\.$/},
  );
  const other = new Error('other');
  t.is(await t.throwsAsync(writing(file, () => Promise.reject(other))), other);
});

test('a folder that is there, or can be made, is accepted and not made', async (t) => {
  const folder = temporaryFolder(t);
  await requireWritableFolder(folder);
  await requireWritableFolder(join(folder, 'a', 'b'));
  t.deepEqual(await readdir(folder), []);
});

test('a file where a folder should be is refused', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  await writeFile(file, '');
  for (const folder of [file, join(file, 'a', 'b')]) {
    await t.throwsAsync(requireWritableFolder(folder), {
      code: 'WRITE_FAILED',
      message: /could not be written: ENOTDIR/,
    });
  }
});

test('a folder without permission is refused', async (t) => {
  if (process.getuid?.() === 0) {
    t.log('skipped: root may write everywhere');
    t.pass();
    return;
  }
  const folder = join(temporaryFolder(t), 'closed');
  await mkdir(folder);
  await chmod(folder, 0o555);
  await t.throwsAsync(requireWritableFolder(join(folder, 'a')), {code: 'WRITE_FAILED', message: /EACCES/});
});
