import fc from 'fast-check';
import type {AugmentContext} from '../../lib/augment/augmentation.js';
import {instancesFromIds} from '../../lib/datasets/instances.js';
import type {Sample} from '../../lib/datasets/sample.js';

/** For augmentations that need no other sample. */
export const alone: AugmentContext = {
  another: () => Promise.reject(new Error('No other sample was expected to be asked for.')),
};

export type Ids = {width: number; height: number; ids: number[]};

/** Id images of up to 12 × 12 pixels with up to four instances, in any shape. */
export const idImages: fc.Arbitrary<Ids> = fc
  .tuple(fc.integer({min: 1, max: 12}), fc.integer({min: 1, max: 12}))
  .chain(([width, height]) =>
    fc
      .array(fc.integer({min: 0, max: 4}), {minLength: width * height, maxLength: width * height})
      .map((ids) => ({width, height, ids})),
  );

export function sampleOf({width, height, ids}: Ids): Sample {
  const data = Uint8Array.from({length: width * height * 3}, (_, i) => (i * 37) % 256);
  return {
    file: 'x.png',
    image: {data, width, height},
    instances: instancesFromIds({ids, width, height}, {label: 1, minArea: 1}).instances,
  };
}

/** The id image of a sample, painted from its cropped masks. */
export function paint({image: {width, height}, instances}: Sample): number[] {
  const ids = new Array<number>(width * height).fill(0);
  for (const {mask, id} of instances) {
    for (const [i, on] of mask.data.entries()) {
      if (on) ids[(mask.top + Math.floor(i / mask.width)) * width + mask.left + (i % mask.width)] = id!;
    }
  }
  return ids;
}
