import type {Instance} from './dataset.js';

export type IdImage = {ids: ArrayLike<number>; width: number; height: number};

type Extent = {area: number; left: number; top: number; right: number; bottom: number};

/**
 * The instances of an instance mask, in the order of their ids. 0 is the background. An instance consists of all pixels
 * with its id, connected or not. Boxes have exclusive maxima (last column + 1), so an instance of one pixel is valid.
 * torchvision's `masks_to_boxes` would give it a box without area. Instances with fewer than `minArea` pixels are
 * dropped and counted.
 */
export function instancesFromIds(
  {ids, width, height}: IdImage,
  {label, minArea}: {label: number; minArea: number},
): {instances: Instance[]; dropped: number} {
  const extents = measure(ids, width, height);
  const instances: Instance[] = [];
  let dropped = 0;
  for (const id of [...extents.keys()].sort((a, b) => a - b)) {
    const {area, left, top, right, bottom} = extents.get(id)!;
    if (area < minArea) {
      dropped++;
      continue;
    }
    const mask = {
      left,
      top,
      width: right - left,
      height: bottom - top,
      data: new Uint8Array((right - left) * (bottom - top)),
    };
    for (let y = 0; y < mask.height; y++) {
      const from = (top + y) * width + left;
      for (let x = 0; x < mask.width; x++) if (ids[from + x] === id) mask.data[y * mask.width + x] = 1;
    }
    instances.push({label, box: [left, top, right, bottom], mask, id});
  }
  return {instances, dropped};
}

/** Area and bounding box of each id except 0. */
function measure(ids: ArrayLike<number>, width: number, height: number): Map<number, Extent> {
  const extents = new Map<number, Extent>();
  let id = 0;
  let extent: Extent | undefined;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = ids[y * width + x]!;
      if (value === 0) continue;
      if (value !== id || extent === undefined) {
        id = value;
        extent = extents.get(id);
        if (extent === undefined) {
          extent = {area: 0, left: x, top: y, right: x + 1, bottom: y + 1};
          extents.set(id, extent);
        }
      }
      extent.area++;
      extent.left = Math.min(extent.left, x);
      extent.right = Math.max(extent.right, x + 1);
      extent.bottom = y + 1;
    }
  }
  return extents;
}
