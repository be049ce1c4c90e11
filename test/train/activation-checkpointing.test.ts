import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type ModelOptions, maskRcnn, type StepRecord, train} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {blobSample, blobs, halfBackbone, tinyModel} from '../tiny.js';

/** Losses, norms of gradients, and all weights and statistics after a step without an optimizer. */
async function stepOf(options: ModelOptions, activationCheckpointing: boolean) {
  await using model = await maskRcnn({...tinyModel, ...options});
  const native = openModel(model);
  await native.seed(5);
  await native.setActivationCheckpointing(activationCheckpointing);
  const samples = [blobSample(1), blobSample(2)];
  const targets = samples.map((sample) => toNativeTarget(sample, model.classes));
  const losses = await native.computeLosses(samples.map(toNativeImage), targets, {backward: true, lossScale: 2});
  const values = [...(await model.stateDict())].map(([name, {data}]) => [name, Buffer.from(data).toString('base64')]);
  return {losses, norms: await native.gradientNorms(), values: new Map(values as [string, string][])};
}

const stages = {trainableBackboneLayers: 6, returnedLayers: [1, 2, 3, 5]};
const networks: Record<string, ModelOptions> = {
  'frozen norms': {backboneNorm: 'frozen'},
  'trained norms': {backboneNorm: 'batch', version: 2, ...halfBackbone},
  'frozen first layers': {trainableBackboneLayers: 3},
  'no trained layer': {trainableBackboneLayers: 0},
  // Its third layer has 23 blocks, more than are computed again at once.
  'a deep backbone': {backbone: 'resnet101', trainableBackboneLayers: 5},
  'a MobileNetV2 with trained norms': {backbone: 'mobilenet_v2', backboneNorm: 'batch', ...stages},
  'a MobileNetV3': {backbone: 'mobilenet_v3_large', ...stages},
  bfloat16: {precision: 'bfloat16', trainableBackboneLayers: 5},
  'trained norms in bfloat16': {precision: 'bfloat16', backboneNorm: 'batch', ...halfBackbone},
};

/**
 * Errors of norms of gradients, as shares of the norm or of the largest one's thousandth. Gradients of a map that
 * several layers read are summed in another order.
 */
const LIMIT = {float32: 1e-5, bfloat16: 0.02};

for (const [name, options] of Object.entries(networks)) {
  test.serial(`the same losses, gradients and statistics: ${name}`, async (t) => {
    const {losses, norms, values} = await stepOf(options, false);
    const again = await stepOf(options, true);
    t.deepEqual(again.losses, losses);
    t.deepEqual(Object.keys(again.norms), Object.keys(norms));
    t.true(Object.keys(norms).length > 0);
    // Before another norm, the gradient of a shift is 0 but for errors.
    const least = Math.max(...Object.values(norms)) / 1000;
    for (const [key, norm] of Object.entries(norms)) {
      const error = Math.abs(again.norms[key]! - norm) / Math.max(norm, least);
      t.true(error < LIMIT[options.precision === 'bfloat16' ? 'bfloat16' : 'float32'], `${key}: ${error}`);
    }
    for (const [key, value] of values) t.is(again.values.get(key), value, key);
  });
}

for (const precision of ['float32', 'bfloat16'] as const) {
  test.serial(`gradients that have no order of sums are the same to the last bit: ${precision}`, async (t) => {
    // Only the pyramid reads the last map; each other one is read by one block and its shortcut.
    const levels = {returnedLayers: [4], anchorSizes: [[8], [16]]};
    const options = {...levels, precision, trainableBackboneLayers: 5};
    t.deepEqual((await stepOf(options, true)).norms, (await stepOf(options, false)).norms);
  });
}

test.serial('a run takes less memory with it', async (t) => {
  const peak = async (activationCheckpointing: boolean) => {
    const given = {work: 'train', backbone: 'mobilenet_v3_large', minSize: 400, batchSize: 2, activationCheckpointing};
    const args = [
      `--import=${import.meta.resolve('tsx')}`,
      resolve('scripts/bench/memory-case.ts'),
      JSON.stringify(given),
    ];
    const {stdout} = await promisify(execFile)(process.execPath, args, {cwd: tmpdir()}); // it writes a run there
    return Number(stdout.trim().split('\n').at(-1)) / 1000;
  };
  const [kept, again] = [await peak(false), await peak(true)];
  t.log(`${kept.toFixed(0)} and ${again.toFixed(0)} MB`);
  t.true(again < 0.85 * kept, `${kept}, ${again}`);
});

test.serial('it may change when a run is resumed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-checkpointing-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const network = {...tinyModel, trainableBackboneLayers: 5} as const;
  const data = blobs(6);
  const options = (output: string) => ({data, epochs: 2, log: 'silent', output: join(folder, output)}) as const;
  await using whole = await maskRcnn(network);
  const {history} = await train(whole, options('whole'));
  await using cut = await maskRcnn(network);
  const stop = new AbortController();
  const onStep = ({step}: StepRecord) => step === 1 && stop.abort(new Error('lunch'));
  await t.throwsAsync(train(cut, {...options('cut'), onStep, signal: stop.signal}), {message: 'lunch'});
  await using resumed = await maskRcnn(network);
  const {history: again} = await train(resumed, {...options('cut'), activationCheckpointing: true, resume: true});
  t.is(again.steps.length, history.steps.length);
  const off = again.steps.map(({loss}, step) => Math.abs(loss / history.steps[step]!.loss - 1));
  t.log(`losses differ by ${off.map((value) => value.toExponential(0)).join(', ')}`);
  // The first step after it has the same weights, the next one has others in their last digits. After that, another
  // proposal may win.
  t.deepEqual(off.slice(0, 3), [0, 0, 0]);
  t.true(off[3]! < 1e-5);
  const {train: used} = JSON.parse(await readFile(join(folder, 'cut', 'options.json'), 'utf8'));
  t.true(used.activationCheckpointing);
});
