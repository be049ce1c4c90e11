import test from 'ava';
import {maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {blobSample, wideModel} from '../tiny.js';

const options = {scoreThreshold: 0, maxDetections: 10, maskFormat: 'float', maskThreshold: 0.5, views: 1} as const;

for (const precision of ['float32', 'bfloat16'] as const) {
  test(`the operations of a stage are those of its layers computed directly (${precision})`, async (t) => {
    await using model = await maskRcnn({...wideModel, precision});
    const {image} = blobSample(0);
    const {stages} = await openModel(model).stageCosts([image as never], options);
    const flops = new Map(stages.map((stage) => [stage.stage, stage.flops]));
    // Maps of 64 × 64 pixels at strides 4 to 64: a convolution of 3 × 3, and 3 anchors with a logit and 4 offsets each.
    const pixels = 16 ** 2 + 8 ** 2 + 4 ** 2 + 2 ** 2 + 1;
    t.is(flops.get('rpn head'), 2 * pixels * (256 * 256 * 9 + 256 * 3 * 5));
    // Ten objects of 14 × 14: four convolutions of 3 × 3, and a transposed one with four times as many outputs.
    const least = 2 * 10 * 14 ** 2 * (4 * 256 * 256 * 9 + 4 * 256 * 256);
    t.true(flops.get('mask head')! >= least && flops.get('mask head')! < 1.01 * least, String(flops.get('mask head')));
  });
}
