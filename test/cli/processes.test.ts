import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {readWeights} from '../../lib/weights/read-weights.js';
import {writeBlobImages} from '../blob-images.js';
import {temporaryFolder} from '../examples/run-example.js';
import {nodeArguments} from '../program.js';
import {python, pythonHas} from '../python.js';
import {fingerprints, tinyModel} from '../tiny.js';

const main = nodeArguments('lib/cli/main.ts');
let folder: string;

test.before(async () => {
  folder = await temporaryFolder();
  await writeBlobImages(join(folder, 'data'), 8);
  const {classes: _, ...model} = tinyModel;
  const options = {...model, validation: 0.25, epochs: 2, warmup: 0, freeze: ['backbone.body'], inspect: false};
  await writeFile(join(folder, 'tiny.yaml'), JSON.stringify(options));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

type Outcome = {code: number | null; out: string; err: string};

type Started = {child: ChildProcess; ended: Promise<Outcome>};

function started(command: string, args: readonly string[], variables: Record<string, string> = {}): Started {
  const env = {...process.env, MASKRCNN_THREADS: '1', ...variables};
  const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe'], env});
  let [out, err] = ['', ''];
  child.stdout.on('data', (part) => (out += part));
  child.stderr.on('data', (part) => (err += part));
  return {child, ended: new Promise((done) => child.on('close', (code) => done({code, out, err})))};
}

const training = (run: string, ...more: string[]) => [
  ...['train', join(folder, 'data'), '--classes', 'blob', '--config', join(folder, 'tiny.yaml')],
  ...['--output', join(folder, run), ...more],
];
const maskrcnn = (...args: string[]) => started(process.execPath, [...main, ...args]);

/** Waits until a run has taken a step. */
async function firstStep(run: string, child: ChildProcess): Promise<void> {
  const metrics = join(folder, run, 'metrics.jsonl');
  while (!existsSync(metrics) || !readFileSync(metrics, 'utf8').includes('"step"')) {
    if (child.exitCode !== null) throw new Error(`training ended with ${child.exitCode}`);
    await setTimeout(50);
  }
}

/** The losses of a run, step by step. */
async function lossesOf(run: string): Promise<unknown[]> {
  const lines = (await readFile(join(folder, run, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const records = lines.map((line) => JSON.parse(line)).filter(({type}) => type === 'step');
  return records.map(({losses}) => losses);
}

test.serial('--processes 2 trains in two processes; rank 0 writes the run, the other one a log', async (t) => {
  const {code, out, err} = await maskrcnn(...training('two', '--processes', '2')).ended;
  t.is(code, 0, err);
  t.regex(err, /batches of 2 × 2 processes\. SGD at rate 0\.01 \(0\.0025 × 4 images\)/);
  t.is(out.match(/^Done\./gm)?.length, 1);
  t.is((await lossesOf('two')).length, 4);
  t.true((await readdir(join(folder, 'two'))).includes('report.html'));
  t.deepEqual(await readdir(join(folder, 'two', 'ranks')), ['rank-1.log']);
  const log = await readFile(join(folder, 'two', 'ranks', 'rank-1.log'), 'utf8');
  t.regex(log, /^epoch 2\/2: loss \d/m);
});

/** The processes that process `pid` has started; only Linux tells. */
const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

(process.platform === 'linux' ? test.serial : test.serial.skip)(
  'when a process is killed, the command ends with one error that names it',
  async (t) => {
    const {child, ended} = maskrcnn(...training('killed', '--processes', '2', '--epochs', '500'));
    await firstStep('killed', child);
    const [, second] = childrenOf(child.pid!);
    process.kill(second!, 'SIGKILL');
    const {code, err} = await ended;
    t.is(code, 1);
    t.deepEqual(err.match(/^error: .*/gm)?.length, 1, err);
    t.regex(err, new RegExp(`^error: Rank 1 \\(.+, process ${second}\\) has ended without a word`, 'm'));
    t.regex(err, new RegExp(`^Rank 1 \\(.+, process ${second}\\) has ended by SIGKILL`, 'm'));
  },
);

test.serial('an interruption ends all processes after the same step, and saves', async (t) => {
  const {child, ended} = maskrcnn(...training('interrupted', '--processes', '2', '--epochs', '500'));
  await firstStep('interrupted', child);
  // A terminal sends it to all processes, here later than the first one passes it on.
  const ranks = process.platform === 'linux' ? childrenOf(child.pid!) : [];
  child.kill('SIGINT');
  await setTimeout(200);
  for (const pid of ranks) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGINT');
  const {code, err} = await ended;
  t.is(code, 130, err);
  t.regex(err, /^Saved\. `maskrcnn train --resume --output .*interrupted` goes on\.$/m);
  t.true(existsSync(join(folder, 'interrupted', 'last.state.safetensors')));
  t.false(existsSync(join(folder, 'interrupted', 'run.lock')));
});

test('--processes within a group that a launcher has made is refused', (t) => {
  const {status, stderr} = spawnSync(process.execPath, [...main, ...training('refused', '--processes', '2')], {
    env: {...process.env, RANK: '0', WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1'},
    encoding: 'utf8',
  });
  t.is(status, 2);
  t.regex(stderr, /^error: Option --processes starts processes on this machine, but .*: rank 0\.$/m);
});

const torchrun = ['-m', 'torch.distributed.run', '--standalone', '--no-python', '--nproc-per-node', '2'];
const hasTorch = pythonHas(['torch.distributed.run'], 'torchrun starts processes');
const ifTorch = hasTorch ? test.serial : test.serial.skip;

ifTorch("torchrun's processes find each other by its store, and train and score as one", async (t) => {
  const run = (...args: string[]) => started(python, [...torchrun, process.execPath, ...main, ...args]).ended;
  const trained = await run(...training('torchrun'));
  t.is(trained.code, 0, trained.err);
  t.is(trained.out.match(/^Done\./gm)?.length, 1);
  t.is((await lossesOf('torchrun')).length, 4);

  const weights = join(folder, 'torchrun', 'last.safetensors');
  const scoring = (output: string) => [
    ...['evaluate', join(folder, 'data'), '--classes', 'blob', '--weights', weights, '--score-threshold', '0.05'],
    ...['--output', join(folder, output), '--json'],
  ];
  const shared = await run(...scoring('shared'));
  t.is(shared.code, 0, shared.err);
  const alone = await maskrcnn(...scoring('alone')).ended;
  t.is(alone.code, 0, alone.err);
  t.deepEqual(JSON.parse(shared.out), JSON.parse(alone.out));
  const text = (output: string, file: string) => readFile(join(folder, output, file), 'utf8');
  for (const file of ['results.json', 'images.csv']) t.is(await text('shared', file), await text('alone', file));
});

/** The weights of a run, by their digests. */
const weightsOf = async (run: string) =>
  fingerprints((await readWeights(join(folder, run, 'last.safetensors'))).tensors);

(hasTorch && process.platform === 'linux' ? test.serial : test.serial.skip)(
  'with --max-restarts, torchrun starts the processes again, and they come to the weights of an uninterrupted run',
  async (t) => {
    const often = ['--resume', 'auto', '--save-every-minutes', '0.0001'];
    const command = (run: string) => [process.execPath, ...main, ...training(run, '--epochs', '6', ...often)];
    const whole = await started(python, [...torchrun, ...command('never-killed')]).ended;
    t.is(whole.code, 0, whole.err);
    const {child, ended} = started(python, [...torchrun, '--max-restarts', '1', ...command('restarted')]);
    const state = join(folder, 'restarted', 'last.state.safetensors');
    while (!existsSync(state) && child.exitCode === null) await setTimeout(20);
    process.kill(childrenOf(child.pid!)[1]!, 'SIGKILL');
    const {code, err} = await ended;
    t.is(code, 0, err);
    t.regex(err, /^Going on from step \d+\.$/m);
    t.deepEqual(await lossesOf('restarted'), await lossesOf('never-killed'));
    t.deepEqual(await weightsOf('restarted'), await weightsOf('never-killed'));
  },
);

const hasMpirun = spawnSync('mpirun', ['--version']).status === 0;
if (!hasMpirun)
  console.log('# skipped: mpirun starts processes, for there is none (Debian: apt-get install openmpi-bin)');

(hasMpirun ? test.serial : test.serial.skip)("mpirun's processes train as one", async (t) => {
  // Of Open MPI 4 and 5: more processes than cores, and by root, as in containers.
  const variables = {
    OMPI_ALLOW_RUN_AS_ROOT: '1',
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
    OMPI_MCA_rmaps_base_oversubscribe: '1',
    PRTE_MCA_rmaps_default_mapping_policy: ':oversubscribe',
  };
  const {code, out, err} = await started(
    'mpirun',
    ['-n', '2', process.execPath, ...main, ...training('mpirun')],
    variables,
  ).ended;
  t.is(code, 0, err);
  t.is(out.match(/^Done\./gm)?.length, 1);
  t.is((await lossesOf('mpirun')).length, 4);
  t.deepEqual(await readdir(join(folder, 'mpirun', 'ranks')), ['rank-1.log']);
});
