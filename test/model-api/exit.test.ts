import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const script = fileURLToPath(new URL('exit-during-step.ts', import.meta.url));

// process.exit() destroys libtorch's static objects, under a step that uses them: it crashed.
test('process.exit() during a training step ends the process with its code', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-exit-'));
  t.teardown(() => rm(folder, {recursive: true}));
  for (const attempt of [1, 2, 3]) {
    const code = await new Promise((resolve) => {
      const child = execFile(process.execPath, ['--import=tsx', script, join(folder, String(attempt))], () =>
        resolve(child.signalCode ?? child.exitCode),
      );
    });
    t.is(code, 3);
  }
});
