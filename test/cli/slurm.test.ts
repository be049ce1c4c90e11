import {chmod, mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {writeBlobImages} from '../blob-images.js';
import {temporaryFolder} from '../examples/run-example.js';
import {tinyModel} from '../tiny.js';
import {obstacleToSlurm, Slurm} from './slurm.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const obstacle = await obstacleToSlurm();
if (obstacle !== undefined) console.log(`# skipped: Slurm queues a training again, for ${obstacle}`);

let folder: string;
let slurm: Slurm | undefined;
test.before(async () => {
  folder = await temporaryFolder();
  if (obstacle !== undefined) return;
  await writeBlobImages(join(folder, 'data'), 8);
  const {classes: _, ...model} = tinyModel;
  const options = {...model, validation: 0.25, epochs: 12, warmup: 0, freeze: ['backbone.body'], inspect: false};
  await writeFile(join(folder, 'tiny.yaml'), JSON.stringify(options));
  // The script starts `npx maskrcnn`, here with the options of a tiny network.
  await mkdir(join(folder, 'bin'));
  const command = `"${process.execPath}" "${join(root, 'dist', 'cli', 'main.js')}"`;
  await writeFile(join(folder, 'bin', 'npx'), `#!/bin/sh\nshift\nexec ${command} "$@" --config tiny.yaml\n`);
  await chmod(join(folder, 'bin', 'npx'), 0o755);
  slurm = await Slurm.start(join(folder, 'slurm'));
});
test.after.always(async () => {
  await slurm?.stop();
  await rm(folder, {recursive: true, force: true});
});

const script = join(root, 'examples', 'distributed', 'train.sbatch');

(obstacle === undefined ? test : test.skip)(
  'train.sbatch trains in two tasks; when its time is over it saves, is queued again and goes on',
  async (t) => {
    const log = join(folder, 'log');
    // One machine with two tasks instead of two machines with eight.
    const smaller = ['--nodes', '1', '--ntasks-per-node', '2', '--cpus-per-task', '1', '--output', log, '--parsable'];
    const env = {PATH: `${join(folder, 'bin')}:${process.env.PATH}`, MASKRCNN_THREADS: '1'};
    const job = (await slurm!.ask('sbatch', [...smaller, script, 'data'], {cwd: folder, env})).trim();
    await slurm!.until('cat', [log], /^epoch 2\/12: loss/m);
    // What Slurm sends two minutes before the end.
    await slurm!.ask('scancel', ['--signal=TERM', job]);
    await slurm!.until('scontrol', ['show', 'job', job], /JobState=PENDING.* Restarts=1 /s);
    // Slurm waits two minutes with a job that is queued again.
    await slurm!.ask('scontrol', ['update', `JobId=${job}`, 'StartTime=now']);
    await slurm!.until('scontrol', ['show', 'job', job], /JobState=COMPLETED/);
    const said = await readFile(log, 'utf8');
    t.regex(said, /^Saved\. `maskrcnn train --resume --output .*cells` goes on\.$/m);
    t.regex(said, /^Going on from step \d+\.$/m);
    t.is(said.match(/^Done\./gm)?.length, 1);
    const records = (await readFile(join(folder, 'runs/cells/metrics.jsonl'), 'utf8')).trim().split('\n');
    const steps = records.map((line) => JSON.parse(line)).filter(({type}) => type === 'step');
    t.deepEqual(
      steps.map(({step}) => step),
      Array.from({length: 24}, (_, i) => i),
    );
  },
);
