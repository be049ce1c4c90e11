/**
 * Measures how time and memory grow with the number of objects on an image: of a training step on two images of
 * 1024 × 1024 pixels, of a prediction on one with as many detections, and of the evaluation of two with as many objects
 * and detections. Prints a table in Markdown:
 *
 *   npm run bench:objects -- [--work train|predict|evaluate]... [--objects N]... [--peer PYTHON]
 *
 * PYTHON is an interpreter with torchvision, safetensors and pycocotools. It gets --memory GB (default 12) and
 * --minutes M (default 5) for each case. Each case is a process of its own, because the peak of a process never falls.
 * Memory is peak resident memory in MB (10^6 bytes). Times are the least of three runs: of the clock, and in brackets
 * of all threads together, which other work on the machine disturbs less.
 */
import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {maskRcnn} from '../lib/index.js';
import {gridOf, modelOptions, type ObjectsCase, type ObjectsReport} from './bench/objects-case.js';

const SIDE = 1024;
const IMAGES = {train: 2, predict: 1, evaluate: 2} as const;

const list = {type: 'string', multiple: true} as const;
const {values} = parseArgs({
  options: {
    work: list,
    objects: list,
    peer: {type: 'string'},
    memory: {type: 'string', default: '12'},
    minutes: {type: 'string', default: '5'},
  },
});
const works = (values.work ?? ['train', 'predict', 'evaluate']) as ObjectsCase['work'][];
const counts = (values.objects ?? ['10', '100', '1000', '3000']).map(Number);
const script = (name: string) => fileURLToPath(new URL(`bench/${name}`, import.meta.url));

/** The report of one side, or why there is none. */
type Outcome = ObjectsReport | 'out of memory' | 'out of time';

async function writeCase(folder: string, work: ObjectsCase['work'], objects: number): Promise<void> {
  await using model = await maskRcnn(modelOptions({work, objects}));
  const weights = 'weights.safetensors';
  await model.save(join(folder, weights));
  const boxes = gridOf(objects, SIDE);
  const given: ObjectsCase = {
    work,
    objects,
    side: SIDE,
    images: IMAGES[work],
    boxes,
    weights,
    options: model.options,
  };
  await writeFile(join(folder, 'case.json'), JSON.stringify(given));
}

async function measure(command: string, args: readonly string[]): Promise<Outcome> {
  const timeout = 60_000 * Number(values.minutes);
  try {
    const {stdout} = await promisify(execFile)(command, [...args], {timeout, maxBuffer: 1 << 24});
    const report = JSON.parse(stdout.trim().split('\n').at(-1)!);
    return 'outOfMemory' in report ? 'out of memory' : report;
  } catch (error) {
    if ((error as {killed?: boolean}).killed) return 'out of time';
    throw error;
  }
}

function cells(outcome: Outcome): string[] {
  if (typeof outcome === 'string') return [outcome, ''];
  const {seconds, threadSeconds, peakBytes} = outcome;
  return [`${Math.round(peakBytes / 1e6)} MB`, `${seconds.toFixed(2)} s (${threadSeconds.toFixed(2)} s)`];
}

const line = (row: readonly (string | number)[]) => console.log(`| ${row.join(' | ')} |`);
const header = ['', 'objects', 'memory', 'time', ...(values.peer ? ['torchvision, memory', 'torchvision, time'] : [])];
line(header);
line(header.map(() => '---'));
for (const work of works) {
  for (const objects of counts) {
    const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
    try {
      await writeCase(folder, work, objects);
      const ours = await measure(process.execPath, ['--import=tsx', script('objects-ours.ts'), folder]);
      const bytes = String(Number(values.memory) * 1e9);
      const peer = values.peer && (await measure(values.peer, [script('objects_torchvision.py'), folder, bytes]));
      line([work, objects, ...cells(ours), ...(peer ? cells(peer) : [])]);
    } finally {
      await rm(folder, {recursive: true});
    }
  }
}
