import {readFile, writeFile} from 'node:fs/promises';
import test from 'ava';
import {describeSurface} from './surface.js';

const file = new URL('./surface.txt', import.meta.url);

test('the public API is the one that surface.txt records', async (t) => {
  const surface = describeSurface();
  // After an intended change: run UPDATE_API=1 npx ava test/api/surface.test.ts, add a line to CHANGELOG.md, and commit
  // both.
  if (process.env.UPDATE_API === '1') await writeFile(file, surface);
  t.deepEqual(surface.split('\n\n'), (await readFile(file, 'utf8')).split('\n\n'));
});
