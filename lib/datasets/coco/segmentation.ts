import type {NativeSegment, NativeSegmentation} from '../../../binding.js';
import type {Binding} from '../../addon/binding.js';

/** A decoded segmentation, or a RangeError that says what the segmentation must be. */
export type Decoded = Extract<NativeSegment, {counts: string}> | RangeError;

type Size = {width: number; height: number};

/**
 * Decodes the COCO segmentations of one image off the main thread. Each is a list of polygons or run lengths,
 * compressed (a string) or not (a list). With `crops`, each has the bitmap of its bounding box.
 */
export async function decodeSegmentations(
  segmentations: readonly unknown[],
  size: Size,
  {binding, crops = false}: {binding: Binding; crops?: boolean},
): Promise<Decoded[]> {
  return decodeInBlocks(segmentations, (segmentation) => readSegmentation(segmentation, size), {size, binding, crops});
}

/** Handing so many over to the addon, and taking the masks back, does not hold the event loop for long. */
const BLOCK = 256;

/** Decodes objects of any form: `read` makes a segmentation of each, or says what it must be. */
export async function decodeInBlocks<T>(
  objects: readonly T[],
  read: (object: T) => NativeSegmentation | RangeError,
  {size: {width, height}, binding, crops}: {size: Size; binding: Binding; crops: boolean},
): Promise<Decoded[]> {
  const results: Decoded[] = [];
  for (let start = 0; start < objects.length; start += BLOCK) {
    const block = objects.slice(start, start + BLOCK).map(read);
    const valid = block.filter((each): each is NativeSegmentation => !(each instanceof RangeError));
    const decoded = await binding.rle.readSegmentations(valid, width, height, crops);
    let next = 0;
    for (const each of block) {
      const segment = each instanceof RangeError ? each : decoded[next++]!;
      results.push('fault' in segment ? faultOf(segment.fault) : segment);
    }
  }
  return results;
}

/** What the addon says of a segmentation, so that it can follow 'must be'. */
function faultOf(sentence: string): RangeError {
  return new RangeError(`valid: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`);
}

function readSegmentation(segmentation: unknown, {width, height}: Size): NativeSegmentation | RangeError {
  if (Array.isArray(segmentation)) return readPolygons(segmentation);
  if (typeof segmentation !== 'object' || segmentation === null) {
    return new RangeError(`a list of polygons or an object of run lengths, got ${JSON.stringify(segmentation)}`);
  }
  const {size, counts} = segmentation as {size?: unknown; counts?: unknown};
  if (!(Array.isArray(size) && size[0] === height && size[1] === width)) {
    return new RangeError(`of the image's size [${height}, ${width}], got ${JSON.stringify(size)}`);
  }
  if (typeof counts === 'string') return counts;
  if (!(Array.isArray(counts) && counts.every((count) => Number.isSafeInteger(count) && count >= 0))) {
    return new RangeError('run lengths: a string, or a list of whole numbers that are not below 0');
  }
  return Float64Array.from(counts as number[]);
}

function readPolygons(polygons: readonly unknown[]): NativeSegmentation | RangeError {
  if (polygons.length === 0) return new RangeError('one polygon or more, got none');
  const ends = new Int32Array(polygons.length);
  let end = 0;
  for (const [i, polygon] of polygons.entries()) {
    if (!(Array.isArray(polygon) && polygon.every(Number.isFinite))) {
      return new RangeError('a list of polygons, each a list of finite numbers');
    }
    if (polygon.length % 2 !== 0) {
      return new RangeError(
        `made of polygons with a y for each x, got ${polygon.length} numbers in polygon ${i}, an odd number`,
      );
    }
    if (polygon.length < 6) {
      return new RangeError(
        `made of polygons of three points (six numbers) or more, got ${polygon.length} numbers in polygon ${i}`,
      );
    }
    ends[i] = end += polygon.length;
  }
  const points = new Float64Array(end);
  for (const [i, polygon] of polygons.entries()) points.set(polygon as number[], ends[i - 1] ?? 0);
  return {points, ends};
}
