/**
 * Measures a training step of a group of processes on this machine, beside one process with as large a batch:
 *
 *   npm run bench:distributed -- [--processes 2] [--batch 2] [--backbone resnet50] [--side 800] [--steps 6]
 *     [--gradients float32|bfloat16] [--rate 1gbit]
 *
 * --batch is of each process. The cores are shared, so more processes are not faster. The table says what the group
 * costs: how long a process waits for slower ones, and how long for sums after its backward pass, each in seconds and
 * as a share of the step, and both together as a share.
 *
 * --rate puts each process into a network namespace that sends and receives at most that much, and tells what it has
 * sent. It takes root, and iproute2. There is no comparison with one process then. --processes, --gradients and --rate
 * may be lists: 2,4.
 */
import {spawn} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {type Dataset, type ModelOptions, maskRcnn, type StepRecord, train} from '../lib/index.js';
import {median} from './bench/median.js';
import {Namespaces} from './bench/namespaces.js';

type Wire = 'float32' | 'bfloat16';
type Task = {batch: number; images: number; backbone: string; side: number; steps: number; output: string; wire: Wire};

/** A step, and how many bytes its process had sent by its end, on all interfaces but loopback. */
type Step = StepRecord & {sent: number};

const {values} = parseArgs({
  options: {
    processes: {type: 'string', default: '2'},
    batch: {type: 'string', default: '2'},
    backbone: {type: 'string', default: 'resnet50'},
    side: {type: 'string', default: '800'},
    steps: {type: 'string', default: '6'},
    gradients: {type: 'string', default: 'float32'},
    rate: {type: 'string'},
    task: {type: 'string'},
  },
});

/** Grey images of `side` × `side` pixels with eight bright squares each. */
function squares(length: number, side: number): Dataset {
  const object = Math.floor(side / 8);
  const mask = new Uint8Array(object * object).fill(1);
  return {
    length,
    classes: ['square'],
    get: async (index) => {
      const data = new Uint8Array(side * side * 3).map((_, i) => 60 + ((i * 7 + index * 13) % 40));
      const instances = Array.from({length: 8}, (_, k) => {
        const left = (k % 4) * 2 * object + ((index * 5) % object);
        const top = Math.floor(k / 4) * 4 * object + ((index * 3 + k) % object);
        for (let y = top; y < top + object; y++) data.fill(220, (y * side + left) * 3, (y * side + left + object) * 3);
        return {
          label: 1,
          box: [left, top, left + object, top + object] as [number, number, number, number],
          mask: {left, top, width: object, height: object, data: mask},
        };
      });
      return {file: `square_${index}`, image: {data, width: side, height: side}, instances};
    },
  };
}

/** The bytes that this network namespace has sent so far. Only Linux tells. */
function sentSoFar(): number {
  const lines = existsSync('/proc/self/net/dev') ? readFileSync('/proc/self/net/dev', 'utf8').split('\n').slice(2) : [];
  const interfaces = lines
    .map((line) => line.split(/[:\s]+/).filter(Boolean))
    .filter(([name]) => name && name !== 'lo');
  return interfaces.reduce((sum, fields) => sum + Number(fields[9]), 0);
}

/** One process: trains, and prints the records of its steps. */
async function work({batch, images, backbone, side, steps, output, wire}: Task): Promise<void> {
  await using model = await maskRcnn({
    backbone: backbone as NonNullable<ModelOptions['backbone']>,
    backboneNorm: 'frozen',
    classes: ['square'],
    minSize: side,
    maxSize: side,
  });
  const done: Step[] = [];
  await train(model, {
    data: squares(images * steps, side),
    epochs: 1,
    batchSize: batch,
    lr: 1e-5,
    saveEveryMinutes: null,
    distributed: {gradients: wire},
    onStep: (step) => done.push({...step, sent: sentSoFar()}),
    log: 'silent',
    output,
  });
  console.log(JSON.stringify(done));
}

/** Runs `processes` of them as one group. Returns the records by process. */
async function measure(processes: number, task: Task, namespaces?: Namespaces): Promise<Step[][]> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const {port} = server.address() as {port: number};
  await new Promise((done) => server.close(done));
  return Promise.all(
    Array.from({length: processes}, async (_, rank) => {
      const program = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)];
      const words = [...(namespaces?.starter(rank) ?? []), ...program, '--task', JSON.stringify(task)];
      const child = spawn(words[0]!, words.slice(1), {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          RANK: String(rank),
          WORLD_SIZE: String(processes),
          LOCAL_WORLD_SIZE: String(processes),
          MASTER_ADDR: namespaces?.address(0) ?? '127.0.0.1',
          MASTER_PORT: String(port),
        },
      });
      let out = '';
      child.stdout.on('data', (part) => (out += part));
      const code = await new Promise((done) => child.once('close', done));
      if (code !== 0) throw new Error(`process ${rank} has ended with code ${code}`);
      return JSON.parse(out) as Step[];
    }),
  );
}

function report(name: string, images: number, ranks: readonly Step[][]): void {
  // The first step allocates memory and opens connections.
  const steps = ranks.flatMap((records) => records.slice(1));
  const of = (part: (step: StepRecord) => number) => median(steps.map(part));
  const [seconds, data] = [of((step) => step.seconds), of((step) => step.dataSeconds)];
  const [wait, sum] = [of((step) => step.waitSeconds ?? 0), of((step) => step.sumSeconds ?? 0)];
  const sent = median(ranks.flatMap((records) => records.slice(1).map((step, i) => step.sent - records[i]!.sent)));
  const share = (part: number) => `${part.toFixed(3)} s (${((100 * part) / seconds).toFixed(1)} %)`;
  // Of each step, since medians of parts do not add up.
  const both = of((step) => ((step.waitSeconds ?? 0) + (step.sumSeconds ?? 0)) / step.seconds);
  console.log(
    `${name}: ${seconds.toFixed(2)} s/step, ${(images / seconds).toFixed(2)} images/s; computing ` +
      `${share(seconds - data - wait - sum)}, waiting for others ${share(wait)}, for sums ${share(sum)}, data ${share(data)}; ` +
      `waiting and sums together ${(100 * both).toFixed(1)} % of a step` +
      (sent > 0 ? `; each process sends ${(sent / 1e6).toFixed(1)} MB` : ''),
  );
}

type Base = Omit<Task, 'images' | 'output' | 'wire'>;

async function compareWithOne(processes: number, base: Base, wire: Wire, folder: string): Promise<void> {
  const images = base.batch * processes;
  const alone = {...base, images, wire, batch: images, output: join(folder, 'alone')};
  report(`1 process with batches of ${images}`, images, await measure(1, alone));
  const shared = await measure(processes, {...base, images, wire, output: join(folder, 'shared')});
  report(`${processes} processes with batches of ${base.batch}`, images, shared);
}

async function measureAt(rate: string, processes: number, base: Base, wire: Wire, folder: string): Promise<void> {
  const namespaces = Namespaces.create(processes, rate);
  const interrupt = () => {
    namespaces.remove();
    process.exit(130);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const images = base.batch * processes;
    const ranks = await measure(processes, {...base, images, wire, output: join(folder, 'limited')}, namespaces);
    report(`${processes} processes at ${rate}, gradients in ${wire}`, images, ranks);
  } finally {
    namespaces.remove();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

if (values.task !== undefined) {
  await work(JSON.parse(values.task) as Task);
} else {
  const [batch, side, steps] = [values.batch, values.side, values.steps].map(Number) as [number, number, number];
  const base = {batch, backbone: values.backbone, side, steps};
  console.log(`${base.backbone}, ${side} × ${side} pixels, batches of ${batch}, ${steps} steps`);
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
  try {
    for (const processes of values.processes.split(',').map(Number)) {
      for (const wire of values.gradients.split(',') as Wire[]) {
        if (values.rate === undefined) await compareWithOne(processes, base, wire, folder);
        else for (const rate of values.rate.split(',')) await measureAt(rate, processes, base, wire, folder);
      }
    }
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}
