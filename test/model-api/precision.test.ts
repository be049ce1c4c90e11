import test from 'ava';
import {type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model.js';
import {toNativeImage, toNativeTarget} from '../../lib/targets.js';
import {blobSample, fingerprints, tinyModel} from '../tiny.js';

const networks = {
  'resnet18, trained batch norm': tinyModel,
  'mobilenet_v2, frozen batch norm': {
    ...tinyModel,
    backbone: 'mobilenet_v2',
    backboneNorm: 'frozen',
    returnedLayers: [1, 2, 3, 5],
  },
} as const;

/** bfloat16 has 8 significant bits: one rounding is up to 2^-9 = 0.2 %; these are sums over many layers of them. */
const LOSS_TOLERANCE = 0.01;
const NORM_TOLERANCE = 0.05;

async function backward(model: MaskRcnn) {
  const samples = [blobSample(1), blobSample(2)];
  const native = openModel(model);
  await native.seed(3);
  const losses = await native.computeLosses(
    samples.map(toNativeImage),
    samples.map((sample) => toNativeTarget(sample, model.classes)),
    {backward: true, lossScale: 1},
  );
  const norms = Object.values(await native.gradientNorms());
  return {
    loss: Object.values(losses).reduce((sum, loss) => sum + loss),
    norm: Math.hypot(...norms),
    withGradient: norms.filter((norm) => norm > 0).length,
  };
}

for (const [title, options] of Object.entries(networks)) {
  test(`bfloat16 computes what float32 does, to fewer digits: ${title}`, async (t) => {
    await using exact = await maskRcnn(options);
    await using rough = await maskRcnn({...options, precision: 'bfloat16'});
    t.deepEqual(
      fingerprints(await rough.stateDict()),
      fingerprints(await exact.stateDict()),
      'the weights are float32',
    );

    const [expected, got] = [await backward(exact), await backward(rough)];
    const lossError = Math.abs(got.loss / expected.loss - 1);
    const normError = Math.abs(got.norm / expected.norm - 1);
    t.log(
      `loss ${expected.loss}, off by ${lossError.toExponential(1)}; gradient's norm off by ${normError.toExponential(1)}`,
    );
    t.not(got.loss, expected.loss, 'it is another arithmetic');
    t.true(lossError < LOSS_TOLERANCE);
    t.true(normError < NORM_TOLERANCE);
    t.is(got.withGradient, expected.withGradient);
  });
}
