import type {NativeImage, NativeTarget} from '../binding.js';
import type {Instance, Sample} from './datasets/sample.js';
import {MaskRcnnError} from './errors.js';

/** The pixels of `sample` as the addon takes them. Throws INVALID_IMAGE where the array does not fit the size. */
export function toNativeImage({file, image}: Pick<Sample, 'file' | 'image'>): NativeImage {
  const {data, width, height} = image;
  if (!(isPositiveInteger(width) && isPositiveInteger(height)) || data.length !== width * height * 3) {
    throw new MaskRcnnError(
      'INVALID_IMAGE',
      `${file} must have width × height × 3 bytes of RGB pixels, got ${data.length} bytes for ${width} × ${height}.`,
      {file},
    );
  }
  return {data, width, height};
}

/**
 * The instances of `sample` as the addon takes them, every one checked: what torchvision would train on silently or fail
 * on without a name is INVALID_TARGET here, with the file and the instance.
 */
export function toNativeTarget(sample: Sample, classes: readonly string[]): NativeTarget {
  const {instances} = sample;
  for (const [index, instance] of instances.entries()) checkInstance(sample, instance, index, classes);
  const maskData = new Uint8Array(instances.reduce((sum, {mask}) => sum + mask.data.length, 0));
  let offset = 0;
  for (const {mask} of instances) {
    maskData.set(mask.data, offset);
    offset += mask.data.length;
  }
  return {
    boxes: Float32Array.from(instances.flatMap(({box}) => box)),
    labels: Int32Array.from(instances, ({label}) => label),
    maskRects: Int32Array.from(instances.flatMap(({mask}) => [mask.left, mask.top, mask.width, mask.height])),
    maskData,
  };
}

function checkInstance({file, image}: Sample, instance: Instance, index: number, classes: readonly string[]): void {
  const {label, box, mask, id} = instance;
  const fail = (what: string, hint?: string): never => {
    const name = id === undefined ? `Instance ${index}` : `Instance ${index} (id ${id})`;
    throw new MaskRcnnError(
      'INVALID_TARGET',
      `${name} of ${file} ${what}.`,
      hint === undefined ? {file} : {file, hint},
    );
  };
  const size = `${image.width} × ${image.height}`;

  if (!Number.isInteger(label) || label < 1 || label > classes.length) {
    fail(
      `must have a label in 1..${classes.length} (${classes.join(', ')}), got ${label}`,
      label === 0 ? '0 is the background: the labels of objects start at 1.' : undefined,
    );
  }

  // float32, as the network sees them: a side that vanishes there is no side.
  const [x0, y0, x1, y1] = box.map(Math.fround) as typeof box;
  const shown = `[${box.join(', ')}]`;
  if (box.length !== 4 || !box.every(Number.isFinite)) fail(`must have a box of four finite numbers, got ${shown}`);
  if (!(x0 < x1 && y0 < y1)) {
    fail(
      `must have a box [x0, y0, x1, y1] with x0 < x1 and y0 < y1, got ${shown}`,
      'x1 and y1 are exclusive: the box of one pixel has side 1.',
    );
  }
  if (x0 < 0 || y0 < 0 || x1 > image.width || y1 > image.height) {
    fail(`must have its box inside the image of ${size} pixels, got ${shown}`);
  }

  const rect = `${mask.width} × ${mask.height} at (${mask.left}, ${mask.top})`;
  if (![mask.left, mask.top].every(Number.isInteger) || ![mask.width, mask.height].every(isPositiveInteger)) {
    fail(`must have a mask of whole, positive size, got ${rect}`);
  }
  if (mask.left < 0 || mask.top < 0 || mask.left + mask.width > image.width || mask.top + mask.height > image.height) {
    fail(`must have its mask inside the image of ${size} pixels, got ${rect}`);
  }
  if (mask.data.length !== mask.width * mask.height) {
    fail(`must have a mask of ${mask.width * mask.height} bytes for ${rect}, got ${mask.data.length}`);
  }
  const largest = mask.data.reduce((most, value) => Math.max(most, value), 0);
  if (largest === 0) fail(`must have at least one pixel in its mask, got none in ${rect}`);
  if (largest > 1) {
    fail(`must have a mask of 0 and 1, got ${largest}`, 'Write 1 where the object is: 255 would count 255 times.');
  }
  if (mask.left >= x1 || mask.top >= y1 || mask.left + mask.width <= x0 || mask.top + mask.height <= y0) {
    fail(`must have a mask that meets its box ${shown}, got ${rect}`);
  }
}

function isPositiveInteger(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}
