import {execFile} from 'node:child_process';
import test from 'ava';
import {nodeArguments} from '../program.js';

/** The exit code or signal of terminate-workers.ts, and what it printed. */
function run(...args: string[]): Promise<[ending: unknown, output: string]> {
  const program = nodeArguments('test/addon/terminate-workers.ts');
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...program, ...args], (_, stdout, stderr) =>
      resolve([child.signalCode ?? child.exitCode, stdout + stderr]),
    );
  });
}

// node-addon-api used to abort the process with "terminate called after throwing an instance of 'Napi::Error'".
test.serial('worker threads that are terminated during calls of the addon take nothing down', async (t) => {
  t.deepEqual(await run('10', 'calls'), [0, '']);
});

test.serial('worker threads that are terminated during predictions take nothing down', async (t) => {
  t.deepEqual(await run('3', 'model'), [0, '']);
});
