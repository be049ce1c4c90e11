import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readFileSync} from 'node:fs';
import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {temporaryFolder} from '../examples/run-example.js';
import {tinyModel} from '../tiny.js';

const main = fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url));
let folder: string;

test.before(async () => {
  folder = await temporaryFolder();
  await writeGlandImages(join(folder, 'data'), 'train', 4, 1);
  const {classes: _, ...model} = tinyModel;
  await writeFile(
    join(folder, 'tiny.yaml'),
    JSON.stringify({...model, classes: ['gland'], epochs: 500, validation: 0}),
  );
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** `maskrcnn train`, once it has taken a step. */
async function startTraining(run: string, ...more: string[]): Promise<ChildProcess> {
  const args = ['train', join(folder, 'data'), '--config', join(folder, 'tiny.yaml'), '--output', run, ...more];
  const child = spawn(process.execPath, ['--import=tsx', main, ...args], {stdio: ['ignore', 'ignore', 'pipe']});
  const metrics = join(run, 'metrics.jsonl');
  while (!existsSync(metrics) || readFileSync(metrics, 'utf8').trim() === '') {
    if (child.exitCode !== null) throw new Error(`training ended with ${child.exitCode}`);
    await setTimeout(50);
  }
  return child;
}

test.serial('Ctrl-C finishes the step, saves, and ends with code 130', async (t) => {
  const run = join(folder, 'once');
  const child = await startTraining(run);
  let said = '';
  child.stderr!.on('data', (chunk) => (said += chunk));
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'close'), [130, null]);
  t.regex(said, /Interrupted\.\n$/);
  t.true(existsSync(join(run, 'last.state.safetensors')));
  t.true(existsSync(join(run, 'last.safetensors')));
});

test.serial('a second Ctrl-C ends at once', async (t) => {
  // Steps of seconds, so that the first one still waits for its own.
  const child = await startTraining(join(folder, 'twice'), '--min-size', '800', '--max-size', '800');
  child.stderr!.resume();
  child.kill('SIGINT');
  await setTimeout(100);
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'close'), [null, 'SIGINT']);
});
