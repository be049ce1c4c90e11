import {MaskRcnnError} from '../basics/errors.js';
import {inTurns, Turn} from '../basics/turns.js';
import {MAX_PIXELS} from '../image/format.js';
import {eachRun} from '../masks/runs.js';
import type {InstanceMask, MaskedInstance} from './dataset.js';

export type IdImage = {ids: ArrayLike<number>; width: number; height: number};

type Extent = {area: number; left: number; top: number; right: number; bottom: number};

/** Above this, the values are not ids of objects, and the memory for them would not suffice. */
export const MOST_IDS = 1 << 20;

/** The same for the pixels of all boxes together: 1 GB of masks. */
const MOST_BOX_PIXELS = 4 * MAX_PIXELS;

/**
 * The instances of an instance mask, in the order of their ids. 0 is the background. An instance consists of all pixels
 * with its id, connected or not. Boxes have exclusive maxima (last column + 1), so an instance of one pixel is valid.
 * torchvision's `masks_to_boxes` would give it a box without area. Instances with fewer than `minArea` pixels are
 * dropped and counted. Works in turns, so that the event loop runs on.
 *
 * Throws INVALID_MASK, with the name `file`, if the values cannot be those of objects: more than 1048576 values, or
 * boxes of more than 1073610756 pixels together,
 * as in a large photo.
 */
export async function instancesFromIds(
  {ids, width, height}: IdImage,
  {label, minArea, file}: {label: number; minArea: number; file: string},
): Promise<{instances: MaskedInstance[]; dropped: number}> {
  const extents = await measure(ids, width, height);
  if (extents.size > MOST_IDS) throw noObjects(file, `more than ${MOST_IDS} values`);
  const total = [...extents.values()].reduce((sum, box) => sum + (box.right - box.left) * (box.bottom - box.top), 0);
  if (total > MOST_BOX_PIXELS) {
    const times = Math.round(total / (width * height));
    throw noObjects(file, `${extents.size} values, whose boxes cover ${width} × ${height} pixels ${times} times`);
  }
  const instances: MaskedInstance[] = [];
  const masks = new Map<number, InstanceMask>();
  const turn = new Turn();
  let dropped = 0;
  for (const id of [...extents.keys()].sort((a, b) => a - b)) {
    if (turn.isOver()) await turn.next();
    const {area, left, top, right, bottom} = extents.get(id)!;
    if (area < minArea) {
      dropped++;
      continue;
    }
    const size = {width: right - left, height: bottom - top};
    const mask = {left, top, ...size, data: new Uint8Array(size.width * size.height)};
    instances.push({label, box: [left, top, right, bottom], mask, id});
    masks.set(id, mask);
  }
  await eachRun(ids, width, height, (id, y, from, to) => {
    const mask = masks.get(id);
    if (mask === undefined) return;
    const row = (y - mask.top) * mask.width - mask.left;
    mask.data.fill(1, row + from, row + to);
  });
  return {instances, dropped};
}

/** The refusal of values that cannot be those of objects. */
export function noObjects(file: string, got: string): MaskRcnnError {
  return new MaskRcnnError('INVALID_MASK', `${file} must have a value for each object, got ${got}.`, {
    file,
    hint: 'It is probably a picture or a map of distances, not a mask.',
  });
}

/** Area and bounding box of each id except 0. Stops after `MOST_IDS`. */
async function measure(ids: ArrayLike<number>, width: number, height: number): Promise<Map<number, Extent>> {
  const extents = new Map<number, Extent>();
  await eachRun(ids, width, height, (id, y, from, to) => {
    const extent = extents.get(id);
    if (extent === undefined) {
      extents.set(id, {area: to - from, left: from, top: y, right: to, bottom: y + 1});
      return extents.size <= MOST_IDS;
    }
    extent.area += to - from;
    extent.left = Math.min(extent.left, from);
    extent.right = Math.max(extent.right, to);
    extent.bottom = y + 1;
    return true;
  });
  return extents;
}

/** Sets the ids in `cleared` to 0, the background. */
export async function clearIds(ids: Uint16Array | Uint32Array, cleared: readonly number[]): Promise<void> {
  if (cleared.length === 0) return;
  const values = new Set(cleared);
  await inTurns(ids.length, (from, to) => {
    for (let i = from; i < to; i++) if (values.has(ids[i]!)) ids[i] = 0;
  });
}

/** The only id of an image except 0. Undefined if there are several or none. */
export async function onlyId({ids, width, height}: IdImage): Promise<number | undefined> {
  let only: number | undefined;
  let others = false;
  await eachRun(ids, width, height, (id) => {
    others = only !== undefined && id !== only;
    only = id;
    return !others;
  });
  return others ? undefined : only;
}
