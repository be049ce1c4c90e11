import test from 'ava';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type ModelOptions, maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {gridSample, tinyModel} from '../tiny.js';

/** Fewer than the 32 boxes of a block; two images have more. */
const OBJECTS = 25;

/** All anchors and all objects are samples, so that an image twice has the losses of that image once. */
const options = {
  ...tinyModel,
  rpnBatchSizePerImage: 100_000,
  rpnPostNmsTopNTrain: 1,
  boxBatchSizePerImage: 128,
  boxPositiveFraction: 1,
} as const;

type Found = {loss: number; norms: Map<string, number>};

/** The mask loss, and the norms of the gradients divided by the scale of the losses. */
async function gradients(images: number, network: ModelOptions, lossScale = 1): Promise<Found> {
  await using model = await maskRcnn({...options, ...network});
  const native = openModel(model);
  await native.seed(3);
  const sample = gridSample(OBJECTS);
  const target = toNativeTarget(sample, model.classes);
  const losses = await native.computeLosses(Array(images).fill(toNativeImage(sample)), Array(images).fill(target), {
    backward: true,
    lossScale,
  });
  const norms = Object.entries(await native.gradientNorms()).map(([name, norm]) => [name, norm / lossScale] as const);
  return {
    loss: losses.loss_mask,
    norms: new Map(norms.filter(([name]) => /backbone|mask_(head|predictor)/.test(name))),
  };
}

/** With limits of the losses and of the gradients: sums in another order alone differ by half as much. */
for (const [version, precision, lossLimit, limit] of [
  [1, 'float32', 1e-6, 2e-4],
  [2, 'float32', 1e-6, 1e-3],
  [1, 'bfloat16', 0.02, 0.1],
] as const) {
  test(`the mask loss of version ${version} in ${precision} has the same gradients in one block and in two`, async (t) => {
    const network = {version, precision};
    const once = await gradients(1, network);
    const twice = await gradients(2, network, 64);
    t.true(Math.abs(twice.loss / once.loss - 1) < lossLimit, `${once.loss}, ${twice.loss}`);
    t.true([...once.norms.keys()].some((name) => name.startsWith('backbone.body')));
    for (const [name, norm] of once.norms) {
      // In bfloat16, the other losses already move those of the backbone by a third.
      if (precision === 'bfloat16' && name.startsWith('backbone')) continue;
      t.true(norm > 0, name);
      const error = Math.abs(twice.norms.get(name)! / norm - 1);
      t.true(error < limit, `${name}: ${error}`);
    }
  });
}

test('in float16, the gradients of the mask loss are computed with the scale of the losses', async (t) => {
  const exact = await gradients(2, {precision: 'float32'});
  const scaled = await gradients(2, {precision: 'float16'}, 1024);
  for (const [name, norm] of exact.norms) {
    if (name.includes('mask')) t.true(Math.abs(scaled.norms.get(name)! / norm - 1) < 0.01, name);
  }
  // So large a scale leads to numbers that float16 does not have, unless it comes afterwards.
  const overflown = await gradients(2, {precision: 'float16'}, 2 ** 24);
  t.false(Number.isFinite(overflown.norms.get('roi_heads.mask_head.3.0.weight')));
});
