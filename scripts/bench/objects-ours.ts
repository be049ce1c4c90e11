/** Our side of one case of bench-objects.ts. Argument: DIR. Prints an `ObjectsReport`. */
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {loadBinding} from '../../lib/addon/binding.js';
import {hasMask} from '../../lib/datasets/dataset.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type Dataset, type Detections, evaluate, type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {MOST_SECONDS, modelOptions, type ObjectsCase, RUNS, sampleOf} from './objects-case.js';

const folder = process.argv[2]!;
const given = JSON.parse(await readFile(join(folder, 'case.json'), 'utf8')) as ObjectsCase;
const samples = Array.from({length: given.images}, (_, index) => sampleOf(given, index));
const open = () => maskRcnn({...modelOptions(given), weights: join(folder, given.weights)});

async function makeStep(): Promise<() => Promise<void>> {
  const model = await open();
  const native = openModel(model);
  const {Optimizer} = await loadBinding();
  const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
  const groups = [{parameters, lrMultiplier: 1, weightDecay: 0.0005}];
  const optimizer = new Optimizer(native, {type: 'sgd', momentum: 0.9, nesterov: false, groups});
  await native.seed(1);
  return async () => {
    const targets = samples.map((sample) => toNativeTarget(sample, model.classes));
    await native.computeLosses(samples.map(toNativeImage), targets, {backward: true, lossScale: 1});
    await optimizer.step({lr: 1e-6, clipNorm: null});
  };
}

async function makePrediction(): Promise<() => Promise<void>> {
  const model = await open();
  const sources = samples.map(({image}) => image);
  return async () => {
    for (const {scores} of await model.predict(sources)) {
      if (scores.length !== given.objects) throw new Error(`${scores.length} detections instead of ${given.objects}`);
    }
  };
}

/** Detections that are the objects, moved by a pixel. No network computes them. */
async function makeEvaluation(): Promise<() => Promise<void>> {
  const {rle} = await loadBinding();
  const found = samples.map(({image: {width, height}, instances}): Detections => {
    const moved = instances
      .filter(hasMask)
      .map(({mask}) => ({...mask, left: Math.min(mask.left + 1, width - mask.width)}));
    return {
      width,
      height,
      boxes: Float32Array.from(moved.flatMap((box) => [box.left, box.top, box.left + box.width, box.top + box.height])),
      labels: new Int32Array(moved.length).fill(1),
      classNames: moved.map(() => 'object'),
      scores: Float32Array.from(moved, (_, i) => 0.99 - (0.3 * i) / moved.length),
      masks: moved.map((mask) => ({size: [height, width], counts: rle.encodeCrop(mask, width, height)})),
    };
  });
  const data: Dataset = {length: samples.length, classes: ['object'], get: async (index) => samples[index]!};
  return async () => {
    let next = 0;
    const model = {classes: ['object'], options: {masks: 'instance'}, predict: async () => [found[next++]!]};
    await evaluate(model as unknown as MaskRcnn, {data});
  };
}

const run = await {train: makeStep, predict: makePrediction, evaluate: makeEvaluation}[given.work]();
await run();
const times: number[] = [];
const threadTimes: number[] = [];
const begin = performance.now();
while (times.length < RUNS && performance.now() - begin < 1000 * MOST_SECONDS) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await run();
  const {user, system} = process.cpuUsage(before);
  times.push((performance.now() - start) / 1000);
  threadTimes.push((user + system) / 1e6);
}
const [seconds, threadSeconds] = [Math.min(...times), Math.min(...threadTimes)];
console.log(JSON.stringify({seconds, threadSeconds, peakBytes: process.resourceUsage().maxRSS * 1024}));
process.exit();
