import test from 'ava';
import fc from 'fast-check';
import {loadRuntime} from '../../../lib/addon/binding.js';
import {loadOperators} from '../../../lib/addon/device.js';
import {findOperators} from '../../../lib/libtorch/operators.js';
import {largestDifference} from '../fixture.js';

// Tests torchvision's operators, which are used on a GPU, in this process on the CPU. They come with PyTorch, for
// example with LIBTORCH=$(python3 -c 'import torch; print(torch.__path__[0])'). The downloaded libtorch for the CPU
// does not include them.
const loaded = await loadRuntime();
const {ops, torchvisionOps} = loaded.binding;
const path = await findOperators(loaded.libtorch.root);
const withOperators = path === undefined ? test.skip : test;
if (path === undefined) console.log(`# skipped: no library of torchvision beside ${loaded.libtorch.root}`);

withOperators('torchvision’s library loads without Python, and registers its operators', async (t) => {
  t.is(await loadOperators(loaded), undefined);
  t.true(loaded.binding.environment().torchvision);
});

withOperators('NMS keeps the same boxes', async (t) => {
  t.is(await loadOperators(loaded), undefined);
  const corner = fc.integer({min: 0, max: 40});
  const side = fc.integer({min: 1, max: 20});
  const rows = fc.array(fc.tuple(corner, corner, side, side), {maxLength: 60});
  fc.assert(
    fc.property(rows, fc.constantFrom(0.3, 0.5, 0.7), (list, threshold) => {
      const boxes = Float32Array.from(list.flatMap(([x, y, w, h]) => [x, y, x + w, y + h]));
      const scores = Float32Array.from(list, (_, i) => ((i * 37) % 61) / 61);
      t.deepEqual(ops.nms(boxes, scores, threshold), torchvisionOps.nms(boxes, scores, threshold));
    }),
  );
});

withOperators('ROIAlign and its gradient are the same', async (t) => {
  t.is(await loadOperators(loaded), undefined);
  const shape: [number, number, number, number] = [2, 5, 16, 20];
  const input = Float32Array.from({length: 2 * 5 * 16 * 20}, (_, i) => Math.sin(i * 0.7));
  const rois = Float32Array.from([0, 3, 4, 50, 60, 1, -8, 0, 30, 20, 1, 10.5, 12.25, 79, 63, 0, 5, 5, 5, 5]);
  for (const [outputSize, samplingRatio] of [
    [7, 2],
    [14, 2],
    [3, 0],
  ] as const) {
    const options = {spatialScale: 0.25, outputSize, samplingRatio};
    const pooled = ops.roiAlign(input, shape, rois, options);
    t.true(largestDifference(pooled, torchvisionOps.roiAlign(input, shape, rois, options)) < 1e-5);
    const grad = pooled.map((value, i) => value + Math.cos(i));
    const theirs = torchvisionOps.roiAlignBackward(grad, shape, rois, options);
    t.true(largestDifference(ops.roiAlignBackward(grad, shape, rois, options), theirs) < 1e-4);
  }
});
