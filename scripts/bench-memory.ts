/**
 * Measures the peak memory of prediction and of training, by backbone, size and batch size, on images of 640 × 480
 * pixels with twelve objects. Prints a table in Markdown:
 *
 *   npm run bench:memory -- [--work predict|train] [--backbone NAME]... [--min-size N]... [--batch-size N]...
 *                           [--activation-checkpointing]
 *
 * Each case is a process of its own, because the peak of a process never falls. The figure is its peak resident memory
 * in MB (10^6 bytes): code, libtorch, weights and activations.
 */
import {execFile} from 'node:child_process';
import {tmpdir} from 'node:os';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import type {MemoryCase} from './bench/memory-case.js';

const run = promisify(execFile);
const program = fileURLToPath(new URL('bench/memory-case.ts', import.meta.url));
const list = {type: 'string', multiple: true} as const;
const {values} = parseArgs({
  options: {
    ...{work: list, backbone: list, 'min-size': list, 'batch-size': list},
    'activation-checkpointing': {type: 'boolean', default: false},
  },
});
const {work = ['predict', 'train'], backbone = ['mobilenet_v2', 'resnet18', 'resnet50']} = values;
const activationCheckpointing = values['activation-checkpointing'];
const sizes = (values['min-size'] ?? ['400', '800']).map(Number);
const batchSizes = (values['batch-size'] ?? ['1', '2']).map(Number);

console.log(`| | backbone | minSize | ${batchSizes.map((batchSize) => `batches of ${batchSize}`).join(' | ')} |`);
console.log(`|---|---|---${'|---'.repeat(batchSizes.length)}|`);
for (const each of work as MemoryCase['work'][]) {
  for (const name of backbone as MemoryCase['backbone'][]) {
    for (const minSize of sizes) {
      const cells: string[] = [];
      for (const batchSize of batchSizes)
        cells.push(await peak({work: each, backbone: name, minSize, batchSize, activationCheckpointing}));
      console.log(`| ${each} | ${name} | ${minSize} | ${cells.join(' | ')} |`);
    }
  }
}

/** The peak of one case in MB. Node gives it in KiB. */
async function peak(given: MemoryCase): Promise<string> {
  const args = [`--import=${import.meta.resolve('tsx')}`, program, JSON.stringify(given)];
  const {stdout} = await run(process.execPath, args, {cwd: tmpdir()});
  return `${Math.round((Number(stdout.trim().split('\n').at(-1)) * 1024) / 1e6)} MB`;
}
