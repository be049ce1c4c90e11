import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {RunFolder} from '../../lib/run-folder.js';

test('without a name a run gets the first free folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-runs-'));
  const home = process.cwd();
  process.chdir(folder);
  try {
    const runs = await Promise.all([undefined, undefined, undefined].map((path) => RunFolder.open(path)));
    t.deepEqual(
      runs.map(({path}) => path).sort(),
      ['runs/train', 'runs/train-2', 'runs/train-3'].map((path) => join(path)),
    );
    await Promise.all(runs.map((run) => run.close()));
  } finally {
    process.chdir(home);
    await rm(folder, {recursive: true});
  }
});

test('a run with a name begins its metrics anew', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-runs-'));
  for (const epoch of [1, 2]) {
    const run = await RunFolder.open(folder);
    await run.append({type: 'epoch', epoch, loss: 1, seconds: 1, validation: null});
    await run.close();
  }
  const lines = await readFile(join(folder, 'metrics.jsonl'), 'utf8');
  t.is(lines, '{"type":"epoch","epoch":2,"loss":1,"seconds":1,"validation":null}\n');
  await rm(folder, {recursive: true});
});
