import {createHash} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import type {NativeOptimizerOptions} from '../../binding.js';
import {loadBinding} from '../../lib/addon/binding.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type MaskRcnn, type ModelOptions, maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {blobSample, tinyModel} from '../tiny.js';

// In bfloat16, detection caches its weights in another form between calls. Every change of the weights must take
// effect.

const networks: Record<string, ModelOptions> = {
  'trained batch norms': {...tinyModel, precision: 'bfloat16'},
  'frozen batch norms': {...tinyModel, precision: 'bfloat16', backboneNorm: 'frozen'},
  MobileNetV2: {...tinyModel, precision: 'bfloat16', backbone: 'mobilenet_v2', returnedLayers: [1, 2, 3, 5]},
};

const algorithms = {
  SGD: {lr: 0.001, type: 'sgd', momentum: 0.9, nesterov: false},
  AdamW: {lr: 0.00001, type: 'adamw', betas: [0.9, 0.999], eps: 1e-8},
} as const;

const sample = blobSample(2);

async function detections(model: MaskRcnn) {
  const [found] = await model.predict(sample.image, {maskFormat: 'float'});
  const hash = createHash('sha256');
  for (const values of [found!.boxes, found!.scores, ...found!.masks]) hash.update(values);
  return `${found!.scores.length} objects, ${hash.digest('hex')}`;
}

async function addGradients(model: MaskRcnn) {
  const target = toNativeTarget(sample, model.classes);
  await openModel(model).computeLosses([toNativeImage(sample)], [target], {backward: true, lossScale: 1});
}

/** Whether the model detects the same as another model with the same weights. */
async function isCurrent(t: ExecutionContext, model: MaskRcnn, options: ModelOptions, when: string) {
  await using fresh = await maskRcnn(options);
  await fresh.loadStateDict(await model.stateDict());
  t.is(await detections(model), await detections(fresh), when);
}

for (const [network, options] of Object.entries(networks)) {
  for (const [name, {lr, ...algorithm}] of Object.entries(algorithms)) {
    test(`what changes the weights changes detections in bfloat16: ${network}, ${name}`, async (t) => {
      await using model = await maskRcnn(options);
      const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
      const groups = [{parameters, lrMultiplier: 1, weightDecay: 0.01}];
      const {Optimizer} = await loadBinding();
      const optimizer = new Optimizer(openModel(model), {...algorithm, groups} as NativeOptimizerOptions);
      const before = await detections(model);
      const original = await model.stateDict();

      await addGradients(model);
      await isCurrent(t, model, options, 'after the running statistics of batch norms have moved');
      await optimizer.updateAverage(0.5);
      await optimizer.step({lr, clipNorm: null});
      await isCurrent(t, model, options, 'after a step');
      const stepped = await detections(model);
      t.not(stepped, before);
      t.notRegex(stepped, /^0 /);

      await optimizer.swapAverage();
      await isCurrent(t, model, options, 'while the averages are in place');
      t.not(await detections(model), stepped);
      await optimizer.swapAverage();
      t.is(await detections(model), stepped);

      await model.loadStateDict(original);
      t.is(await detections(model), before);
    });
  }
}

for (const precision of ['float32', 'bfloat16'] as const) {
  test(`frozen norms that are loaded change detections in ${precision}`, async (t) => {
    const options: ModelOptions = {...tinyModel, precision, backboneNorm: 'frozen'};
    await using model = await maskRcnn(options);
    const before = await detections(model);
    const state = await model.stateDict();
    for (const [name, tensor] of state) {
      if (!/\.bn\d\.running_var$/.test(name)) continue;
      const values = new Float32Array(tensor.data.slice().buffer).map((value) => value * 1.5);
      state.set(name, {...tensor, data: new Uint8Array(values.buffer)});
    }
    await model.loadStateDict(state);
    await isCurrent(t, model, options, 'after loading');
    t.not(await detections(model), before);
  });
}

test('detection in bfloat16 is close to float32, before and after the weights are kept', async (t) => {
  // MobileNetV3 uses Hardswish and ReLU, where V2 uses ReLU6.
  const MobileNetV3 = {
    ...tinyModel,
    precision: 'bfloat16',
    backbone: 'mobilenet_v3_large',
    anchorSizes: [[16], [32], [64]],
  } as const;
  for (const options of [...Object.values(networks), MobileNetV3]) {
    await using exact = await maskRcnn({...options, precision: 'float32'});
    await using rough = await maskRcnn(options);
    await rough.loadStateDict(await exact.stateDict());
    const scores = async (model: MaskRcnn) => (await model.predict(sample.image))[0]!.scores;
    const [expected, first, second] = [await scores(exact), await scores(rough), await scores(rough)];
    t.deepEqual(second, first);
    t.is(first.length, expected.length);
    // 8 significant bits, over about 25 layers.
    for (const [i, score] of first.entries())
      t.true(Math.abs(score / expected[i]! - 1) < 0.02, `${score}, ${expected[i]}`);
  }
});
