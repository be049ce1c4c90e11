import test from 'ava';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type ModelOptions, maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {gridSample, tinyModel} from '../tiny.js';

/** Fewer than the 64 boxes of a block, or the 128 in half precision; two images have more. */
const OBJECTS = {float32: 50, bfloat16: 100, float16: 100};

/** All anchors and all objects are samples, so that an image twice has the losses of that image once. */
const options = {
  ...tinyModel,
  rpnBatchSizePerImage: 100_000,
  rpnPostNmsTopNTrain: 1,
  boxBatchSizePerImage: 128,
  boxPositiveFraction: 1,
} as const;

type Network = Pick<ModelOptions, 'version'> & {precision: keyof typeof OBJECTS};
type Found = {loss: number; norms: Map<string, number>};

/** The mask loss, and the norms of the gradients divided by the scale of the losses. */
async function gradients(
  images: number,
  network: Network,
  {lossScale = 1, objects = OBJECTS[network.precision]} = {},
): Promise<Found> {
  await using model = await maskRcnn({...options, ...network});
  const native = openModel(model);
  await native.seed(3);
  const sample = gridSample(objects);
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

/**
 * With limits of the relative errors of the loss, of the gradients in the mask head, and in the backbone. If a block is
 * left out, the loss differs by 0.3. Sums in another order change signs before a ReLU: with eight seeds of the weights,
 * the largest errors were 3e-6, 8e-4 and 0.009 in float32, and 0.003 and 0.021 in bfloat16. There, the other losses
 * already change the gradients of the backbone by up to three quarters.
 */
for (const [version, precision, lossLimit, headLimit, backboneLimit] of [
  [1, 'float32', 1e-5, 2e-3, 0.05],
  [2, 'float32', 1e-5, 2e-3, 0.05],
  [1, 'bfloat16', 0.03, 0.3, Infinity],
] as const) {
  test(`the mask loss of version ${version} in ${precision} has the same gradients in one block and in two`, async (t) => {
    const network = {version, precision};
    const once = await gradients(1, network);
    const twice = await gradients(2, network, {lossScale: 64});
    t.true(Math.abs(twice.loss / once.loss - 1) < lossLimit, `${once.loss}, ${twice.loss}`);
    t.true([...once.norms.keys()].some((name) => name.startsWith('backbone.body')));
    for (const [name, norm] of once.norms) {
      t.true(norm > 0, name);
      const error = Math.abs(twice.norms.get(name)! / norm - 1);
      t.true(error < (name.startsWith('backbone') ? backboneLimit : headLimit), `${name}: ${error}`);
    }
  });
}

test('in float16, the gradients of the mask loss are computed with the scale of the losses', async (t) => {
  const exact = await gradients(2, {precision: 'float32'}, {objects: OBJECTS.float16});
  const scaled = await gradients(2, {precision: 'float16'}, {lossScale: 1024});
  for (const [name, norm] of exact.norms) {
    if (name.includes('mask')) t.true(Math.abs(scaled.norms.get(name)! / norm - 1) < 0.05, name);
  }
  // So large a scale leads to numbers that float16 does not have, unless it comes afterwards.
  const overflown = await gradients(2, {precision: 'float16'}, {lossScale: 2 ** 24});
  t.false(Number.isFinite(overflown.norms.get('roi_heads.mask_head.3.0.weight')));
});
