/**
 * Measures a training step of a group of processes on this machine, beside one process with as large a batch:
 *
 *   npm run bench:distributed -- [--processes 2] [--batch 2] [--backbone resnet50] [--side 800] [--steps 6]
 *
 * --batch is of each process. The cores are shared, so more processes are not faster. The table says what the group
 * costs: how long a process waits for slower ones, and how long for sums after its backward pass.
 */
import {spawn} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {type Dataset, type ModelOptions, maskRcnn, type StepRecord, train} from '../lib/index.js';

type Task = {batch: number; images: number; backbone: string; side: number; steps: number; output: string};

const {values} = parseArgs({
  options: {
    processes: {type: 'string', default: '2'},
    batch: {type: 'string', default: '2'},
    backbone: {type: 'string', default: 'resnet50'},
    side: {type: 'string', default: '800'},
    steps: {type: 'string', default: '6'},
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

/** One process: trains, and prints the records of its steps. */
async function work({batch, images, backbone, side, steps, output}: Task): Promise<void> {
  await using model = await maskRcnn({
    backbone: backbone as NonNullable<ModelOptions['backbone']>,
    backboneNorm: 'frozen',
    classes: ['square'],
    minSize: side,
    maxSize: side,
  });
  const {history} = await train(model, {
    data: squares(images * steps, side),
    epochs: 1,
    batchSize: batch,
    lr: 1e-5,
    saveEveryMinutes: null,
    distributed: 'auto',
    log: 'silent',
    output,
  });
  console.log(JSON.stringify(history.steps));
}

/** Runs `processes` of them as one group. Returns the records by process. */
async function measure(processes: number, task: Task): Promise<StepRecord[][]> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const {port} = server.address() as {port: number};
  await new Promise((done) => server.close(done));
  return Promise.all(
    Array.from({length: processes}, async (_, rank) => {
      const child = spawn(
        process.execPath,
        [...process.execArgv, fileURLToPath(import.meta.url), '--task', JSON.stringify(task)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: {
            ...process.env,
            RANK: String(rank),
            WORLD_SIZE: String(processes),
            LOCAL_WORLD_SIZE: String(processes),
            MASTER_ADDR: '127.0.0.1',
            MASTER_PORT: String(port),
          },
        },
      );
      let out = '';
      child.stdout.on('data', (part) => (out += part));
      const code = await new Promise((done) => child.once('close', done));
      if (code !== 0) throw new Error(`process ${rank} has ended with code ${code}`);
      return JSON.parse(out) as StepRecord[];
    }),
  );
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function report(name: string, images: number, ranks: readonly StepRecord[][]): void {
  // The first step allocates memory and opens connections.
  const steps = ranks.flatMap((records) => records.slice(1));
  const of = (part: (step: StepRecord) => number) => median(steps.map(part));
  const [seconds, data] = [of((step) => step.seconds), of((step) => step.dataSeconds)];
  const [wait, sum] = [of((step) => step.waitSeconds ?? 0), of((step) => step.sumSeconds ?? 0)];
  const share = (part: number) => `${part.toFixed(3)} s (${((100 * part) / seconds).toFixed(1)} %)`;
  console.log(
    `${name}: ${seconds.toFixed(2)} s/step, ${(images / seconds).toFixed(2)} images/s; computing ` +
      `${share(seconds - data - wait - sum)}, waiting for others ${share(wait)}, for sums ${share(sum)}, data ${share(data)}`,
  );
}

if (values.task !== undefined) {
  await work(JSON.parse(values.task) as Task);
} else {
  const [processes, batch, side, steps] = [values.processes, values.batch, values.side, values.steps].map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
  try {
    const images = batch! * processes!;
    const task = {images, backbone: values.backbone, side: side!, steps: steps!};
    console.log(`${values.backbone}, ${side} × ${side} pixels, ${images} images per step, ${steps} steps`);
    const alone = await measure(1, {...task, batch: images, output: join(folder, 'alone')});
    report(`1 process with batches of ${images}`, images, alone);
    const shared = await measure(processes!, {...task, batch: batch!, output: join(folder, 'shared')});
    report(`${processes} processes with batches of ${batch}`, images, shared);
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}
