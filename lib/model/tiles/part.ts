import type {Binding} from '../../addon/binding.js';
import type {Turn} from '../../basics/turns.js';
import type {Side, TileGrid} from '../../image/regions/tile-grid.js';
import type {PlacedMask, Rect} from '../../masks/placed-mask.js';
import type {Detections} from '../detections.js';

/** x0, y0, x1, y1 in pixels of the image. */
export type Box = [x0: number, y0: number, x1: number, y1: number];

type Bounds = [left: number, top: number, width: number, height: number];

/** What one tile shows of an object, in pixels of the image. */
export type Part = {
  tile: number;
  label: number;
  className: string;
  score: number;
  box: Box;
  /** The rectangle of the mask is the bounding box of its pixels. */
  mask: PlacedMask;
  /** In pixels. */
  area: number;
  /** The inner sides of its tile that the object reaches, where the tile may have cut it. */
  cutAt: Side[];
  /** The last tile that contains pixels of `mask`'s rectangle. */
  lastTile: number;
  group: Group;
};

/** The parts that are one object. */
export type Group = {parts: Part[]; lastTile: number};

/**
 * Masks that differ by up to this many pixels are taken for equal. A mask that ends this near to a side of its tile may
 * be cut by it, and less than this of an object tells nothing about the rest of it.
 */
export const SLACK = 4;

/**
 * The mask head gives 28 × 28 cells for the box of an object (He et al., "Mask R-CNN", 2017). So the end of a mask is
 * known to half a cell.
 */
const HALF_CELL = 1 / 56;

/** The detections of tile `index` as parts, each in a group of its own. Detections whose mask is empty are left out. */
export async function partsOf(
  binding: Binding,
  found: Detections,
  grid: TileGrid,
  index: number,
  turn: Turn,
): Promise<Part[]> {
  const tile = grid.tile(index);
  const sides = grid.innerSides(index);
  const all = found.masks.map(({counts}) => counts);
  const {areas, boxes, counts} = await binding.rle.trim(all, tile.width, tile.height);
  const parts: Part[] = [];
  for (const [i, area] of areas.entries()) {
    if (turn.isOver()) await turn.next();
    if (area === 0) continue;
    const [left, top, width, height] = boxes.subarray(4 * i, 4 * i + 4) as unknown as Bounds;
    const rect = {left: tile.left + left, top: tile.top + top, width, height};
    const mask: PlacedMask = {left: rect.left, top: rect.top, rle: {size: [height, width], counts: counts[i]!}};
    const [x0, y0, x1, y1] = found.boxes.subarray(4 * i, 4 * i + 4) as unknown as Box;
    const part: Omit<Part, 'group'> = {
      tile: index,
      label: found.labels[i]!,
      className: found.classNames[i]!,
      score: found.scores[i]!,
      box: [tile.left + x0, tile.top + y0, tile.left + x1, tile.top + y1],
      mask,
      area,
      cutAt: sides.filter((side) => distanceTo(side, rect, tile) <= reachOf(side, rect)),
      lastTile: grid.over(rect).at(-1)!,
    };
    parts.push(inOwnGroup(part));
  }
  return parts;
}

/** The distance of a rectangle inside a tile from a side of the tile, in pixels. */
export function distanceTo(side: Side, rect: Rect, tile: Rect): number {
  switch (side) {
    case 'left':
      return rect.left - tile.left;
    case 'top':
      return rect.top - tile.top;
    case 'right':
      return tile.left + tile.width - rect.left - rect.width;
    case 'bottom':
      return tile.top + tile.height - rect.top - rect.height;
  }
}

/** How near to a side of its tile an object ends that reaches it, in pixels. */
export function reachOf(side: Side, rect: Rect): number {
  const extent = side === 'left' || side === 'right' ? rect.width : rect.height;
  return Math.max(SLACK, Math.floor(extent * HALF_CELL));
}

function inOwnGroup(part: Omit<Part, 'group'>): Part {
  const group: Group = {parts: [], lastTile: part.lastTile};
  const whole = {...part, group};
  group.parts.push(whole);
  return whole;
}

/** Makes the groups of two parts one. */
export function joinGroups(a: Part, b: Part): void {
  if (a.group === b.group) return;
  const [from, to] = a.group.parts.length < b.group.parts.length ? [a.group, b.group] : [b.group, a.group];
  for (const part of from.parts) {
    part.group = to;
    to.parts.push(part);
  }
  to.lastTile = Math.max(to.lastTile, from.lastTile);
}
