import type {Sample} from '../datasets/sample.js';
import {decodeRle, type Rle} from '../rle.js';

/** Which object each pixel of an image belongs to, in reading order: 0 for none, else 1, 2, ... */
export type LabelMap = {width: number; height: number; labels: Int32Array};

/** The instances of `sample`, numbered in their order. Where two overlap, the later one has the pixel. */
export function trueLabels({image: {width, height}, instances}: Sample): LabelMap {
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

/** Detections, best first, numbered in their order. Where several overlap, the best one has the pixel. */
export function predictedLabels(masks: readonly Rle[], width: number, height: number): LabelMap {
  const labels = new Int32Array(width * height);
  for (const [index, mask] of masks.entries()) {
    const bitmap = decodeRle(mask);
    for (let i = 0; i < labels.length; i++) if (bitmap[i] !== 0 && labels[i] === 0) labels[i] = index + 1;
  }
  return {width, height, labels};
}
