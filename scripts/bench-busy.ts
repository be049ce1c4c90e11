/**
 * Measures what other work on the same cores costs: the time of detection and of a training step on a quiet machine,
 * and beside as many processes that only burn time as there are threads. The fair share is then half of each core, so
 * twice the time. Prints a table in Markdown:
 *
 *   npm run bench:busy -- [--peer PYTHON] [--rounds 3] [--threads 2] [--only NAME]
 *
 * "libgomp's waiting" is this package with the waiting of idle threads that libgomp has by itself. PYTHON is an
 * interpreter with torch, torchvision and safetensors. The last line is about two models in one process.
 */
import {type ChildProcess, execFile, spawn} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {type Case, casesFor, writeTask} from './bench/cases.js';
import {median} from './bench/median.js';
import {Side} from './bench/side.js';

const {values} = parseArgs({
  options: {
    peer: {type: 'string'},
    rounds: {type: 'string', default: '3'},
    threads: {type: 'string', default: '2'},
    only: {type: 'string', default: ''},
  },
});
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
const script = (name: string) => fileURLToPath(new URL(`bench/${name}`, import.meta.url));

/** What libgomp does by itself: a thread turns 300,000 times before it sleeps. */
const OWN_WAITING = {GOMP_SPINCOUNT: '300000'};

console.log('| | | quiet | busy | ratio | longest |\n|---|---|---|---|---|---|');
for (const one of casesFor('cpu').filter(({name}) => ['inference', 'training, 3 layers'].includes(name))) {
  if (!one.name.includes(values.only)) continue;
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
  try {
    await writeTask(folder, one, 'cpu');
    await measure(one, folder);
    if (one.kind === 'detect') await measurePair(folder);
  } finally {
    await rm(folder, {recursive: true});
  }
}

async function measure({name}: Case, folder: string): Promise<void> {
  const ours = ['--import=tsx', script('ours.ts'), folder, 'float32'];
  const sides = [
    new Side('float32', process.execPath, ours, threads),
    new Side("float32, libgomp's waiting", process.execPath, ours, threads, OWN_WAITING),
    ...(values.peer
      ? [new Side('torchvision', values.peer, [script('torchvision_side.py'), folder, 'float32'], threads)]
      : []),
  ];
  for (const side of sides) await side.ready();
  const times = sides.map(() => ({quiet: [] as number[], busy: [] as number[]}));
  for (let round = 0; round < rounds; round++) {
    for (const [index, side] of sides.entries()) times[index]!.quiet.push(await side.run());
    const burners = await burn();
    for (const [index, side] of sides.entries()) times[index]!.busy.push(await side.run());
    for (const burner of burners) burner.kill('SIGKILL');
  }
  for (const [index, side] of sides.entries()) {
    await side.end();
    const {quiet, busy} = times[index]!;
    const [calm, disturbed] = [median(quiet), median(busy)];
    const cells = [name, side.name, seconds(calm), seconds(disturbed), (disturbed / calm).toFixed(2)];
    console.log(`| ${[...cells, seconds(Math.max(...busy))].join(' | ')} |`);
  }
}

/** Starts processes that keep all cores busy. Resolves when they do. */
async function burn(): Promise<ChildProcess[]> {
  const started = Array.from({length: threads}, () => {
    return spawn(process.execPath, ['-e', 'console.log(); for (;;);'], {stdio: ['ignore', 'pipe', 'inherit']});
  });
  await Promise.all(started.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))));
  return started;
}

async function measurePair(folder: string): Promise<void> {
  for (const own of [threads, Math.max(1, threads >> 1)]) {
    const args = ['--import=tsx', script('two-models.ts'), folder, String(own), String(rounds)];
    const {stdout} = await promisify(execFile)(process.execPath, args, {
      env: {...process.env, OMP_NUM_THREADS: String(threads)},
    });
    const {one, two} = JSON.parse(stdout.trim().split('\n').at(-1)!) as {one: number; two: number};
    const words = `two models of ${own} threads at once, seconds an image: ${two.toFixed(2)}`;
    console.log(`\n${words}; one alone, of ${threads}: ${one.toFixed(2)}. Throughput ${(one / two).toFixed(2)}.\n`);
  }
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}
