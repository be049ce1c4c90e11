import {count} from '../basics/wording.js';
import type {MaskRcnn} from '../model/model.js';
import type {ResolvedTrainOptions} from './options.js';

/**
 * The memory of a process that trains all layers in float32, in bytes: a part for each image, and for each padded pixel
 * of it. `checkpointed`: what remains of these two with activation checkpointing.
 */
type Costs = {process: number; image: number; pixel: number; checkpointed: number};

/**
 * Fitted to the four measurements of each backbone that `npm run bench:memory -- --work train` prints (in
 * docs/performance.md). Estimates are within 2 % of these, and within 6 % with activation checkpointing. MobileNetV3,
 * which counts as version 2, takes a tenth less, and a quarter less with activation checkpointing.
 */
const COSTS = {
  mobilenet: {process: 600e6, image: 83e6, pixel: 1067, checkpointed: 0.65},
  small: {process: 590e6, image: 69e6, pixel: 966, checkpointed: 0.64},
  resnet: {process: 775e6, image: 30e6, pixel: 2200, checkpointed: 0.44},
} satisfies Record<string, Costs>;

/**
 * What remains of the parts per image: without the first layers, also with activation checkpointing, or in bfloat16 (by
 * the peaks of ResNet-50 in docs/performance.md).
 */
const SHARE = {frozen: 0.55, frozenCheckpointed: 0.67, bfloat16: 0.6};

/** Images are taken to be 4 : 3. */
const ASPECT = 4 / 3;

type Step = Pick<ResolvedTrainOptions, 'batchSize' | 'activationCheckpointing'>;

/**
 * Says that a training step on the CPU may not fit into the free memory, or undefined if it does as far as is known.
 * An estimate for images of 4 : 3, which errs on the low side: larger backbones count as ResNet-50. `free` is in
 * bytes.
 */
export function describeMemory(
  model: Pick<MaskRcnn, 'options' | 'parameters'>,
  step: Step,
  {free = process.availableMemory(), used = process.memoryUsage.rss()} = {},
): string | undefined {
  const {device, skipResize} = model.options;
  if (device !== 'cpu' || skipResize) return undefined;
  const need = stepBytes(model, step);
  if (need - used <= free) return undefined;
  return (
    `A step on ${count(step.batchSize, 'image')} may need about ${gigabytes(need - used)} more memory, and ` +
    `${gigabytes(free)} are free: the system may end the process. A smaller batchSize (with accumulate) or minSize ` +
    `needs less${mayCheckpoint(model, step) ? ', and so does activationCheckpointing: true' : ''}.`
  );
}

/** Whether activation checkpointing would save memory that is not saved yet. */
export function mayCheckpoint(
  model: Pick<MaskRcnn, 'parameters'>,
  {activationCheckpointing}: Pick<Step, 'activationCheckpointing'>,
): boolean {
  const isTrained = model.parameters().some(({name, trainable}) => trainable && name.startsWith('backbone.body.'));
  return isTrained && !activationCheckpointing;
}

/** The peak memory of a process that takes such steps. */
export function stepBytes(
  model: Pick<MaskRcnn, 'options' | 'parameters'>,
  {batchSize, activationCheckpointing}: Step,
): number {
  const {backbone, precision} = model.options;
  const kind = backbone.startsWith('mobilenet') ? 'mobilenet' : /^resnet(18|34)$/.test(backbone) ? 'small' : 'resnet';
  const costs = COSTS[kind];
  const first = model.parameters().find(({name}) => name.startsWith('backbone.body.'));
  const shares = [
    first?.trainable ? 1 : activationCheckpointing ? SHARE.frozenCheckpointed : SHARE.frozen,
    precision === 'bfloat16' ? SHARE.bfloat16 : 1,
    activationCheckpointing ? costs.checkpointed : 1,
  ];
  const share = shares.reduce((product, each) => product * each);
  return costs.process + batchSize * share * (costs.image + costs.pixel * paddedPixels(model.options));
}

function paddedPixels({minSize, maxSize, fixedSize, sizeDivisible}: MaskRcnn['options']): number {
  const shorter = Math.max(...minSize);
  const [width, height] = fixedSize ?? [Math.min(maxSize, shorter * ASPECT), Math.min(shorter, maxSize / ASPECT)];
  const padded = (length: number) => Math.ceil(length / sizeDivisible) * sizeDivisible;
  return padded(width!) * padded(height!);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
