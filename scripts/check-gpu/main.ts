/**
 * Runs everything that needs a GPU: it reports what was found and compares every stage of the network, ten training
 * steps and detections with the CPU. It also checks captured graphs, mixed precision and the release of memory. Then it
 * runs the benchmark. With --processes, it also trains in that many processes, with a GPU and NCCL for each, and
 * compares that with one process; kills one of them; and lets them sum in bfloat16.
 *
 *   npm run check:gpu -- [--processes N] [--peer PYTHON] [--no-bench]
 *
 * Build against a libtorch for CUDA first, such as PyTorch's: LIBTORCH_USE_PYTORCH=1 npm run check:gpu -- --peer
 * python3
 */
import {spawnSync} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {availableParallelism, tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {loadRuntime} from '../../lib/addon/binding.js';
import {prepareCuda} from '../../lib/addon/device.js';
import {describeFindings, examine} from '../../lib/doctor/examine.js';
import {type Check, checkDevice} from './checks.js';
import {checkGroup} from './group.js';

const {values} = parseArgs({
  options: {processes: {type: 'string'}, peer: {type: 'string'}, 'no-bench': {type: 'boolean', default: false}},
});

const findings = await examine();
console.log(describeFindings(findings));
const gpu = findings.find(({name}) => name === 'GPU');
if (gpu?.state !== 'ok') {
  console.error(`\nThere is nothing to check: GPU ${gpu?.text ?? 'unknown'}.`);
  process.exit(1);
}
const loaded = await loadRuntime();
const obstacle = await prepareCuda(loaded);
if (obstacle !== undefined) throw new Error(`${obstacle.problem}. ${obstacle.hint}`);
const {binding} = loaded;
const memory = () => binding.gpuMemory(0).reserved;
let failures = 0;
async function run(checks: AsyncIterable<Check>): Promise<void> {
  for await (const {name, isRight, detail} of checks) {
    console.log(`${isRight ? 'ok  ' : 'FAIL'}  ${name}: ${detail}`);
    if (!isRight) failures++;
  }
}
await run(
  checkDevice({
    binding,
    device: 'cuda',
    memory,
    network: {backbone: 'resnet50'},
    size: {width: 320, height: 256},
    precisions: ['bfloat16', 'float16'],
  }),
);
if (values.processes !== undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-check-gpu-'));
  await run(checkGroup({processes: Number(values.processes), device: 'cuda', folder}));
  await rm(folder, {recursive: true, force: true});
}
console.log(failures === 0 ? '\nAll equal.' : `\n${failures} checks failed.`);
if (!values['no-bench']) {
  const bench = fileURLToPath(new URL('../bench.ts', import.meta.url));
  const threads = String(availableParallelism());
  const peer = values.peer ? ['--peer', values.peer] : [];
  const args = ['--import=tsx', bench, '--device', 'cuda', '--threads', threads, ...peer];
  spawnSync(process.execPath, args, {stdio: 'inherit'});
}
process.exitCode = failures === 0 ? 0 : 1;
