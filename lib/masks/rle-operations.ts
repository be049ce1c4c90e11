import type {Binding} from '../addon/binding.js';
import {loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import type {Rle} from './rle.js';

/**
 * What pycocotools.mask does with run lengths, by the addon: equal to it, string for string. Each function throws INVALID_MASK
 * for run lengths, bitmaps and polygons that are malformed or of another size.
 */

/** Compressed run lengths of a bitmap in reading order, in which anything but 0 is the object. */
export async function encodeRle(bitmap: Uint8Array, width: number, height: number): Promise<Rle> {
  return made({width, height}, ({rle}) => rle.encode(bitmap, width, height));
}

/** The union of polygons, each a list of x and y in turn, in pixels of the image. */
export async function rleFromPolygons(
  polygons: readonly (readonly number[])[],
  width: number,
  height: number,
): Promise<Rle> {
  let end = 0;
  const ends = Int32Array.from(polygons, (polygon) => (end += polygon.length));
  return made({width, height}, ({rle}) => rle.fromPolygons(Float64Array.from(polygons.flat()), ends, width, height));
}

/** From lengths of runs of 0 and 1 in turn, down the columns. */
export async function rleFromRuns(runs: readonly number[], width: number, height: number): Promise<Rle> {
  return made({width, height}, ({rle}) => rle.fromRuns([...runs], width, height));
}

/** Lengths of runs of 0 and 1 in turn, down the columns; only the first may be 0. */
export async function rleToRuns({size: [height, width], counts}: Rle): Promise<number[]> {
  return run(({rle}) => [...rle.toRuns(counts, width, height)]);
}

/** Pixels of each mask. */
export async function rleAreas(masks: readonly Rle[]): Promise<number[]> {
  return run(({rle}) => masks.map(({size: [height, width], counts}) => rle.areas([counts], width, height)[0]!));
}

/** left, top, width and height of the box around each object; zeros where there is none. */
export async function rleBoxes(
  masks: readonly Rle[],
): Promise<[left: number, top: number, width: number, height: number][]> {
  return run(({rle}) =>
    masks.map(
      ({size: [height, width], counts}) =>
        [...rle.boxes([counts], width, height)] as [left: number, top: number, width: number, height: number],
    ),
  );
}

/** The union of masks of one size, or their intersection. */
export async function mergeRles(masks: readonly Rle[], options: {intersect?: boolean} = {}): Promise<Rle> {
  const {width, height} = oneSize(masks);
  const counts = masks.map((mask) => mask.counts);
  return made({width, height}, ({rle}) => rle.merge(counts, width, height, options.intersect ?? false));
}

/**
 * Intersection over union of each detection with each true mask, 0..1: a row per detection. Over the detection's own area where
 * `crowd` says that the true mask is a crowd. All masks must be of one size.
 */
export async function rleIou(
  detected: readonly Rle[],
  truth: readonly Rle[],
  crowd: readonly boolean[] = truth.map(() => false),
): Promise<number[][]> {
  if (detected.length === 0 || truth.length === 0) return detected.map(() => []);
  const {width, height} = oneSize([...detected, ...truth]);
  const counts = (masks: readonly Rle[]) => masks.map((mask) => mask.counts);
  const flags = Uint8Array.from(crowd, Number);
  const overlaps = await run(({rle}) => rle.iou(counts(detected), counts(truth), flags, width, height));
  return detected.map((_, row) => [...overlaps.subarray(row * truth.length, (row + 1) * truth.length)]);
}

type Size = {width: number; height: number};

async function made({width, height}: Size, make: (binding: Binding) => string): Promise<Rle> {
  return {size: [height, width], counts: await run(make)};
}

async function run<T>(operation: (binding: Binding) => T): Promise<T> {
  const binding = await loadBinding();
  try {
    return operation(binding);
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw new MaskRcnnError('INVALID_MASK', cause.message, {cause});
  }
}

function oneSize(masks: readonly Rle[]): Size {
  const [first] = masks;
  if (first === undefined) throw new MaskRcnnError('INVALID_MASK', 'At least one mask is needed, got none.');
  const [height, width] = first.size;
  const other = masks.find(({size}) => size[0] !== height || size[1] !== width);
  if (other === undefined) return {width, height};
  throw new MaskRcnnError(
    'INVALID_MASK',
    `The masks must be of one size, got ${width} × ${height} and ${other.size[1]} × ${other.size[0]} pixels.`,
  );
}
