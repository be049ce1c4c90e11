import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';
import type {Dataset, Sample} from './dataset.js';

/**
 * Sample `index` of a data set. The user may have written the data set, so the shape of the sample is checked: throws
 * INVALID_DATASET, which names the sample and what is wrong. Otherwise throws the errors of `data.get()`.
 */
export async function readSample(data: Dataset, index: number): Promise<Sample> {
  const sample: unknown = await data.get(index);
  checkSample(sample, `Sample ${index} of the data set`);
  return sample;
}

/** Throws INVALID_DATASET if `value` does not have the shape of a sample. `name` begins the message. */
export function checkSample(value: unknown, name: string): asserts value is Sample {
  const must = (what: string, got: unknown) => {
    const file = isObject(value) && typeof value.file === 'string' ? value.file : undefined;
    const of = file === undefined ? '' : ` (${file})`;
    return new MaskRcnnError('INVALID_DATASET', `${name}${of} must have ${what}, got ${show(got)}.`, {
      ...(file !== undefined && {file}),
      hint: 'get() of a data set resolves to {file, image: {data, width, height}, instances: [{label, box, mask}]}.',
    });
  };
  if (!isObject(value)) throw must('a file, an image and instances', value);
  const {file, image, instances} = value;
  if (typeof file !== 'string') throw must('a file, the name of the image', file);
  if (!isObject(image)) throw must('an image: data, width and height', image);
  if (!isBytes(image.data)) throw must('its image.data in a Uint8Array', image.data);
  if (!Array.isArray(instances)) throw must('instances, an array', instances);
  for (const [i, instance] of instances.entries()) {
    if (!isObject(instance)) throw must(`an object at instances[${i}]`, instance);
    if (!Array.isArray(instance.box)) throw must(`a box [x0, y0, x1, y1] at instances[${i}].box`, instance.box);
    if (!isObject(instance.mask))
      throw must(`a mask {left, top, width, height, data} at instances[${i}]`, instance.mask);
    if (!isBytes(instance.mask.data)) {
      throw must(`a Uint8Array at instances[${i}].mask.data`, instance.mask.data);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array || value instanceof Uint8ClampedArray;
}
