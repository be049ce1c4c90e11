import type {NativeMasks, NativeWarpOptions} from '../../binding.js';
import {loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {integer, listOf, oneOf, type Rule} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import {boxMask} from '../datasets/box-mask.js';
import type {Instance, InstanceMask, MaskedInstance, Sample} from '../datasets/dataset.js';
import {packMasks, toNativeImage} from '../datasets/targets.js';
import {determinant, type Matrix} from './matrix.js';

/**
 * The fill of the area outside of an image: 'reflect' for the mirrored image, including its instances, or a colour as
 * [red, green, blue], each 0..255.
 */
export type Border = 'reflect' | readonly [number, number, number];

export const borderRules: Rule[] = [oneOf('reflect'), listOf(integer({min: 0, max: 255}), {length: 3})];

/** Throws INVALID_OPTION if the first number is larger than the second. */
export function checkRange(range: readonly [number, number], option: string, where: string): void {
  if (range[0] <= range[1]) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `Option '${option}' of ${where} must be [least, greatest], got ${show(range)}.`,
  );
}

export type Warp = {
  /** Maps the centre of a pixel of the result to a position in the given sample. */
  matrix: Matrix;
  /** Size of the result in pixels. Default: the size of the sample. */
  width?: number;
  height?: number;
  grid?: NativeWarpOptions['grid'];
  border: Border;
};

/** A remaining part with less than this fraction of an instance's pixels is dropped ... */
const SLIVER_SHARE = 0.1;
/**
 * ... unless it has this many pixels. A part this large is a visible object, and an image without its label would teach
 * the network a mistake.
 */
const SLIVER_AREA = 400;

/**
 * Transforms an image and its masks with one map, off the main thread. Boxes are computed from the new masks, or from
 * the image of the whole box for an instance without a mask. Instances that vanish are dropped.
 */
export async function warp(sample: Sample, {matrix, width, height, grid = null, border}: Warp): Promise<Sample> {
  const image = toNativeImage(sample);
  const size = {width: width ?? image.width, height: height ?? image.height};
  const {pixels} = await loadBinding();
  const scale = Math.sqrt(Math.abs(determinant(matrix)));
  const warped = await pixels.warp(image, toNativeMasks(sample.instances), {
    ...size,
    matrix: [...matrix],
    grid,
    fill: border === 'reflect' ? null : [...border],
    shrink: Math.max(1, Math.floor(scale + 1e-6)),
  });
  const {data, sources, sourceAreas, areas, maskRects, maskData} = warped;
  const instances: Instance[] = [];
  let offset = 0;
  for (const [index, source] of sources.entries()) {
    const [left, top, columns, rows] = maskRects.subarray(4 * index, 4 * index + 4) as unknown as number[];
    const mask = {left: left!, top: top!, width: columns!, height: rows!};
    const bitmap = maskData.slice(offset, offset + mask.width * mask.height);
    offset += bitmap.length;
    if (isSliver(areas[index]!, sourceAreas[index]! / scale ** 2)) continue;
    const instance = sample.instances[source]!;
    const box = boxOf(mask);
    instances.push(
      instance.mask === undefined ? {...instance, box} : {...instance, box, mask: {...mask, data: bitmap}},
    );
  }
  return {...sample, image: {data, ...size}, instances};
}

/** Whether the remaining `area` pixels are too few to represent an instance of `whole` pixels. */
export function isSliver(area: number, whole: number): boolean {
  return area < SLIVER_SHARE * whole && area < SLIVER_AREA;
}

/** `instance` with another mask and the bounding box of that mask. */
export function withMask(instance: Instance, mask: InstanceMask): MaskedInstance {
  return {...instance, box: boxOf(mask), mask};
}

function boxOf({left, top, width, height}: Omit<InstanceMask, 'data'>): Instance['box'] {
  return [left, top, left + width, top + height];
}

function toNativeMasks(instances: readonly Instance[]): NativeMasks {
  return packMasks(instances.map(({box, mask = boxMask(box)}) => mask));
}
