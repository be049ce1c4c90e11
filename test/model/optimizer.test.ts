import test, {type ExecutionContext} from 'ava';
import type {NativeOptimizerOptions, Optimizer} from '../../binding.js';
import {loadBinding} from '../../lib/addon/binding.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type MaskRcnn, maskRcnn, type StateDict} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {blobSample, fingerprints, tinyModel} from '../tiny.js';

/** Parameters of several kinds and sizes. The first one has its own group. */
const NAMES = [
  'backbone.body.layer1.0.conv1.weight',
  'rpn.head.cls_logits.weight',
  'roi_heads.box_predictor.cls_score.bias',
  'roi_heads.mask_predictor.conv5_mask.weight',
];

const GROUPS = [
  {parameters: NAMES.slice(0, 1), lrMultiplier: 0.1, weightDecay: 0.5},
  {parameters: NAMES.slice(1), lrMultiplier: 1, weightDecay: 0.02},
];

const LR = 0.01;

async function addGradients(model: MaskRcnn, seed: number): Promise<void> {
  const sample = blobSample(seed);
  await openModel(model).seed(seed);
  const target = toNativeTarget(sample, model.classes);
  await openModel(model).computeLosses([toNativeImage(sample)], [target], {backward: true, lossScale: 1});
}

function values(dict: StateDict, name: string): Float32Array {
  const {data} = dict.get(name)!;
  return new Float32Array(data.buffer, data.byteOffset, data.length / 4);
}

/** A power of two, so that dividing by it is exact. */
const PROBE_LR = 1024;

/** Gradients at the weights of `dict`, computed as the difference that a step of plain gradient descent makes. */
async function gradients(probe: MaskRcnn, dict: StateDict, seed: number): Promise<Map<string, Float64Array>> {
  const binding = await loadBinding();
  await probe.loadStateDict(dict);
  const groups = [{parameters: NAMES, lrMultiplier: 1, weightDecay: 0}];
  const optimizer = new binding.Optimizer(openModel(probe), {type: 'sgd', momentum: 0, nesterov: false, groups});
  await addGradients(probe, seed);
  await optimizer.step({lr: PROBE_LR, clipNorm: null});
  const after = await probe.stateDict();
  return new Map(
    NAMES.map((name) => {
      const moved = values(after, name);
      return [name, Float64Array.from(values(dict, name), (value, i) => (value - moved[i]!) / PROBE_LR)];
    }),
  );
}

type Without<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never;
type Algorithm = Without<NativeOptimizerOptions, 'groups'>;

type Update = (
  weight: number,
  gradient: number,
  slot: {m: number; v: number},
  step: number,
  decay: number,
  lr: number,
) => number;

/** Compares three steps of the addon with `update`, element by element. */
async function compare(t: ExecutionContext, options: Algorithm, update: Update) {
  await using model = await maskRcnn(tinyModel);
  await using probe = await maskRcnn(tinyModel);
  const binding = await loadBinding();
  const optimizer = new binding.Optimizer(openModel(model), {...options, groups: GROUPS});
  const slots = new Map<string, {m: number; v: number}[]>();
  let worst = 0;
  for (let step = 1; step <= 3; step++) {
    const before = await model.stateDict();
    const gradient = await gradients(probe, before, step);
    await addGradients(model, step);
    await optimizer.step({lr: LR, clipNorm: null});
    const after = await model.stateDict();
    for (const {parameters, lrMultiplier, weightDecay} of GROUPS) {
      for (const name of parameters) {
        const [old, now, g] = [values(before, name), values(after, name), gradient.get(name)!];
        const slot = slots.get(name) ?? Array.from(old, () => ({m: 0, v: 0}));
        slots.set(name, slot);
        for (let i = 0; i < old.length; i++) {
          const expected = update(old[i]!, g[i]!, slot[i]!, step, weightDecay, LR * lrMultiplier);
          worst = Math.max(worst, Math.abs(now[i]! - expected) / LR);
        }
      }
    }
  }
  t.log(`largest difference: ${worst.toExponential(1)} of the rate`);
  t.true(worst < 1e-4);
}

for (const nesterov of [false, true]) {
  test.serial(`SGD is that of torch.optim, nesterov ${nesterov}`, async (t) => {
    await compare(t, {type: 'sgd', momentum: 0.9, nesterov}, (weight, gradient, slot, step, decay, lr) => {
      const g = gradient + decay * weight;
      slot.m = step === 1 ? g : 0.9 * slot.m + g;
      return weight - lr * (nesterov ? g + 0.9 * slot.m : slot.m);
    });
  });
}

test.serial('AdamW is that of Loshchilov and Hutter (2019), algorithm 2', async (t) => {
  const [beta1, beta2, eps] = [0.8, 0.95, 1e-3];
  await compare(t, {type: 'adamw', betas: [beta1, beta2], eps}, (weight, gradient, slot, step, decay, lr) => {
    slot.m = beta1 * slot.m + (1 - beta1) * gradient;
    slot.v = beta2 * slot.v + (1 - beta2) * gradient ** 2;
    const [m, v] = [slot.m / (1 - beta1 ** step), slot.v / (1 - beta2 ** step)];
    return weight * (1 - lr * decay) - (lr * m) / (Math.sqrt(v) + eps);
  });
});

async function sgd(model: MaskRcnn): Promise<Optimizer> {
  const binding = await loadBinding();
  return new binding.Optimizer(openModel(model), {type: 'sgd', momentum: 0.9, nesterov: false, groups: GROUPS});
}

test.serial('gradients add up, and scaling them makes a mean of their sum', async (t) => {
  await using once = await maskRcnn(tinyModel);
  await using twice = await maskRcnn(tinyModel);
  const [a, b] = [await sgd(once), await sgd(twice)];
  // Each forward pass changes batch norm's statistics, but not the result of a forward pass in training mode.
  await addGradients(once, 5);
  for (const _ of [1, 2]) await addGradients(twice, 5);
  await b.scaleGradients(0.5);
  const [one, two] = [await openModel(once).gradientNorms(), await openModel(twice).gradientNorms()];
  for (const name of NAMES) t.true(Math.abs(one[name]! / two[name]! - 1) < 1e-5, name);
  await a.zeroGrad();
  t.is((await openModel(once).gradientNorms())[NAMES[0]!], 0);
});

test.serial('the average is of the weights after each step, and can be exchanged for them', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const optimizer = await sgd(model);
  const seen: StateDict[] = [];
  for (const step of [1, 2, 3]) {
    await addGradients(model, step);
    await optimizer.step({lr: LR, clipNorm: null});
    await optimizer.updateAverage(0.75);
    seen.push(await model.stateDict());
  }
  await optimizer.swapAverage();
  const average = await model.stateDict();
  await t.throwsAsync(optimizer.stateDict(), {message: /exchanged for their averages/});
  await optimizer.swapAverage();
  t.deepEqual(fingerprints(await model.stateDict()), fingerprints(seen[2]!));
  for (const name of [...NAMES, 'backbone.body.bn1.running_mean', 'backbone.body.conv1.weight']) {
    const [first, second, third] = seen.map((dict) => values(dict, name));
    const expected = first!.map((value, i) => 0.75 * (0.75 * value + 0.25 * second![i]!) + 0.25 * third![i]!);
    const got = values(average, name);
    t.true(
      got.every((value, i) => Math.abs(value - expected[i]!) <= 1e-6 * (1 + Math.abs(expected[i]!))),
      name,
    );
  }
});

test.serial('a state that is loaded is that which was saved', async (t) => {
  await using model = await maskRcnn(tinyModel);
  await using other = await maskRcnn(tinyModel);
  const [from, to] = [await sgd(model), await sgd(other)];
  await addGradients(model, 1);
  await from.step({lr: LR, clipNorm: null});
  await from.updateAverage(0.9);
  const state = await from.stateDict();
  t.true(state.some(({name}) => name === `${NAMES[0]}.momentum_buffer`));
  t.true(state.some(({name}) => name === 'backbone.body.bn1.running_mean.average'));
  await to.loadStateDict(state);
  const asDict = (tensors: typeof state) => fingerprints(new Map(tensors.map((tensor) => [tensor.name, tensor])));
  t.deepEqual(asDict(await to.stateDict()), asDict(state));
  const wrong = [{...state[0]!, shape: [1], data: new Uint8Array(4)}];
  await t.throwsAsync(to.loadStateDict(wrong), {message: /has shape \[1\], expected/});
  await t.throwsAsync(to.loadStateDict([{...state[0]!, name: 'no.such.momentum_buffer'}]), {message: /no\.such/});
});

test.serial('what is not to be trained gets no gradient', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const native = openModel(model);
  await native.setTrainable(NAMES.slice(1));
  t.deepEqual(
    native.parameters().flatMap(({name, trainable}) => (trainable ? [name] : [])),
    NAMES.slice(1),
  );
  await addGradients(model, 1);
  const norms = await native.gradientNorms();
  t.is(norms[NAMES[0]!], 0);
  t.true(norms[NAMES[1]!]! > 0);
  await t.throwsAsync(native.setTrainable(['no.such']), {message: /no parameter is named no\.such/});
});
