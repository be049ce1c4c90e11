import test from 'ava';
import type {Model, NativeDetections} from '../../../binding.js';
import {batch, createTiny, DETECT, SGD} from './models.js';
import {DEVICE, loadStandIn} from './stand-in.js';

const {binding, standIn} = await loadStandIn();

async function detect(model: Model, image: number): Promise<{found: NativeDetections; replays: number}> {
  standIn.takeJournal();
  const [found] = await model.detect(batch(1, image).images, DETECT);
  return {found: found!, replays: standIn.takeJournal().replays};
}

for (const precision of ['float32', 'bfloat16'] as const) {
  test.serial(`in ${precision} a captured graph detects what the network does, in image after image`, async (t) => {
    const plain = await createTiny(binding, DEVICE, {precision});
    const graphs = await createTiny(binding, DEVICE, {precision, graphs: true});
    const replays: number[] = [];
    for (const image of [1, 2, 5, 2]) {
      const {found: expected} = await detect(plain, image);
      const got = await detect(graphs, image);
      t.true(expected.scores.length > 0);
      t.deepEqual(got.found, expected, `image ${image}`);
      replays.push(got.replays);
    }
    t.deepEqual(replays, [0, 1, 1, 1], 'captured when the size comes again');
    t.is(await graphs.graphs(), 1);
    t.is(await plain.graphs(), 0);
    plain.dispose();
    graphs.dispose();
  });
}

test.serial('with weights that were trained or loaded since, graphs are captured anew', async (t) => {
  const [plain, graphs] = [await createTiny(binding, DEVICE), await createTiny(binding, DEVICE, {graphs: true})];
  const isAsBy = async (expected: Model) => {
    const {found} = await detect(expected, 1);
    for (const replays of [0, 1, 1]) t.deepEqual(await detect(graphs, 1), {found, replays});
    return found;
  };
  const untrained = await isAsBy(plain);
  for (const model of [plain, graphs]) {
    const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
    const optimizer = new binding.Optimizer(model, {...SGD, groups: [{parameters, lrMultiplier: 1, weightDecay: 0}]});
    const {images, targets} = batch(2);
    await model.seed(1);
    await model.computeLosses(images, targets, {backward: true, lossScale: 1});
    await optimizer.step({lr: 0.01, clipNorm: null});
  }
  t.notDeepEqual(await isAsBy(plain), untrained);

  const other = await createTiny(binding, DEVICE, {seed: 8});
  await graphs.loadStateDict(await other.stateDict());
  await isAsBy(other);
  for (const model of [plain, graphs, other]) model.dispose();
});

test.serial('the graphs of four shapes are kept', async (t) => {
  const model = await createTiny(binding, DEVICE, {graphs: true});
  const replaysOf = async (count: number) => {
    standIn.takeJournal();
    await model.detect(batch(count).images, DETECT);
    return standIn.takeJournal().replays;
  };
  for (const count of [1, 2, 3, 4, 5]) {
    t.is(await replaysOf(count), 0);
    t.is(await replaysOf(count), 1);
  }
  t.is(await replaysOf(2), 1);
  t.is(await replaysOf(1), 0, 'the one that came first has gone');
  model.dispose();
});
