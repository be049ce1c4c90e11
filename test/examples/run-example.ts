import {spawn} from 'node:child_process';
import {mkdtemp} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {nodeArguments} from '../program.js';

export type Outcome = {code: number | null; stdout: string; stderr: string};

/** Runs `examples/NAME.ts` in the checkout, as a reader would. */
export function runExample(name: string, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [...nodeArguments(`examples/${name}.ts`), ...args], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({code, stdout, stderr}));
  });
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'maskrcnn-example-'));
}
