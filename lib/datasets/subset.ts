/** A data set of some of the samples of another. */
import {checkOptions, required} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import type {LevelOptions} from '../image/regions/large-image.js';
import {checkDataset, type Dataset, datasetRule} from './dataset.js';
import {
  labelsOfSample,
  largeImageOfSample,
  objectsOfSample,
  readSample,
  sizeOfSample,
  truthOfSample,
} from './read-sample.js';

/**
 * A data set of the samples with the indices `which`, or of those for which the function `which` returns true. Samples
 * are read on request. Throws RangeError for an invalid index, INVALID_OPTION, INVALID_DATASET.
 */
export function subset(data: Dataset, which: readonly number[] | ((index: number) => boolean)): Dataset {
  checkOptions({data}, {data: required(datasetRule)}, 'subset()');
  checkDataset(data);
  const all = Array.from({length: data.length}, (_, index) => index);
  const indices = typeof which === 'function' ? all.filter(which) : checkIndices(which, data.length);
  const at = (index: number): number => {
    if (indices[index] !== undefined) return indices[index];
    throw new RangeError(`The index must be in 0..${indices.length - 1}, got ${show(index)}.`);
  };
  return {
    length: indices.length,
    classes: data.classes,
    get notices() {
      return data.notices ?? []; // they may grow while samples are read
    },
    get: async (index) => readSample(data, at(index)),
    ...(data.masks !== undefined && {masks: data.masks}),
    ...(data.size !== undefined && {size: async (index: number) => sizeOfSample(data, at(index))}),
    ...(data.labels !== undefined && {labels: async (index: number) => labelsOfSample(data, at(index))}),
    ...(data.truth !== undefined && {truth: async (index: number) => truthOfSample(data, at(index))}),
    ...(data.largeImage !== undefined && {
      largeImage: async (index: number, options: LevelOptions) => largeImageOfSample(data, at(index), options),
    }),
    ...(data.objects !== undefined && {
      objects: async (index: number, size: {width: number; height: number}) => objectsOfSample(data, at(index), size),
    }),
    ...(data.group !== undefined && {group: (index: number) => data.group!(at(index))}),
    ...(data.categoryIds !== undefined && {categoryIds: data.categoryIds}),
    ...(data.labelOf !== undefined && {labelOf: (id: number) => data.labelOf!(id)}),
    ...(data.sources !== undefined && {sources: (index: number) => data.sources!(at(index))}),
    ...(data.fingerprint !== undefined && {fingerprint: data.fingerprint}),
    ...(data.pixels !== undefined && {pixels: data.pixels}),
    imageId: (index) => data.imageId?.(at(index)) ?? at(index) + 1,
  };
}

/** Throws RangeError unless all `indices` are integers in 0..length-1. */
export function checkIndices(indices: readonly number[], length: number): readonly number[] {
  for (const index of indices) {
    if (Number.isInteger(index) && index >= 0 && index < length) continue;
    throw new RangeError(`The indices must be in 0..${length - 1}, got ${show(index)}.`);
  }
  return indices;
}
