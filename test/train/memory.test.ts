import test from 'ava';
import {maskRcnn} from '../../lib/index.js';
import type {ModelOptions} from '../../lib/model/options.js';
import {describeMemory, stepBytes} from '../../lib/train/memory.js';

type Given = Parameters<typeof stepBytes>[0];

/** A model of the benchmark's options, of which only the options and the first parameter are asked. */
function model(options: ModelOptions, trainable = true): Given {
  const defaults = {minSize: [800], maxSize: 1333, sizeDivisible: 32, fixedSize: null, skipResize: false};
  return {
    options: {backbone: 'resnet50', precision: 'float32', device: 'cpu', ...defaults, ...options} as Given['options'],
    parameters: () => [{name: 'backbone.body.conv1.weight', trainable} as ReturnType<Given['parameters']>[number]],
  };
}

const megabytes = (given: Given, batchSize: number, activationCheckpointing = false) =>
  stepBytes(given, {batchSize, activationCheckpointing}) / 1e6;
const steps = (batchSize: number) => ({batchSize, activationCheckpointing: false});

// The measurements in docs/performance.md.
test('the estimate is within 5 % of what was measured, and within 6 % with activation checkpointing', (t) => {
  const measured: [options: ModelOptions, batchSize: number, peak: number][] = [
    [{backbone: 'mobilenet_v2'}, 2, 2632],
    [{backbone: 'mobilenet_v2', minSize: [400]}, 1, 932],
    [{backbone: 'resnet18'}, 2, 2422],
    [{backbone: 'resnet18', minSize: [400]}, 1, 889],
    [{}, 1, 2726],
    [{}, 2, 4656],
    [{minSize: [400]}, 2, 1837],
  ];
  for (const [options, batchSize, peak] of measured) {
    t.true(Math.abs(megabytes(model(options), batchSize) / peak - 1) < 0.05, JSON.stringify(options));
  }
  const checkpointed: [options: ModelOptions, batchSize: number, peak: number][] = [
    [{backbone: 'mobilenet_v2', minSize: [400]}, 1, 804],
    [{backbone: 'mobilenet_v2', minSize: [400]}, 2, 972],
    [{backbone: 'mobilenet_v2'}, 1, 1319],
    [{backbone: 'mobilenet_v2'}, 2, 2019],
    [{backbone: 'resnet18'}, 2, 1767],
    [{}, 2, 2473],
  ];
  for (const [options, batchSize, peak] of checkpointed) {
    const estimate = megabytes(model(options), batchSize, true);
    t.true(Math.abs(estimate / peak - 1) < 0.06, `${JSON.stringify(options)}: ${estimate}`);
  }
  const small = {fixedSize: [704, 512]} as const;
  const combined: [options: ModelOptions, isFirstTrained: boolean, peakMiB: number][] = [
    [small, true, 1452],
    [small, false, 1190],
    [{...small, precision: 'bfloat16'}, true, 1148],
    [{...small, precision: 'bfloat16'}, false, 1029],
  ];
  for (const [options, isFirstTrained, peak] of combined) {
    const estimate = stepBytes(model(options, isFirstTrained), {batchSize: 2, activationCheckpointing: true}) / 2 ** 20;
    t.true(Math.abs(estimate / peak - 1) < 0.06, `${JSON.stringify(options)}, ${isFirstTrained}: ${estimate}`);
  }
});

test('frozen first layers and bfloat16 need less, more images and pixels more', (t) => {
  const all = megabytes(model({}), 2);
  t.true(megabytes(model({}, false), 2) < all);
  t.true(megabytes(model({precision: 'bfloat16'}), 2) < all);
  t.true(megabytes(model({}), 4) > all);
  t.true(megabytes(model({fixedSize: [1600, 1600]}), 2) > all);
});

test('a step that does not fit is told with both figures', (t) => {
  const text = describeMemory(model({}), steps(8), {free: 8e9, used: 0.7e9});
  t.regex(text!, /^A step on 8 images may need about 15\.\d GB more memory, and 8\.0 GB are free: the system may end/);
  t.regex(text!, /needs less, and so does activationCheckpointing: true\.$/);
  const again = describeMemory(model({}), {batchSize: 16, activationCheckpointing: true}, {free: 8e9, used: 0.7e9});
  t.regex(again!, /or minSize needs less\.$/);
  t.is(describeMemory(model({}), steps(2), {free: 8e9, used: 0.7e9}), undefined);
  t.is(describeMemory(model({device: 'cuda'}), steps(99), {free: 1, used: 0}), undefined);
  t.is(describeMemory(model({skipResize: true}), steps(99), {free: 1, used: 0}), undefined);
});

test('the system of this test knows how much is free', async (t) => {
  await using tiny = await maskRcnn({backbone: 'resnet18', classes: ['a'], minSize: 64, device: 'cpu'});
  t.is(describeMemory(tiny, steps(1)), undefined);
  t.regex(describeMemory(tiny, steps(1_000_000))!, /may need about/);
});
