import type {MaskedInstance, Sample} from '../datasets/dataset.js';
import {paintLabels} from '../masks/paint-labels.js';
import {pixelsOf, type Rle} from '../masks/rle.js';

/** The object that each pixel of an image belongs to, in row-major order: 0 for none, else 1, 2, ... */
export type LabelMap = {width: number; height: number; labels: Int32Array};

/** Numbers the instances of an image in their order. Where two overlap, the pixel belongs to the later one. */
export function trueLabels({width, height}: Sample['image'], instances: readonly MaskedInstance[]): LabelMap {
  const labels = new Int32Array(width * height);
  for (const [index, {mask}] of instances.entries()) {
    for (let y = 0; y < mask.height; y++) {
      const row = (mask.top + y) * width + mask.left;
      for (let x = 0; x < mask.width; x++) {
        if (mask.data[y * mask.width + x] !== 0) labels[row + x] = index + 1;
      }
    }
  }
  return {width, height, labels};
}

/** Numbers detections in their order, which is best first. Where several overlap, the pixel belongs to the best one. */
export function predictedLabels(masks: readonly Rle[], width: number, height: number): LabelMap {
  return {width, height, labels: paintLabels(masks, width, height, 'better').labels};
}

/** The union of `masks` of one image of width × height pixels, as bytes of 0 and 1 in row-major order. */
export function foregroundOf(masks: readonly Rle[], width: number, height: number): Uint8Array {
  const foreground = new Uint8Array(width * height);
  for (const mask of masks) for (const at of pixelsOf(mask)) foreground[at] = 1;
  return foreground;
}
