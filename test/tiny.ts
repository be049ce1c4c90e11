import {createHash} from 'node:crypto';
import type {Dataset, Instance, ModelOptions, Sample, StateDict, StateTensor} from '../lib/index.js';

/** A network that takes only seconds: the smallest backbone, narrow heads, images of 64 pixels, few proposals. */
export const tinyModel = {
  backbone: 'resnet18',
  classes: ['blob'],
  minSize: 64,
  maxSize: 96,
  fpnChannels: 32,
  boxRepresentationSize: 64,
  maskChannels: 32,
  anchorSizes: [[8], [16], [32], [64], [128]],
  rpnPreNmsTopNTrain: 100,
  rpnPostNmsTopNTrain: 50,
  rpnPreNmsTopNTest: 100,
  rpnPostNmsTopNTest: 20,
  rpnBatchSizePerImage: 64,
  boxBatchSizePerImage: 16,
  boxDetectionsPerImg: 10,
  seed: 7,
} as const satisfies ModelOptions;

/**
 * Changes of the tiny network for comparing trainings: only the first half of the backbone, whose smallest maps have
 * enough pixels for statistics. Of few pixels, norms make large differences from those of the last digit.
 */
export const halfBackbone = {returnedLayers: [1, 2], anchorSizes: [[8], [16], [32]]} as const satisfies ModelOptions;

/** The tiny network with torchvision's heads. */
export const wideModel = {
  ...tinyModel,
  fpnChannels: 256,
  boxRepresentationSize: 1024,
  maskChannels: 256,
} as const satisfies ModelOptions;

/**
 * Bright discs on grey, identical for the same index. Images 0, 3, 6, ... have one disc, the next have two, and the
 * next three.
 */
export function blobs(length: number): Dataset {
  return {length, classes: ['blob'], get: async (index) => blobSample(index)};
}

export function blobSample(index: number): Sample {
  const side = 64;
  const data = new Uint8Array(side * side * 3).map((_, i) => 60 + ((i * 7 + index * 13) % 40));
  const instances = Array.from({length: 1 + (index % 3)}, (_, k) => {
    const radius = 6 + ((index * 5 + k * 3) % 5);
    return disc(data, side, 14 + 17 * k, 18 + ((index * 11 + k * 23) % 28), radius);
  });
  return {file: `blob_${index}.png`, image: {data, width: side, height: side}, instances};
}

/** One image with `count` discs in a square grid. */
export function gridSample(count: number): Sample {
  const columns = Math.ceil(Math.sqrt(count));
  const side = 16 * columns;
  const data = new Uint8Array(side * side * 3).fill(80);
  const instances = Array.from({length: count}, (_, k) =>
    disc(data, side, 8 + 16 * (k % columns), 8 + 16 * Math.floor(k / columns), 6),
  );
  return {file: 'grid.png', image: {data, width: side, height: side}, instances};
}

function disc(data: Uint8Array, side: number, cx: number, cy: number, radius: number): Instance {
  const size = 2 * radius + 1;
  const [left, top] = [cx - radius, cy - radius];
  const mask = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if ((x - radius) ** 2 + (y - radius) ** 2 > radius ** 2) continue;
      mask[y * size + x] = 1;
      data.fill(230, ((top + y) * side + left + x) * 3, ((top + y) * side + left + x) * 3 + 3);
    }
  }
  return {
    label: 1,
    box: [left, top, left + size, top + size],
    mask: {left, top, width: size, height: size, data: mask},
  };
}

/** A fingerprint of each tensor, because the test runner takes minutes to compare the tensors themselves. */
export function fingerprints(dict: StateDict): Map<string, string> {
  const of = ({dtype, shape, data}: StateTensor) =>
    `${dtype} [${shape}] ${createHash('sha256').update(data).digest('hex')}`;
  return new Map(Array.from(dict, ([name, tensor]) => [name, of(tensor)]));
}
