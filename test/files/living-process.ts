import {type ChildProcess, spawn} from 'node:child_process';
import type {ExecutionContext} from 'ava';

/** A process that lives until the end of the test. */
export function livingProcess(t: ExecutionContext): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'});
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}
