import type {Binding} from '../../addon/binding.js';
import type {Rle} from '../../masks/rle.js';

/** The members of an annotation in COCO's instances files that are used here. */
export type Annotation = {
  id: number;
  image_id: number;
  category_id: number;
  bbox?: unknown;
  area?: unknown;
  iscrowd?: unknown;
  segmentation?: unknown;
};

/** Whether `value` is a COCO id: an integer, which may be 0. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** Parses a box: left, top, width, height. Undefined if `value` is not a box. */
export function toBox(value: unknown): [number, number, number, number] | undefined {
  const isBox = Array.isArray(value) && value.length === 4 && value.every(Number.isFinite);
  return isBox ? (value as [number, number, number, number]) : undefined;
}

/**
 * Converts a COCO segmentation to a mask. It is a list of polygons or run lengths, compressed (a string) or not (a
 * list). Throws a RangeError that says what the segmentation must be.
 */
export function toRle(segmentation: unknown, {width, height}: {width: number; height: number}, {rle}: Binding): Rle {
  const size: Rle['size'] = [height, width];
  if (Array.isArray(segmentation)) return {size, counts: fromPolygons(segmentation, width, height, rle)};
  if (typeof segmentation !== 'object' || segmentation === null) {
    throw new RangeError(`a list of polygons or an object of run lengths, got ${JSON.stringify(segmentation)}`);
  }
  const {size: given, counts} = segmentation as {size?: unknown; counts?: unknown};
  if (!(Array.isArray(given) && given[0] === height && given[1] === width)) {
    throw new RangeError(`of the image's size [${height}, ${width}], got ${JSON.stringify(given)}`);
  }
  if (typeof counts === 'string') {
    rle.areas([counts], width, height); // throws if they do not fit the size
    return {size, counts};
  }
  if (!(Array.isArray(counts) && counts.every((count) => Number.isSafeInteger(count) && count >= 0))) {
    throw new RangeError('run lengths: a string, or a list of whole numbers that are not below 0');
  }
  return {size, counts: rle.fromRuns(counts as number[], width, height)};
}

function fromPolygons(polygons: readonly unknown[], width: number, height: number, rle: Binding['rle']): string {
  if (polygons.length === 0) throw new RangeError('one polygon or more, got none');
  const ends: number[] = [];
  let end = 0;
  for (const polygon of polygons) {
    if (!(Array.isArray(polygon) && polygon.every(Number.isFinite))) {
      throw new RangeError('a list of polygons, each a list of finite numbers');
    }
    if (polygon.length < 6 || polygon.length % 2 !== 0) {
      throw new RangeError(`made of polygons of three points (six numbers) or more, got ${polygon.length} numbers`);
    }
    end += polygon.length;
    ends.push(end);
  }
  return rle.fromPolygons(Float64Array.from((polygons as number[][]).flat()), Int32Array.from(ends), width, height);
}
