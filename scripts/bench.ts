/**
 * Measures speed and memory of detection and training steps, and the time from the start of a process to its first
 * prediction. With --peer, it also measures torchvision in the same run, alternating between the two.
 *
 *   npm run bench -- [--peer PYTHON [--peer-tuned]] [--rounds 5] [--threads 2] [--device cpu] [--onnxruntime DIR]
 *                [--only NAME] [--precision NAME]... [--activation-checkpointing] [--output FILE.md]
 *
 * PYTHON is an interpreter with torch, torchvision and safetensors. For a fair comparison, build the addon against the
 * same libtorch. --peer-tuned adds torchvision as a good engineer runs it: glibc told to keep its memory, channels-last
 * and, for detection, the faster of eager and torch.compile. --onnxruntime adds onnxruntime-node to the detection
 * benchmark: PYTHON, which then also needs onnx, exports the network, and DIR is a folder where onnxruntime-node is
 * installed. --precision is float32 or bfloat16; by default both. --activation-checkpointing is that option of train(),
 * for this package alone. FILE.md gets the table, and FILE.json next to it gets all figures.
 */
import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {type Case, casesFor, writeTask} from './bench/cases.js';
import {median} from './bench/median.js';
import {KEEPS_MEMORY, keepBestTuned, peerColumns, peerSides} from './bench/peers.js';
import {Side} from './bench/side.js';
import {type Column, markdown, type Row} from './bench/table.js';
import type {Check} from './bench/task.js';

const {values} = parseArgs({
  options: {
    peer: {type: 'string'},
    'peer-tuned': {type: 'boolean', default: false},
    rounds: {type: 'string', default: '5'},
    threads: {type: 'string', default: '2'},
    device: {type: 'string', default: 'cpu'},
    onnxruntime: {type: 'string'},
    only: {type: 'string', default: ''},
    precision: {type: 'string', multiple: true, default: ['float32', 'bfloat16']},
    'activation-checkpointing': {type: 'boolean', default: false},
    output: {type: 'string'},
  },
});
const {peer: python, device, onnxruntime, precision: precisions, 'peer-tuned': tuned} = values;
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
const script = (name: string) => fileURLToPath(new URL(`bench/${name}`, import.meta.url));
const peers = peerColumns({precisions, tuned, device, onnxruntime});
const columns: Column[] = [
  ...(python ? peers.all.map((name) => ({name, peers: []})) : []),
  ...precisions.map((name) => ({name, peers: peers.of(name)})),
];

async function measure(one: Case, folder: string): Promise<Row> {
  const ours = precisions.map((precision) => {
    const how = values['activation-checkpointing'] ? ['activation-checkpointing'] : [];
    return new Side(
      precision,
      process.execPath,
      ['--import=tsx', script('ours.ts'), folder, precision, ...how],
      threads,
    );
  });
  const others = python ? await peerSides(one, folder, {python, threads, device, precisions, tuned, onnxruntime}) : [];
  const sides = [...others, ...ours];
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
  if (python) row.difference = largestDifference(checks[0]!, checks[others.length]!);
  return keepBestTuned(row);
}

/** Measures whole processes, alternating between the sides. */
async function measureStart(folder: string): Promise<Row> {
  const peer = [script('first_prediction.py'), folder];
  const commands: [name: string, command: string, args: string[], env?: object][] = [
    ...(python ? [['torchvision', python, peer] as [string, string, string[]]] : []),
    ...(python && tuned
      ? [['torchvision tuned, float32', python, peer, KEEPS_MEMORY] as [string, string, string[], object]]
      : []),
    ['float32', process.execPath, [script('first-prediction.mjs'), folder]],
  ];
  const env = {...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads)};
  const runs = commands.map((): {seconds: number; peakMiB: number}[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, [, command, args, more]] of commands.entries()) {
      const start = performance.now();
      const {stdout} = await promisify(execFile)(command, args, {env: {...env, ...more}});
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

const rows: Row[] = [];
const chosen = casesFor(device).filter(({name}) => name.includes(values.only));
for (const [index, one] of chosen.entries()) {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
  try {
    await writeTask(folder, one, device);
    rows.push(await measure(one, folder));
    console.error(markdown(rows.slice(-1), columns).split('\n').at(-1));
    if (index === 0 && one.kind === 'detect' && device === 'cpu') rows.push(await measureStart(folder));
  } finally {
    await rm(folder, {recursive: true});
  }
}
const table = markdown(rows, columns);
console.log(`\n${threads} threads, median of ${rounds}\n\n${table}`);
if (values.output) {
  await writeFile(values.output, `${table}\n`);
  await writeFile(values.output.replace(/\.md$/, '.json'), `${JSON.stringify({threads, rounds, rows}, null, 2)}\n`);
}
