import type {NativeSegmentation} from '../../binding.js';
import type {Binding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {inTurns, Turn} from '../basics/turns.js';
import {inAddon} from './in-addon.js';
import type {MaskPolygon} from './outlines.js';
import type {Rle} from './rle.js';

/**
 * The functions of pycocotools.mask, with results that are equal to theirs, string for string. The addon computes them.
 * Each function throws INVALID_MASK for run lengths, bitmaps and polygons that are malformed or of the wrong size.
 */

/**
 * Encodes a row-major bitmap of width × height bytes as COCO's compressed run-length encoding. Every value except 0 is
 * the object. Throws INVALID_MASK if the bitmap does not have this size.
 */
export async function encodeRle(bitmap: Uint8Array, width: number, height: number): Promise<Rle> {
  return made({width, height}, ({rle}) => rle.encode(bitmap, width, height));
}

/**
 * Encodes the union of polygons as COCO's compressed run-length encoding. A polygon is a ring, as a list of alternating
 * x and y in pixels of the image, or a ring with holes, as `maskPolygons()` gives it. Of none, the mask is empty.
 * Throws INVALID_MASK for malformed polygons.
 */
export async function rleFromPolygons(
  polygons: readonly (readonly number[] | MaskPolygon)[],
  width: number,
  height: number,
): Promise<Rle> {
  if (polygons.length === 0) return rleFromRuns([width * height], width, height);
  const rings: (readonly number[])[] = [];
  const ringsBefore = Int32Array.from(polygons, (polygon) =>
    'outer' in polygon ? rings.push(polygon.outer, ...polygon.holes) : rings.push(polygon),
  );
  let end = 0;
  const ends = Int32Array.from(rings, (ring) => (end += ring.length));
  const points = new Float64Array(end);
  const turn = new Turn();
  for (const [index, ring] of rings.entries()) {
    const start = ends[index - 1] ?? 0;
    const copy = (from: number, to: number) => {
      for (let i = from; i < to; i++) points[start + i] = ring[i]!;
    };
    await inTurns(ring.length, copy, turn);
  }
  return decoded({points, ends, polygons: ringsBefore}, width, height);
}

/**
 * Compresses COCO's uncompressed run lengths: lengths of alternating runs of 0 and 1, starting with 0, column by
 * column. Throws INVALID_MASK if they do not add up to width × height.
 */
export async function rleFromRuns(runs: readonly number[], width: number, height: number): Promise<Rle> {
  return decoded(Float64Array.from(runs), width, height);
}

/**
 * Decompresses to COCO's uncompressed run lengths: lengths of alternating runs of 0 and 1, starting with 0, column by
 * column. Only the first can be 0. Throws INVALID_MASK for malformed run lengths.
 */
export async function rleToRuns({size: [height, width], counts}: Rle): Promise<number[]> {
  return inAddon(({rle}) => [...rle.toRuns(counts, width, height)]);
}

/** The area of each mask, in pixels. Throws INVALID_MASK for malformed run lengths. */
export async function rleAreas(masks: readonly Rle[]): Promise<number[]> {
  return inAddon(({rle}) => masks.map(({size: [height, width], counts}) => rle.areas([counts], width, height)[0]!));
}

/**
 * The bounding box of each mask: left, top, width, height in pixels. All are 0 for an empty mask. Throws INVALID_MASK
 * for malformed run lengths.
 */
export async function rleBoxes(
  masks: readonly Rle[],
): Promise<[left: number, top: number, width: number, height: number][]> {
  return inAddon(({rle}) =>
    masks.map(
      ({size: [height, width], counts}) =>
        [...rle.boxes([counts], width, height)] as [left: number, top: number, width: number, height: number],
    ),
  );
}

/**
 * The union of masks, or their intersection if `intersect` is true (default false). Throws INVALID_MASK if there is no
 * mask or if the masks differ in size.
 */
export async function mergeRles(masks: readonly Rle[], options: {intersect?: boolean} = {}): Promise<Rle> {
  const {width, height} = oneSize(masks);
  const counts = masks.map((mask) => mask.counts);
  return made({width, height}, ({rle}) => rle.merge(counts, width, height, options.intersect ?? false));
}

/**
 * Intersection over union (IoU) of each detected mask with each ground-truth mask, 0..1, with one row per detection.
 * Where `crowd` says that the ground-truth mask is a crowd (default: none is), the intersection is divided by the area
 * of the detection instead. Throws INVALID_MASK if the masks differ in size.
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
  const overlaps = await inAddon(({rle}) => rle.iou(counts(detected), counts(truth), flags, width, height));
  return detected.map((_, row) => [...overlaps.subarray(row * truth.length, (row + 1) * truth.length)]);
}

type Size = {width: number; height: number};

/** Decodes off the main thread. */
async function decoded(segmentation: NativeSegmentation, width: number, height: number): Promise<Rle> {
  const [segment] = await inAddon(({rle}) => rle.readSegmentations([segmentation], width, height, false));
  if ('fault' in segment!) throw new MaskRcnnError('INVALID_MASK', segment.fault);
  return {size: [height, width], counts: segment!.counts};
}

async function made({width, height}: Size, make: (binding: Binding) => string): Promise<Rle> {
  return {size: [height, width], counts: await inAddon(make)};
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
