import type {Binding} from '../../../lib/addon/binding.js';
import {toNativeImage, toNativeTarget} from '../../../lib/datasets/targets.js';
import type {ModelOptions} from '../../../lib/index.js';
import {completeModelOptions} from '../../../lib/model/complete-options.js';
import {blobSample, tinyModel} from '../../tiny.js';

/** Creates the tiny network on a device that `maskRcnn()` does not offer. */
export async function createTiny(binding: Binding, device: string, options: ModelOptions = {}) {
  const complete = completeModelOptions(
    {...tinyModel, ...options},
    {pretrained: false, frozenBatchNormEps: undefined, numClasses: 2, device, threads: 2},
  );
  return await binding.Model.create(complete.options);
}

/** Images and targets of `count` samples, starting with sample `first`. */
export function batch(count: number, first = 0) {
  const samples = Array.from({length: count}, (_, index) => blobSample(first + index));
  return {images: samples.map(toNativeImage), targets: samples.map((sample) => toNativeTarget(sample, ['blob']))};
}

export const DETECT = {
  scoreThreshold: 0,
  maxDetections: 10,
  maskFormat: 'float',
  maskThreshold: 0.5,
  views: 1,
} as const;
export const SGD = {type: 'sgd', momentum: 0.9, nesterov: false} as const;
