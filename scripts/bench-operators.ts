/**
 * Counts, without a GPU, the operators that a detection and a training step run on a GPU, and how often they wait for
 * it. Our side runs on the tests' stand-in for a GPU. With --peer, torchvision runs on the CPU. There it starts the
 * same operators, except where its implementation depends on the device. Such cases, like the optimizer's loop over
 * weights, are set as on a GPU.
 *
 *   npm run bench:operators -- [--peer PYTHON]
 */
import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {toNativeImage, toNativeTarget} from '../lib/datasets/targets.js';
import {maskRcnn} from '../lib/index.js';
import {completeModelOptions} from '../lib/model/complete-options.js';
import {openModel} from '../lib/model/model.js';
import {DEVICE, loadStandIn} from '../test/native/stand-in/stand-in.js';
import {type Case, casesFor, writeTask} from './bench/cases.js';
import {readTask} from './bench/task.js';

const {values} = parseArgs({options: {peer: {type: 'string'}}});
const {binding, standIn} = await loadStandIn();

/** `idle` counts the waits after which the GPU has nothing left to run. */
type Counts = {operators: number; waits: number; idle: number};

/** Counts after three runs, of which the second captures a graph. */
async function countOurs(one: Case, folder: string, graphs: boolean): Promise<Counts> {
  const {task, samples} = await readTask(folder);
  await using trained = await maskRcnn({weights: join(folder, task.weights), device: 'cpu'});
  const network = {...one.model, minSize: one.height, maxSize: one.width, graphs};
  const facts = {
    pretrained: true,
    frozenBatchNormEps: undefined,
    numClasses: task.options.numClasses,
    device: DEVICE,
    threads: 1,
  };
  const model = await binding.Model.create(completeModelOptions(network, facts).options);
  await model.loadStateDict(await openModel(trained).stateDict());
  const images = samples.map(toNativeImage);
  const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
  const groups = [{parameters, lrMultiplier: 1, weightDecay: 0.0005}];
  const optimizer = new binding.Optimizer(model, {type: 'sgd', momentum: 0.9, nesterov: false, groups});
  const run = async () => {
    if (one.kind === 'detect') {
      const limits = {scoreThreshold: 0.05, maxDetections: 100, maskThreshold: 0.5, views: 1} as const;
      await model.detect(images, {...limits, maskFormat: 'bitmap'});
    } else {
      const targets = samples.map((sample) => toNativeTarget(sample, trained.classes));
      await model.computeLosses(images, targets, {backward: true, lossScale: 1});
      await optimizer.step({lr: 1e-6, clipNorm: null});
    }
    const {operators, waits} = standIn.takeJournal();
    return {operators, waits: waits.length, idle: waits.filter(({ahead}) => ahead === 0).length};
  };
  for (let time = 0; time < 2; time++) await run();
  const counts = await run();
  model.dispose();
  return counts;
}

async function countPeer(python: string, folder: string): Promise<Counts> {
  const script = fileURLToPath(new URL('bench/torchvision_side.py', import.meta.url));
  const {stdout} = await promisify(execFile)(python, [script, folder, 'float32', 'operators']);
  const {operators, waits} = JSON.parse(stdout.trim().split('\n').at(-1)!) as {operators: number; waits: number};
  // Each wait asks for a value that the operator before it computes, so the GPU is idle afterwards.
  return {operators, waits, idle: waits};
}

for (const one of casesFor('cuda').filter(({images}) => images <= 2)) {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
  try {
    await writeTask(folder, one, 'cpu');
    const say = (side: string, {operators, waits, idle}: Counts) =>
      console.log(
        `${one.name}: ${side} starts ${operators} operators and waits ${waits} times, ${idle} of them until nothing is left`,
      );
    if (values.peer) say('torchvision', await countPeer(values.peer, folder));
    say('maskrcnn', await countOurs(one, folder, false));
    if (one.kind === 'detect') say('maskrcnn with graphs', await countOurs(one, folder, true));
  } finally {
    await rm(folder, {recursive: true});
  }
}
