/**
 * Our side of bench.ts. Arguments: DIR PRECISION [activation-checkpointing]. Reports when it is ready, then runs once
 * for each line that it reads.
 */
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {loadBinding} from '../../lib/addon/binding.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type ModelOptions, maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {type Check, readTask} from './task.js';

const [folder, precision, how] = process.argv.slice(2) as [string, NonNullable<ModelOptions['precision']>, string?];
const {task, samples} = await readTask(folder);
const {trainableBackboneLayers} = task.options;
const isOnGpu = task.device !== 'cpu';
const model = await maskRcnn({
  weights: join(folder, task.weights),
  device: task.device as 'cuda',
  precision,
  trainableBackboneLayers,
  graphs: isOnGpu,
});

/** On a GPU, the first runs are slower: libraries choose their kernels, memory is allocated and graphs are captured. */
const WARM_UP = 5;

/** One run. The first run is not timed; it returns the values that must be equal on all sides. */
type Run = () => Promise<Check>;

async function makeDetection(): Promise<Run> {
  return async () => {
    const found = await model.predict(
      samples.map(({image}) => image),
      {maskFormat: 'bitmap'},
    );
    return {
      boxes: found.flatMap(({boxes}) => [...boxes]),
      scores: found.flatMap(({scores}) => [...scores]),
    };
  };
}

async function makeStep(): Promise<Run> {
  const native = openModel(model);
  const {Optimizer} = await loadBinding();
  const trained = model.parameters().filter(({trainable}) => trainable);
  const groups = [{parameters: trained.map(({name}) => name), lrMultiplier: 1, weightDecay: 0.0005}];
  const optimizer = new Optimizer(native, {type: 'sgd', momentum: 0.9, nesterov: false, groups});
  await native.seed(1);
  await native.setActivationCheckpointing(how === 'activation-checkpointing');
  return async () => {
    const targets = samples.map((sample) => toNativeTarget(sample, model.classes));
    const losses = await native.computeLosses(samples.map(toNativeImage), targets, {backward: true, lossScale: 1});
    await optimizer.step({lr: 1e-6, clipNorm: null});
    return {
      losses: Object.entries(losses)
        .sort()
        .map(([, loss]) => loss),
    };
  };
}

const run = await (task.kind === 'detect' ? makeDetection() : makeStep());
const first = await run();
for (let time = 0; isOnGpu && time < WARM_UP; time++) await run();
console.log(JSON.stringify(first));
for await (const _ of createInterface({input: process.stdin})) {
  const start = performance.now();
  await run();
  console.log(JSON.stringify({seconds: (performance.now() - start) / 1000}));
}
const peak = isOnGpu ? (await loadBinding()).gpuMemory(0).peakReserved : process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({peakMiB: peak / 2 ** 20}));
model.dispose();
