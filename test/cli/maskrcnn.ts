import {runCli} from '../../lib/cli/run.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';

/** Runs a command of `maskrcnn` in this process: its exit code, its results, and what else it says. */
export async function maskrcnn(...args: string[]): Promise<{code: number; out: string; err: string}> {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}
