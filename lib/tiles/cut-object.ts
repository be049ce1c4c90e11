import type {Binding} from '../addon/binding.js';
import type {Instance, TrueObject} from '../datasets/dataset.js';
import {countsWithin, type Rect, sharedRect} from '../masks/placed-mask.js';
import {boxOf, type ObjectAtLevel} from './object-at-level.js';

/** The area of an object that a rectangle shows: pixels of its mask, or of its box. */
export function visibleArea(binding: Binding, object: ObjectAtLevel, rect: Rect): number {
  if (isWhole(object, rect)) return object.area;
  if (sharedRect(object.bounds, rect) === undefined) return 0;
  if (object.mask === undefined) return areaOf(boxWithin(object.box, rect));
  return binding.rle.areas([countsWithin(binding, object.mask, rect)], rect.width, rect.height)[0]!;
}

/** What a tile shows of an object, as an instance of the tile. The box of a cut object is that of its visible part. */
export function instanceIn(binding: Binding, object: ObjectAtLevel, tile: Rect): Instance {
  const {label, id, mask} = object;
  const counts = mask && countsWithin(binding, mask, tile);
  const crop = counts === undefined ? undefined : binding.rle.crop(counts, tile.width, tile.height);
  return {label, box: boxIn(object, tile, crop), ...(crop && {mask: crop}), ...(id !== undefined && {id})};
}

/** The same as ground truth. `crowd`: whether detections may lie on it without being right or wrong. */
export function trueObjectIn(binding: Binding, object: ObjectAtLevel, tile: Rect, crowd: boolean): TrueObject {
  const {label, mask} = object;
  const {width, height} = tile;
  const counts = mask && countsWithin(binding, mask, tile);
  const [left, top, columns, rows] = counts === undefined ? [] : binding.rle.boxes([counts], width, height);
  const visible = counts === undefined ? undefined : {left: left!, top: top!, width: columns!, height: rows!};
  const [x0, y0, x1, y1] = boxIn(object, tile, visible);
  return {
    label,
    box: [x0, y0, x1 - x0, y1 - y0],
    area: visibleArea(binding, object, tile),
    crowd,
    ...(counts !== undefined && {mask: {size: [height, width], counts}}),
  };
}

/** The box of an object in a tile. `visible`: the rectangle around what the tile shows of its mask. */
function boxIn(object: ObjectAtLevel, tile: Rect, visible: Rect | undefined): Instance['box'] {
  const given = boxWithin(object.box, tile);
  if (visible === undefined) return given;
  // The box that an annotation states may be another than that of its mask.
  return isWhole(object, tile) && areaOf(given) > 0 ? given : boxOf(visible);
}

function isWhole({bounds}: ObjectAtLevel, rect: Rect): boolean {
  const shared = sharedRect(bounds, rect);
  return shared !== undefined && shared.width === bounds.width && shared.height === bounds.height;
}

/** The part of a box in a rectangle, in pixels of the rectangle. */
function boxWithin([x0, y0, x1, y1]: Instance['box'], {left, top, width, height}: Rect): Instance['box'] {
  return [Math.max(0, x0 - left), Math.max(0, y0 - top), Math.min(width, x1 - left), Math.min(height, y1 - top)];
}

function areaOf([x0, y0, x1, y1]: Instance['box']): number {
  return Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
}
