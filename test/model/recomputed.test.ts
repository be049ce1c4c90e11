import test from 'ava';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {gridSample, tinyModel} from '../tiny.js';

/** Below the 64 rois from which the backward pass grows the maps again; two images are above. */
const OBJECTS = 36;

/** All sampled boxes are objects, so that an image twice has the mask loss of that image once. */
const options = {
  ...tinyModel,
  rpnPostNmsTopNTrain: 1,
  boxBatchSizePerImage: 128,
  boxPositiveFraction: 1,
} as const;

async function maskGradients(images: number): Promise<Map<string, number>> {
  await using model = await maskRcnn(options);
  const native = openModel(model);
  await native.seed(3);
  const sample = gridSample(OBJECTS);
  const target = toNativeTarget(sample, model.classes);
  await native.computeLosses(Array(images).fill(toNativeImage(sample)), Array(images).fill(target), {
    backward: true,
    lossScale: 1,
  });
  const norms = Object.entries(await native.gradientNorms());
  return new Map(norms.filter(([name]) => /mask_(head|predictor)/.test(name)));
}

test('the gradients of the mask head are the same when its grown maps are computed again', async (t) => {
  const once = await maskGradients(1);
  const twice = await maskGradients(2);
  t.is(once.size, 12);
  for (const [name, norm] of once) {
    t.true(norm > 0, name);
    const error = Math.abs(twice.get(name)! / norm - 1);
    // Sums in another order alone differ by 5e-5.
    t.true(error < 5e-4, `${name}: ${error}`);
  }
});
