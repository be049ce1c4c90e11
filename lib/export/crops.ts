import {loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {rowsInTurns, Turn} from '../basics/turns.js';
import type {InstanceMask} from '../datasets/dataset.js';
import type {Rle} from '../masks/rle.js';
import type {NumberedImage, ObjectAnnotation} from './annotations.js';
import {LOSSES} from './losses.js';

/** An object with its number on the image, 1 for the first. */
export type NumberedObject = ObjectAnnotation & {id: number};

/** An object with the bitmap of its bounding box. */
export type CroppedObject = NumberedObject & {crop: InstanceMask};

/** Objects that are decoded together, and the pixels of their boxes: 64 MB. */
const MOST_OBJECTS = 256;
const MOST_PIXELS = 1 << 26;

/**
 * The objects of an image with their bitmaps, a few at a time, decoded off the main thread. Leaves out objects without
 * a pixel, and counts them. Throws INVALID_MASK for run lengths that are malformed or not of the image's size.
 */
export async function* croppedObjects(image: NumberedImage): AsyncGenerator<CroppedObject> {
  const {name, width, height, objects} = image;
  const {rle} = await loadBinding();
  const turn = new Turn();
  const boxPixels = ({mask}: ObjectAnnotation, id: number) => {
    checkSize(mask, image, id);
    const [, , w, h] = ofMask(() => rle.boxes([mask.counts], width, height), {name, id});
    return w! * h!;
  };
  for (let start = 0; start < objects.length; ) {
    const block: ObjectAnnotation[] = [];
    for (let pixels = 0; start + block.length < objects.length && block.length < MOST_OBJECTS; ) {
      if (turn.isOver()) await turn.next();
      const object = objects[start + block.length]!;
      pixels += boxPixels(object, start + block.length + 1);
      if (block.length > 0 && pixels > MOST_PIXELS) break;
      block.push(object);
    }
    const segments = await rle.readSegmentations(
      block.map(({mask}) => mask.counts),
      width,
      height,
      /* crops */ true,
    );
    for (const [i, segment] of segments.entries()) {
      const id = start + i + 1;
      if ('fault' in segment) throw invalid(name, id, segment.fault);
      if (segment.area === 0) image.lose(LOSSES.empty, id);
      else yield {...block[i]!, id, crop: segment.crop!};
    }
    start += block.length;
  }
}

/** As `croppedObjects()`, without the bitmaps. */
export async function* numberedObjects(image: NumberedImage): AsyncGenerator<NumberedObject> {
  const {name, width, height, objects} = image;
  const {rle} = await loadBinding();
  for (const [i, object] of objects.entries()) {
    const id = i + 1;
    checkSize(object.mask, image, id);
    const [area] = ofMask(() => rle.areas([object.mask.counts], width, height), {name, id});
    if (area === 0) image.lose(LOSSES.empty, id);
    else yield {...object, id};
  }
}

/** Throws INVALID_MASK unless a mask has the image's size. `id`: of the object. */
function checkSize({size}: Rle, {name, width, height}: NumberedImage, id: number): void {
  if (size[0] === height && size[1] === width) return;
  throw invalid(name, id, `It must be of the image's size, ${width} × ${height}, got ${size[1]} × ${size[0]}.`);
}

/** The extent of a mask: its pixels, and its box: left, top, width, height. */
export type MaskExtent = {area: number; box: readonly [number, number, number, number]};

/** The extents of the masks. Throws INVALID_MASK as `croppedObjects()` does. */
export async function maskExtents(image: NumberedImage): Promise<MaskExtent[]> {
  const {name, width, height, objects} = image;
  const {rle} = await loadBinding();
  const extents: MaskExtent[] = [];
  const turn = new Turn();
  for (const [i, {mask}] of objects.entries()) {
    if (turn.isOver()) await turn.next();
    checkSize(mask, image, i + 1);
    const [area] = ofMask(() => rle.areas([mask.counts], width, height), {name, id: i + 1});
    const [left, top, w, h] = rle.boxes([mask.counts], width, height);
    extents.push({area: area!, box: [left!, top!, w!, h!]});
  }
  return extents;
}

/** What the addon says of a mask. Throws INVALID_MASK for malformed run lengths. */
function ofMask<T>(ask: () => T, {name, id}: {name: string; id: number}): T {
  try {
    return ask();
  } catch (cause) {
    throw invalid(name, id, (cause as Error).message, cause);
  }
}

function invalid(name: string, id: number, fault: string, cause?: unknown): MaskRcnnError {
  return new MaskRcnnError('INVALID_MASK', `The mask of object ${id} of ${name} is invalid. ${fault}`, {
    file: name,
    cause,
  });
}

/**
 * The run lengths of a bitmap, row by row: alternating lengths of 0 and 1, starting with 0. The first may be 0. Works
 * in turns.
 */
export async function rowRuns({width, height, data}: InstanceMask, turn?: Turn): Promise<number[]> {
  const runs: number[] = [];
  let value = 0;
  let from = 0;
  await rowsInTurns(
    width,
    height,
    (y) => {
      for (let at = y * width; at < (y + 1) * width; at++) {
        if (data[at] === value) continue;
        runs.push(at - from);
        from = at;
        value = data[at]!;
      }
    },
    turn,
  );
  runs.push(data.length - from);
  return runs;
}
