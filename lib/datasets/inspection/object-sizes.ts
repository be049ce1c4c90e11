import {type TrainingSize, trainingScale} from '../../image/network-size.js';
import type {Instance} from '../dataset.js';

/** Sides in pixels that the sizes of objects are compared with. 32 is the smallest anchor by default. */
const SIDES = [8, 16, 32] as const;

/**
 * Sizes of the objects in the images that the network sees in training. The size of an object is the square root of
 * its box's area, in pixels of the resized image, as the sizes of anchors are.
 */
export type TrainingSizes = {
  /** Median size in pixels. For an even count, the upper one of the two middle values. */
  median: number;
  /** Number and fraction of the objects that are smaller than 8, 16 and 32 pixels. */
  below: {pixels: number; objects: number; share: number}[];
};

/** The sizes of instances without faults of an image of this size in training. */
export function sizesInTraining(
  instances: readonly Instance[],
  image: {width: number; height: number},
  size: TrainingSize,
): Float32Array {
  const scale = trainingScale(image, size);
  return Float32Array.from(instances, ({box: [x0, y0, x1, y1]}) =>
    Math.sqrt((x1 - x0) * scale.x * (y1 - y0) * scale.y),
  );
}

/** Summarises the sizes of all objects, image by image; null without objects. */
export function trainingSizes(images: readonly Float32Array[]): TrainingSizes | null {
  const sizes = new Float32Array(images.reduce((sum, {length}) => sum + length, 0));
  let end = 0;
  for (const image of images) {
    sizes.set(image, end);
    end += image.length;
  }
  if (sizes.length === 0) return null;
  sizes.sort();
  const below = SIDES.map((pixels) => {
    const objects = sizes.findIndex((size) => size >= pixels);
    const number = objects < 0 ? sizes.length : objects;
    return {pixels, objects: number, share: number / sizes.length};
  });
  return {median: sizes[Math.floor(sizes.length / 2)]!, below};
}

/** The sizes as a line. */
export function describeSizes(sizes: TrainingSizes | null): string[] {
  if (sizes === null) return [];
  const parts = sizes.below.map(({pixels, share}) => `${percent(share)} below ${pixels}`);
  return [
    `Sizes of objects in training (square root of the box's area): half of them up to ${sizes.median.toFixed(1)} ` +
      `pixels; ${parts.join(', ')}.`,
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
