import test from 'ava';
import {loadBinding} from '../../lib/addon/binding.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {blobSample, fingerprints, tinyModel, wideModel} from '../tiny.js';

const mobile = {...wideModel, backbone: 'mobilenet_v2', returnedLayers: [1, 2, 3, 5]} as const;
const frozen = {...mobile, backboneNorm: 'frozen'} as const;

/**
 * In an untrained network, frozen batch norms shrink activations until they are 0 in float16. So float16 has trained
 * ones.
 *
 * bfloat16 has 8 significant bits and float16 has 11, so one rounding error is up to 2^-9 = 0.2 % or 0.02 %. Results
 * are sums of these over many layers, and batch norms over few pixels magnify them, most of all in the many layers of
 * MobileNetV2. The heads are wide, because an error counts for less in a sum of more numbers. The limits of the trained
 * norms are at least twice the largest of six seeds, on a processor that multiplies both types.
 */
const CASES = [
  ['bfloat16', 'resnet18, trained batch norm', wideModel, {loss: 0.015, norm: 0.05}],
  ['bfloat16', 'mobilenet_v2, frozen batch norm', frozen, {loss: 0.01, norm: 0.05}],
  ['float16', 'resnet18, trained batch norm', wideModel, {loss: 0.005, norm: 0.05}],
  ['float16', 'mobilenet_v2, trained batch norm', mobile, {loss: 0.15, norm: 0.3}],
] as const;

/**
 * Without a scale, small gradients would be 0 in float16. With a much larger scale, large gradients would be infinite.
 */
const LOSS_SCALE = 64;

async function backward(model: MaskRcnn) {
  const samples = [blobSample(1), blobSample(2)];
  const native = openModel(model);
  await native.seed(3);
  const losses = await native.computeLosses(
    samples.map(toNativeImage),
    samples.map((sample) => toNativeTarget(sample, model.classes)),
    {backward: true, lossScale: LOSS_SCALE},
  );
  const norms = Object.values(await native.gradientNorms());
  return {
    loss: Object.values(losses).reduce((sum, loss) => sum + loss),
    norm: Math.hypot(...norms) / LOSS_SCALE,
    withGradient: norms.filter((norm) => norm > 0).length,
  };
}

for (const [precision, title, options, most] of CASES) {
  test(`${precision} computes what float32 does, to fewer digits: ${title}`, async (t) => {
    await using exact = await maskRcnn(options);
    await using rough = await maskRcnn({...options, precision});
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
    t.true(lossError < most.loss);
    t.true(normError < most.norm);
    t.is(got.withGradient, expected.withGradient);
  });
}

test('bfloat16 on a processor without AVX-512 is told to be slow', async (t) => {
  const {cpuCapability} = (await loadBinding()).environment();
  const isSlow = ['AVX2', 'DEFAULT', 'NO AVX'].includes(cpuCapability);
  for (const [precision, expected] of [
    ['bfloat16', isSlow],
    ['float32', false],
  ] as const) {
    await using model = await maskRcnn({...tinyModel, precision, device: 'cpu'});
    t.is(
      model.notices.some((notice) => /many times slower than 'float32' on this processor/.test(notice)),
      expected,
      precision,
    );
  }
});
