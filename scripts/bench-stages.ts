/**
 * Shows where the time of a detection goes, and a lower bound of that time: the floating-point operations of the
 * convolutions and linear layers, at the rate that a plain large convolution reaches on the same cores in the same run.
 *
 *   npm run bench:stages -- [--rounds 7] [--precision float32]
 */
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {type ModelOptions, maskRcnn} from '../lib/index.js';
import {openModel} from '../lib/model/model.js';
import {casesFor, writeTask} from './bench/cases.js';
import type {Task} from './bench/task.js';

const {values} = parseArgs({
  options: {rounds: {type: 'string', default: '7'}, precision: {type: 'string', default: 'float32'}},
});
const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
try {
  const [inference] = casesFor('cpu');
  await writeTask(folder, inference!, 'cpu');
  const {images, weights} = JSON.parse(await readFile(join(folder, 'task.json'), 'utf8')) as Task;
  const precision = values.precision as NonNullable<ModelOptions['precision']>;
  await using model = await maskRcnn({weights: join(folder, weights), device: 'cpu', precision});
  const [{pixels, width, height}] = images as [Task['images'][number]];
  const image = {data: new Uint8Array(await readFile(join(folder, pixels))), width, height};
  const options = {scoreThreshold: 0, maxDetections: 100, maskFormat: 'bitmap', maskThreshold: 0.5, views: 1} as const;
  await model.predict(image); // the first one is slower
  const runs: Awaited<ReturnType<ReturnType<typeof openModel>['stageCosts']>>[] = [];
  for (let round = 0; round < Number(values.rounds); round++)
    runs.push(await openModel(model).stageCosts([image], options));

  const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1]!;
  const rate = Math.max(...runs.map(({convolutionRate}) => convolutionRate));
  const stages = runs[0]!.stages.map(({stage, flops}, i) => {
    const seconds = median(runs.map((run) => run.stages[i]!.seconds));
    return {stage, flops, seconds};
  });
  const sum = (key: 'flops' | 'seconds') => stages.reduce((total, stage) => total + stage[key], 0);
  const line = (name: string, flops: number, seconds: number) => {
    const floor = flops / rate;
    const share = flops > 0 ? (seconds / floor).toFixed(2) : '';
    return `| ${name} | ${(1000 * seconds).toFixed(0)} ms | ${(flops / 1e9).toFixed(1)} | ${(1000 * floor).toFixed(0)} ms | ${share} |`;
  };
  console.log(`${precision}, a plain convolution: ${(rate / 1e9).toFixed(0)} GFLOP/s\n`);
  console.log('| stage | time | GFLOP | floor | time / floor |\n| --- | --- | --- | --- | --- |');
  for (const {stage, flops, seconds} of stages) console.log(line(stage, flops, seconds));
  console.log(line('everything', sum('flops'), sum('seconds')));
} finally {
  await rm(folder, {recursive: true});
}
