/**
 * Measures speed and memory of detection and training steps, and the time from the start of a process to its first
 * prediction. With --peer, it also measures torchvision in the same run, alternating between the two.
 *
 *   npm run bench -- [--peer PYTHON] [--rounds 5] [--threads 2] [--device cpu] [--onnxruntime DIR] [--only NAME]
 *                [--output FILE.md]
 *
 * PYTHON is an interpreter with torch, torchvision and safetensors. For a fair comparison, build the addon against the
 * same libtorch. --onnxruntime adds onnxruntime-node to the detection benchmark: PYTHON, which then also needs onnx,
 * exports the network, and DIR is a folder where onnxruntime-node is installed. FILE.md gets the table, and FILE.json
 * next to it gets all figures.
 */
import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {type Case, casesFor, writeTask} from './bench/cases.js';
import {median} from './bench/median.js';
import {Side} from './bench/side.js';
import type {Check} from './bench/task.js';

const {values} = parseArgs({
  options: {
    peer: {type: 'string'},
    rounds: {type: 'string', default: '5'},
    threads: {type: 'string', default: '2'},
    device: {type: 'string', default: 'cpu'},
    onnxruntime: {type: 'string'},
    only: {type: 'string', default: ''},
    output: {type: 'string'},
  },
});
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
/** torchvision in bfloat16 is only measured on a GPU, where it is common. */
const mixed = values.device === 'cpu' ? undefined : 'torchvision, bfloat16';
const script = (name: string) => fileURLToPath(new URL(`bench/${name}`, import.meta.url));

type Measured = {seconds: number; least: number; peakMiB: number};
type Row = {case: string; sides: Record<string, Measured>; difference?: number};

async function measure(one: Case, folder: string): Promise<Row> {
  const ours = (precision: string) => ['--import=tsx', script('ours.ts'), folder, precision];
  const peer = (precision: string) => [script('torchvision_side.py'), folder, precision];
  const sides = [
    ...(values.peer ? [new Side('torchvision', values.peer, peer('float32'), threads)] : []),
    ...(values.peer && mixed ? [new Side(mixed, values.peer, peer('bfloat16'), threads)] : []),
    ...(await onnxruntimeSides(one, folder)),
    new Side('float32', process.execPath, ours('float32'), threads),
    new Side('bfloat16', process.execPath, ours('bfloat16'), threads),
  ];
  const checks: Check[] = [];
  for (const side of sides) checks.push(await side.ready());
  const times = sides.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, side] of sides.entries()) times[index]!.push(await side.run());
  }
  const row: Row = {case: one.name, sides: {}};
  for (const [index, side] of sides.entries()) {
    const peakMiB = await side.end();
    row.sides[side.name] = {seconds: median(times[index]!), least: Math.min(...times[index]!), peakMiB};
  }
  if (values.peer) row.difference = largestDifference(checks[0]!, checks.at(-2)!);
  return row;
}

async function onnxruntimeSides({kind}: Case, folder: string): Promise<Side[]> {
  const {peer, onnxruntime} = values;
  if (!peer || !onnxruntime || kind !== 'detect') return [];
  await promisify(execFile)(peer, [script('export_onnx.py'), folder]);
  const args = ['--import=tsx', script('onnxruntime-side.ts'), folder, resolve(onnxruntime)];
  return [new Side('onnxruntime-node', process.execPath, args, threads)];
}

/** Measures whole processes, alternating between the sides. */
async function measureStart(folder: string): Promise<Row> {
  const commands: [name: string, command: string, args: string[]][] = [
    ...(values.peer
      ? [['torchvision', values.peer, [script('first_prediction.py'), folder]] as [string, string, string[]]]
      : []),
    ['float32', process.execPath, [script('first-prediction.mjs'), folder]],
  ];
  const env = {...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads)};
  const runs = commands.map((): {seconds: number; peakMiB: number}[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, [, command, args]] of commands.entries()) {
      const start = performance.now();
      const {stdout} = await promisify(execFile)(command, args, {env});
      const seconds = (performance.now() - start) / 1000;
      // Skip the first round, in which files are read from disk.
      if (round > 0) runs[index]!.push({seconds, ...JSON.parse(stdout.trim().split('\n').at(-1)!)});
    }
  }
  const sides = commands.map(([name], index) => {
    const times = runs[index]!.map(({seconds}) => seconds);
    const peakMiB = Math.max(...runs[index]!.map((run) => run.peakMiB));
    return [name, {seconds: median(times), least: Math.min(...times), peakMiB}] as const;
  });
  return {case: 'process start to first prediction', sides: Object.fromEntries(sides)};
}

/**
 * The largest difference of all values, compared by name, relative to the largest value. Infinite if the numbers of
 * values differ.
 */
function largestDifference(a: Check, b: Check): number {
  const differences = Object.keys(a).map((name) => {
    const [one, other] = [a[name]!, b[name] ?? []];
    if (one.length !== other.length) return Number.POSITIVE_INFINITY;
    const largest = one.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    return one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0) / largest;
  });
  return Math.max(...differences);
}

function markdown(rows: readonly Row[]): string {
  const cell = ({sides}: Row, name: string) => {
    const [own, peer] = [sides[name], sides.torchvision];
    if (own === undefined) return '';
    const time = `${own.seconds.toFixed(2)} s`;
    return peer === undefined || own === peer ? time : `${time} (${(peer.seconds / own.seconds).toFixed(2)} ×)`;
  };
  const memory = ({sides}: Row, name: string) => {
    const [own, peer] = [sides[name], sides.torchvision];
    if (own === undefined) return '';
    const share = peer === undefined || own === peer ? '' : ` (${(own.peakMiB / peer.peakMiB).toFixed(2)})`;
    return `${own.peakMiB.toFixed(0)} MiB${share}`;
  };
  const peers = ['torchvision', ...(mixed ? [mixed] : []), ...(values.onnxruntime ? ['onnxruntime-node'] : [])];
  const names = [...(values.peer ? peers : []), 'float32', 'bfloat16'];
  const header = ['', ...names, ...names.map((name) => `${name}, peak`), ...(values.peer ? ['difference'] : [])];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(header),
    line(header.map(() => '---')),
    ...rows.map((row) =>
      line([
        row.case,
        ...names.map((name) => cell(row, name)),
        ...names.map((name) => memory(row, name)),
        ...(values.peer ? [row.difference?.toExponential(1) ?? ''] : []),
      ]),
    ),
  ].join('\n');
}

const rows: Row[] = [];
const chosen = casesFor(values.device).filter(({name}) => name.includes(values.only));
for (const [index, one] of chosen.entries()) {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
  try {
    await writeTask(folder, one, values.device);
    rows.push(await measure(one, folder));
    console.error(markdown(rows.slice(-1)).split('\n').at(-1));
    if (index === 0 && one.kind === 'detect' && values.device === 'cpu') rows.push(await measureStart(folder));
  } finally {
    await rm(folder, {recursive: true});
  }
}
const table = markdown(rows);
console.log(`\n${threads} threads, median of ${rounds}\n\n${table}`);
if (values.output) {
  await writeFile(values.output, `${table}\n`);
  await writeFile(values.output.replace(/\.md$/, '.json'), `${JSON.stringify({threads, rounds, rows}, null, 2)}\n`);
}
