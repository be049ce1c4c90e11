import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {nodeArguments} from '../program.js';

/** The exit code or signal of a script in this folder. */
function run(script: string, ...args: string[]): Promise<unknown> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...nodeArguments(`test/model/${script}`), ...args], () =>
      resolve(child.signalCode ?? child.exitCode),
    );
  });
}

// process.exit() destroys libtorch's static objects while a step uses them. This used to crash.
test('process.exit() during a training step ends the process with its code', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-exit-'));
  t.teardown(() => rm(folder, {recursive: true}));
  for (const attempt of [1, 2, 3]) {
    const code = await run('exit-during-step.ts', join(folder, String(attempt)));
    t.is(code, 3);
  }
});

// The last message of the model's thread used to arrive after the thread had been joined. It was joined again, which
// threw.
test('a thread that ends when a model in it has just been disposed of takes nothing down', async (t) => {
  t.is(await run('exit-while-retiring.ts'), 0);
});
