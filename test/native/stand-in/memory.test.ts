import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {batch, createTiny, DETECT, SGD} from './models.js';
import {DEVICE, loadStandIn} from './stand-in.js';

const {binding, standIn} = await loadStandIn();

test.serial('dispose() gives all of the device’s memory back, that of graphs and optimizers too', async (t) => {
  const model = await createTiny(binding, DEVICE, {graphs: true});
  for (let time = 0; time < 3; time++) await model.detect(batch(1).images, DETECT);
  const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
  const groups = [{parameters, lrMultiplier: 1, weightDecay: 0}];
  const optimizer = new binding.Optimizer(model, {...SGD, groups});
  const {images, targets} = batch(1);
  await model.computeLosses(images, targets, {backward: true, lossScale: 1});
  await optimizer.step({lr: 0.01, clipNorm: null});
  await optimizer.updateAverage(0.9);
  t.true(standIn.memory() > 0);
  model.dispose();
  // The worker frees the network once it is idle.
  for (let wait = 0; wait < 100 && standIn.memory() > 0; wait++) await setTimeout(50);
  t.is(standIn.memory(), 0);
  await t.throwsAsync(async () => optimizer.step({lr: 0.01, clipNorm: null}), {code: 'DISPOSED'});
});

test.serial('what does not fit is OUT_OF_MEMORY, and the model goes on with what does', async (t) => {
  const model = await createTiny(binding, DEVICE);
  const {images, targets} = batch(2);
  const weights = standIn.memory();
  standIn.limitMemory(weights + 2e6);
  const step = () => model.computeLosses(images, targets, {backward: true, lossScale: 1});
  await t.throwsAsync(step(), {code: 'OUT_OF_MEMORY'});
  t.true(standIn.memory() < weights + 1e5, 'what the step had is free');
  t.true(
    Object.values(await model.gradientNorms()).every((norm) => norm === 0),
    'nor has it left a gradient',
  );
  standIn.limitMemory(Number.MAX_SAFE_INTEGER);
  t.true(Number.isFinite((await step()).loss_mask));
  model.dispose();
});
