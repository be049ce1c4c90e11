import type {NativeImage, NativeMasks, NativeTarget} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import type {Instance, InstanceMask, Sample} from './dataset.js';

/** Converts the pixels of `sample` for the addon. Throws INVALID_IMAGE if the array does not fit the size. */
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
 * Converts the instances of `sample` for the addon and checks each of them. torchvision would train on faulty instances
 * silently, or fail without naming the file. Here they throw INVALID_TARGET, with the file and the instance.
 */
export function toNativeTarget(sample: Sample, classes: readonly string[]): NativeTarget {
  const {instances} = sample;
  const [fault] = targetFaults(sample, classes);
  if (fault !== undefined) throw fault;
  return {
    boxes: Float32Array.from(instances.flatMap(({box}) => box)),
    labels: Int32Array.from(instances, ({label}) => label),
    ...packMasks(instances.map(({mask = NO_MASK}) => mask)),
  };
}

/** What the addon takes for an object of which only the box is known. */
const NO_MASK: InstanceMask = {left: 0, top: 0, width: 0, height: 0, data: new Uint8Array()};

/** Joins bitmaps to one array, with their rectangles. */
export function packMasks(masks: readonly InstanceMask[]): NativeMasks {
  const maskData = new Uint8Array(masks.reduce((sum, {data}) => sum + data.length, 0));
  let offset = 0;
  for (const {data} of masks) {
    maskData.set(data, offset);
    offset += data.length;
  }
  return {
    maskRects: Int32Array.from(masks.flatMap(({left, top, width, height}) => [left, top, width, height])),
    maskData,
  };
}

/** Faults of the instances of `sample`, at most one INVALID_TARGET for each. */
export function targetFaults(sample: Sample, classes: readonly string[]): MaskRcnnError[] {
  return sample.instances.flatMap((_, index) => targetFault(sample, index, classes) ?? []);
}

/** The first fault of instance `index` of `sample`, an INVALID_TARGET. Undefined if it has none. */
export function targetFault(
  {file, image, instances}: Sample,
  index: number,
  classes: readonly string[],
): MaskRcnnError | undefined {
  const instance = instances[index]!;
  const fault = labelFault(instance, classes) ?? boxFault(instance, image) ?? maskFault(instance, image);
  if (fault === undefined) return undefined;
  const details = fault.hint === undefined ? {file} : {file, hint: fault.hint};
  return new MaskRcnnError('INVALID_TARGET', `${instanceName(instance, index)} of ${file} ${fault.must}.`, details);
}

/** The name of an instance in messages: 'Instance 2', or 'Instance 2 (id 17)'. */
export function instanceName({id}: Instance, index: number): string {
  return id === undefined ? `Instance ${index}` : `Instance ${index} (id ${id})`;
}

/** A violated rule, as the part of a message that follows the name of the instance. */
type Fault = {must: string; hint?: string};

type Size = {width: number; height: number};

function labelFault({label}: Instance, classes: readonly string[]): Fault | undefined {
  if (Number.isInteger(label) && label >= 1 && label <= classes.length) return undefined;
  return {
    must: `must have a label in 1..${classes.length} (${classes.join(', ')}), got ${label}`,
    ...(label === 0 && {hint: '0 is the background: the labels of objects start at 1.'}),
  };
}

function boxFault({box}: Instance, {width, height}: Size): Fault | undefined {
  // Round to float32, as the network does: a side may vanish.
  const [x0, y0, x1, y1] = box.map(Math.fround) as typeof box;
  const shown = `[${box.join(', ')}]`;
  if (box.length !== 4 || !box.every(Number.isFinite)) {
    return {must: `must have a box of four finite numbers, got ${shown}`};
  }
  if (!(x0 < x1 && y0 < y1)) {
    return {
      must: `must have a box [x0, y0, x1, y1] with x0 < x1 and y0 < y1, got ${shown}`,
      hint: 'x1 and y1 are exclusive: the box of one pixel has side 1.',
    };
  }
  if (x0 < 0 || y0 < 0 || x1 > width || y1 > height) {
    return {must: `must have its box inside the image of ${width} × ${height} pixels, got ${shown}`};
  }
  return undefined;
}

function maskFault({box, mask}: Instance, image: Size): Fault | undefined {
  if (mask === undefined) return undefined;
  const {left, top, width, height, data} = mask;
  const rect = `${width} × ${height} at (${left}, ${top})`;
  if (![left, top].every(Number.isInteger) || ![width, height].every(isPositiveInteger)) {
    return {must: `must have a mask of whole, positive size, got ${rect}`};
  }
  if (left < 0 || top < 0 || left + width > image.width || top + height > image.height) {
    return {must: `must have its mask inside the image of ${image.width} × ${image.height} pixels, got ${rect}`};
  }
  if (data.length !== width * height) {
    return {must: `must have a mask of ${width * height} bytes for ${rect}, got ${data.length}`};
  }
  const joined = joinedBits(data);
  if (joined === 0) return {must: `must have at least one pixel in its mask, got none in ${rect}`};
  if (joined > 1) {
    return {
      must: `must have a mask of 0 and 1, got ${data.find((value) => value > 1)}`,
      hint: 'Write 1 where the object is: 255 would count 255 times.',
    };
  }
  const [x0, y0, x1, y1] = box.map(Math.fround) as typeof box;
  if (left >= x1 || top >= y1 || left + width <= x0 || top + height <= y0) {
    return {must: `must have a mask that meets its box [${box.join(', ')}], got ${rect}`};
  }
  return undefined;
}

/** The bits that any byte has: 0 without an object, 1 for a mask of 0 and 1. Four bytes at a time, to be quick. */
function joinedBits(data: Uint8Array): number {
  const start = Math.min(data.length, -data.byteOffset & 3); // words begin at a multiple of 4 in the buffer
  const words = new Uint32Array(data.buffer, data.byteOffset + start, (data.length - start) >> 2);
  let all = 0;
  for (let i = 0; i < words.length; i++) all |= words[i]!;
  all |= (all >>> 16) | (all >>> 8) | (all >>> 24);
  for (let i = 0; i < start; i++) all |= data[i]!;
  for (let i = start + words.length * 4; i < data.length; i++) all |= data[i]!;
  return all & 255;
}

function isPositiveInteger(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}
