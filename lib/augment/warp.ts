import type {NativeMasks, NativeWarpOptions} from '../../binding.js';
import {loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {integer, listOf, oneOf, type Rule} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import type {Instance, Sample} from '../datasets/dataset.js';
import {toNativeImage} from '../datasets/targets.js';
import {determinant, type Matrix} from './matrix.js';

/** What lies outside of the image: its mirror image, what it shows of the instances included, or a colour. */
export type Border = 'reflect' | readonly [number, number, number];

export const borderRules: Rule[] = [oneOf('reflect'), listOf(integer({min: 0, max: 255}), {length: 3})];

/** Throws INVALID_OPTION where the first of two numbers is the larger one. */
export function checkRange(range: readonly [number, number], option: string, where: string): void {
  if (range[0] <= range[1]) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `Option '${option}' of ${where} must be [least, greatest], got ${show(range)}.`,
  );
}

export type Warp = {
  /** From a pixel's centre in the result to the sample given. */
  matrix: Matrix;
  /** Of the result; default: as before. */
  width?: number;
  height?: number;
  grid?: NativeWarpOptions['grid'];
  border: Border;
};

/** A part of an instance with less than this share of its pixels is dropped ... */
const SLIVER_SHARE = 0.1;
/** ... unless it has this many: then it is no sliver, and leaving it without truth would teach a mistake. */
const SLIVER_AREA = 400;

/** Moves image and masks through one map, off the main thread. Boxes are those of the masks; what vanishes is left out. */
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
    instances.push(withMask(sample.instances[source]!, {...mask, data: bitmap}));
  }
  return {...sample, image: {data, ...size}, instances};
}

/** Whether `area` pixels are too few to stand for an instance of `whole` pixels. */
export function isSliver(area: number, whole: number): boolean {
  return area < SLIVER_SHARE * whole && area < SLIVER_AREA;
}

/** `instance` with another mask, and the box of that. */
export function withMask(instance: Instance, mask: Instance['mask']): Instance {
  const {left, top, width, height} = mask;
  return {...instance, box: [left, top, left + width, top + height], mask};
}

function toNativeMasks(instances: readonly Instance[]): NativeMasks {
  const maskData = new Uint8Array(instances.reduce((sum, {mask}) => sum + mask.data.length, 0));
  let offset = 0;
  for (const {mask} of instances) {
    maskData.set(mask.data, offset);
    offset += mask.data.length;
  }
  return {
    maskRects: Int32Array.from(instances.flatMap(({mask}) => [mask.left, mask.top, mask.width, mask.height])),
    maskData,
  };
}
