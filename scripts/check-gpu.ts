/**
 * All that needs a GPU to be shown: what was found, every stage of the network and ten steps of training equal to those on the CPU, both
 * precisions, memory that is given back; then the benchmark.
 *
 *   npm run check:gpu -- [--peer PYTHON] [--no-bench]
 *
 * Build against a libtorch for CUDA first, such as PyTorch's: LIBTORCH_USE_PYTORCH=1 npm run check:gpu -- --peer python3
 */
import {spawnSync} from 'node:child_process';
import {setTimeout} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {drawGlandImage} from '../examples/glands/generate.js';
import {type Binding, loadBinding} from '../lib/binding.js';
import {completeModelOptions} from '../lib/complete-model-options.js';
import {instancesFromIds} from '../lib/datasets/instances.js';
import {describeFindings, examine} from '../lib/doctor/examine.js';
import {type ModelOptions, maskRcnn, type Sample} from '../lib/index.js';
import {toNativeImage, toNativeTarget} from '../lib/targets.js';

const {values} = parseArgs({options: {peer: {type: 'string'}, 'no-bench': {type: 'boolean', default: false}}});

/** Relative, in float32: sums in another order, and as asked TF32 in cuDNN's convolutions. */
const STAGE_TOLERANCES = {none: 1e-4, convolutions: 5e-3} as const;
type Tf32 = keyof typeof STAGE_TOLERANCES;
const LOSS_TOLERANCE = 1e-3;
const DETECTION_TOLERANCE = 1e-3;

const SIZE = {width: 320, height: 256};
const options: ModelOptions = {
  backbone: 'resnet50',
  classes: ['gland'],
  minSize: SIZE.height,
  maxSize: SIZE.width,
  backboneNorm: 'frozen',
  seed: 3,
};

let failures = 0;
function check(name: string, isRight: boolean, detail: string): void {
  console.log(`${isRight ? 'ok  ' : 'FAIL'}  ${name}: ${detail}`);
  if (!isRight) failures++;
}

function sample(seed: number): Sample {
  const {data, ids} = drawGlandImage(seed, SIZE.width, SIZE.height);
  const {instances} = instancesFromIds({ids, ...SIZE}, {label: 1, minArea: 1});
  return {file: `drawn ${seed}`, image: {data, ...SIZE}, instances};
}

/** The largest difference as a share of the largest value; infinite where the lengths differ. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, scale] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return most / scale;
}

/** The same network on both devices. */
async function pair(binding: Binding, tf32: Tf32) {
  const make = async (device: string) => {
    const complete = completeModelOptions(
      {...options, tf32},
      {
        pretrained: true,
        frozenBatchNormEps: undefined,
        numClasses: 2,
        device,
      },
    );
    return await binding.Model.create(complete.options);
  };
  return {cpu: await make('cpu'), gpu: await make('cuda')};
}

async function checkStages(binding: Binding, tf32: Tf32): Promise<void> {
  const {cpu, gpu} = await pair(binding, tf32);
  const image = toNativeImage(sample(1));
  const [expected, actual] = [await cpu.trace([image]), await gpu.trace([image])];
  for (const [i, {name, data}] of expected.entries()) {
    // From here on the order of nearly equal scores decides.
    if (name.startsWith('proposals')) break;
    const off = difference(actual[i]!.data, data);
    check(`${name}, TF32 for ${tf32}`, off < STAGE_TOLERANCES[tf32], `off by ${off.toExponential(1)}`);
  }
  cpu.dispose();
  gpu.dispose();
}

async function checkSteps(binding: Binding): Promise<void> {
  const {cpu, gpu} = await pair(binding, 'none');
  const samples = [sample(1), sample(2)];
  const run = async (model: typeof cpu) => {
    const trained = model.parameters().filter(({trainable}) => trainable);
    const groups = [{parameters: trained.map(({name}) => name), lrMultiplier: 1, weightDecay: 0.0005}];
    const optimizer = new binding.Optimizer(model, {type: 'sgd', momentum: 0.9, nesterov: false, groups});
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      const targets = samples.map((one) => toNativeTarget(one, ['gland']));
      const values = await model.computeLosses(samples.map(toNativeImage), targets, {backward: true, lossScale: 1});
      losses.push(Object.values(values).reduce((sum, value) => sum + value, 0));
      await optimizer.step({lr: 1e-4, clipNorm: null});
      await optimizer.zeroGrad();
    }
    return losses;
  };
  const [expected, actual] = [await run(cpu), await run(gpu)];
  for (const [step, loss] of expected.entries()) {
    const off = Math.abs(actual[step]! - loss) / loss;
    check(
      `loss of step ${step + 1}`,
      off < LOSS_TOLERANCE,
      `${actual[step]!.toFixed(6)}, on the CPU ${loss.toFixed(6)}`,
    );
  }
  cpu.dispose();
  gpu.dispose();
}

async function checkDetections(): Promise<void> {
  const {image} = sample(1);
  const detect = async (device: 'cpu' | 'cuda', precision: 'float32' | 'bfloat16' | 'float16') => {
    await using model = await maskRcnn({...options, device, precision, tf32: 'none', boxScoreThresh: 0});
    const [found] = await model.predict(image, {maskFormat: 'bitmap'});
    return found!;
  };
  const expected = await detect('cpu', 'float32');
  const actual = await detect('cuda', 'float32');
  check(
    'detections',
    actual.scores.length === expected.scores.length,
    `${actual.scores.length}, on the CPU ${expected.scores.length}`,
  );
  for (const name of ['scores', 'boxes'] as const) {
    const off = difference(actual[name], expected[name]);
    check(name, off < DETECTION_TOLERANCE, `off by ${off.toExponential(1)}`);
  }
  for (const precision of ['bfloat16', 'float16'] as const) {
    const {scores} = await detect('cuda', precision);
    const off = Math.abs(scores[0]! - expected.scores[0]!);
    check(precision, off < 0.05, `${scores.length} detections, the best score ${off.toFixed(3)} from float32's`);
  }
}

async function checkDisposal(binding: Binding): Promise<void> {
  const before = binding.gpuMemory(0).reserved;
  const model = await maskRcnn({...options, device: 'cuda'});
  await model.predict(sample(1).image);
  const during = binding.gpuMemory(0).reserved;
  model.dispose();
  // The worker lets go of the network once it is idle.
  await setTimeout(1000);
  const after = binding.gpuMemory(0).reserved;
  const [held, left] = [during - before, after - before].map((bytes) => (bytes / 1e6).toFixed(0));
  check('dispose', during > before && after - before < (during - before) / 10, `${held} MB, and ${left} MB after it`);
}

const findings = await examine();
console.log(describeFindings(findings));
const gpu = findings.find(({name}) => name === 'GPU');
if (gpu?.state !== 'ok') {
  console.error(`\nThere is nothing to check: GPU ${gpu?.text ?? 'unknown'}.`);
  process.exit(1);
}
const binding = await loadBinding();
await checkStages(binding, 'none');
await checkStages(binding, 'convolutions');
await checkSteps(binding);
await checkDetections();
await checkDisposal(binding);
console.log(failures === 0 ? '\nAll equal.' : `\n${failures} checks failed.`);
if (!values['no-bench']) {
  const bench = fileURLToPath(new URL('bench.ts', import.meta.url));
  const args = ['--import=tsx', bench, '--device', 'cuda', ...(values.peer ? ['--peer', values.peer] : [])];
  spawnSync(process.execPath, args, {stdio: 'inherit'});
}
process.exitCode = failures === 0 ? 0 : 1;
