import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readFileSync} from 'node:fs';
import {mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {runCli} from '../../lib/cli/run.js';
import {temporaryFolder} from '../examples/run-example.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {nodeArguments} from '../program.js';
import {tinyModel} from '../tiny.js';

const main = nodeArguments('lib/cli/main.ts');
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

/** Starts `maskrcnn train` and waits until it has taken a step. */
async function startTraining(run: string, ...more: string[]): Promise<ChildProcess> {
  const args = ['train', join(folder, 'data'), '--config', join(folder, 'tiny.yaml'), '--output', run, ...more];
  const child = spawn(process.execPath, [...main, ...args], {stdio: ['ignore', 'ignore', 'pipe']});
  while (stepsOf(run) === 0) {
    if (!isRunning(child)) throw new Error(`training ended with ${child.exitCode ?? child.signalCode}`);
    await setTimeout(50);
  }
  return child;
}

function isRunning({exitCode, signalCode}: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function stepsOf(run: string): number {
  const metrics = join(run, 'metrics.jsonl');
  return existsSync(metrics) ? readFileSync(metrics, 'utf8').split('"step"').length - 1 : 0;
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test.serial(`${signal} finishes the step, saves, and ends with code ${code}`, async (t) => {
    const run = join(folder, signal);
    const child = await startTraining(run);
    let said = '';
    child.stderr!.on('data', (chunk) => (said += chunk));
    child.kill(signal);
    child.kill(signal); // npm passes on what the terminal has sent already
    t.deepEqual(await once(child, 'close'), [code, null]);
    t.regex(
      said,
      new RegExp(`Saved\\. \`maskrcnn train --resume --output .*${signal}\` goes on\\.\\nInterrupted\\.\\n$`),
    );
    t.true(existsSync(join(run, 'last.state.safetensors')));
    t.true(existsSync(join(run, 'last.safetensors')));
    t.false(existsSync(join(run, 'run.lock')));
  });
}

test.serial('a run is saved although its terminal, or what reads its output, has ended', async (t) => {
  const run = join(folder, 'unread');
  const child = await startTraining(run);
  const ended = once(child, 'exit');
  child.stderr!.destroy();
  // Each epoch writes a line that nobody reads.
  const seen = stepsOf(run);
  while (stepsOf(run) < seen + 20 && isRunning(child)) await setTimeout(50);
  child.kill('SIGHUP');
  t.deepEqual(await ended, [129, null]);
  t.true(existsSync(join(run, 'last.safetensors')));
});

test.serial('Ctrl-C does not hide that the run could not be saved', async (t) => {
  const run = join(folder, 'unsaved');
  // By now the second step of the epoch is running.
  const child = await startTraining(run, '--min-size', '400', '--max-size', '400');
  // A file cannot replace a folder that is not empty.
  await mkdir(join(run, 'last.state.safetensors', 'in-the-way'), {recursive: true});
  let said = '';
  child.stderr!.on('data', (chunk) => (said += chunk));
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'close'), [1, null]);
  t.regex(said, /error: .*last\.state\.safetensors could not be written: /);
  t.notRegex(said, /Saved|Interrupted/);
});

test.serial('a run that is interrupted before its first step is not said to be saved', async (t) => {
  const controller = new AbortController();
  const {progress, text} = recordedProgress();
  const interrupting = {
    ...progress,
    say: (line: string) => {
      progress.say(line);
      // The notice about layers is the last message before the run's folder is created.
      if (line.includes('has no effect')) controller.abort();
    },
  };
  const args = [
    'train',
    join(folder, 'data'),
    '--config',
    join(folder, 'tiny.yaml'),
    '--trainable-backbone-layers',
    '2',
  ];
  const output = {out: () => {}, progress: interrupting};
  const code = await runCli([...args, '--output', join(folder, 'early')], output, controller.signal);
  t.is(code, 130);
  t.regex(text(), /^--trainable-backbone-layers 2 has no effect.*\nInterrupted\.\n$/m);
  t.notRegex(text(), /Saved/);
});

test.serial('a second signal ends at once', async (t) => {
  // Steps take seconds at this size, so the first Ctrl-C still waits for its step.
  const child = await startTraining(join(folder, 'twice'), '--min-size', '800', '--max-size', '800');
  child.stderr!.resume();
  child.kill('SIGTERM');
  await setTimeout(200);
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'close'), [null, 'SIGINT']);
});
