import test from 'ava';
import {relativeError} from './digest.js';
import {createModel, type Fixture, LOSSES, readFixture} from './measure.js';
import {sceneImage, sceneTarget, withoutMasks} from './scenes.js';

type Cases = Pick<Fixture, 'scenes'> & {seed: number; cases: {alone: number[][]; losses: number[]}[]};

test('objects of which only the box is known are left out of the mask loss', async (t) => {
  const {scenes, seed, cases} = readFixture<Cases>('boxes-alone');
  const model = await createModel('resnet18', readFixture('resnet18'));
  const images = scenes.map(sceneImage);
  for (const {alone, losses} of cases) {
    const targets = scenes.map((scene, i) => withoutMasks(sceneTarget(scene), alone[i]!));
    await model.seed(seed);
    const values = await model.computeLosses(images, targets, {backward: false, lossScale: 1});
    const errors = LOSSES.map((name, i) => relativeError(values[name], losses[i]!));
    t.true(Math.max(...errors) < 1e-4, `${JSON.stringify(alone)}: ${errors}`);
  }
  model.dispose();
});

test('without any mask the mask loss is 0, and the mask head gets no gradient', async (t) => {
  const {scenes, seed} = readFixture<Cases>('boxes-alone');
  const model = await createModel('resnet18', readFixture('resnet18'));
  const targets = scenes.map((scene) => withoutMasks(sceneTarget(scene), [...scene.objects.keys()]));
  await model.seed(seed);
  const {loss_mask: loss} = await model.computeLosses(scenes.map(sceneImage), targets, {backward: true, lossScale: 1});
  t.is(loss, 0);
  for (const [name, norm] of Object.entries(await model.gradientNorms())) {
    if (name.startsWith('roi_heads.mask')) t.is(norm, 0, name);
    if (name.startsWith('roi_heads.box')) t.true(norm > 0, name);
  }
  model.dispose();
});
