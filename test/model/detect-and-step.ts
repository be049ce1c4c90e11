/** Runs a detection, and computes losses with their gradients. */

import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {maskRcnn} from '../../lib/index.js';
import {openModel} from '../../lib/model/model.js';
import {blobSample, tinyModel} from '../tiny.js';

const sample = blobSample(1);
await using model = await maskRcnn({...tinyModel, classes: ['blob'], device: 'cpu'});
await model.predict(sample.image);
const target = toNativeTarget(sample, model.classes);
await openModel(model).computeLosses([toNativeImage(sample)], [target], {backward: true, lossScale: 1});
