import {mkdir, mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import test from 'ava';
import {removeStale} from '../../scripts/typescript.js';

test('what has no source any more is removed from dist, and nothing else', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'maskrcnn-dist-'));
  t.teardown(() => rm(root, {recursive: true}));
  const kept = ['dist/.tsbuildinfo', 'dist/a.js', 'dist/a.d.ts', 'dist/b/c.js', 'dist/report/page/report.css'];
  const stale = ['dist/gone.js', 'dist/gone.d.ts', 'dist/b/old.js', 'dist/old/x.js', 'dist/report/page/old.css'];
  const sources = ['lib/a.ts', 'lib/b/c.ts', 'lib/report/page/report.css'];
  for (const file of [...kept, ...stale, ...sources]) {
    await mkdir(join(root, dirname(file)), {recursive: true});
    await writeFile(join(root, file), '');
  }
  await removeStale(root);
  const left = await readdir(join(root, 'dist'), {recursive: true, withFileTypes: true});
  const files = left.filter((entry) => entry.isFile()).map(({parentPath, name}) => join(parentPath, name));
  t.deepEqual(files.sort(), kept.map((file) => join(root, file)).sort());
  t.deepEqual(
    left
      .filter((entry) => entry.isDirectory())
      .map(({name}) => name)
      .sort(),
    ['b', 'page', 'report'],
  );
});
