import type {Binding} from '../../addon/binding.js';
import type {Turn} from '../../basics/turns.js';
import type {Side, TileGrid} from '../../image/regions/tile-grid.js';
import {
  boundsOf,
  countsWithin,
  MOST_MASK_PIXELS,
  type PlacedMask,
  type Rect,
  rectOf,
  unionOf,
} from '../../masks/placed-mask.js';
import {isComplete} from './complete.js';
import {distanceTo, type Group, type Part, SLACK} from './part.js';

/** An object that was found tile by tile, in pixels of the image. */
export type TiledObject = {
  /** Label 1 is the first of `model.classes`. */
  label: number;
  className: string;
  /** 0..1. The mean of the parts, weighted by their areas, if the object was joined of parts. */
  score: number;
  /** x0, y0, x1, y1. */
  box: [x0: number, y0: number, x1: number, y1: number];
  /** Run lengths of the bounding box of the object's pixels, and where it lies in the image. */
  mask: PlacedMask;
  /** Whether the object reaches the end of a tile and no tile beyond found the rest of it. */
  cut: boolean;
};

/** What becomes of a group to which no later tile adds a part: an object, none, or in rare cases several. */
export async function objectsOf(binding: Binding, group: Group, grid: TileGrid, turn: Turn): Promise<TiledObject[]> {
  const {parts} = group;
  if (!isSeenWell(binding, parts, grid)) return [];
  const whole = parts.filter(({cutAt}) => cutAt.length === 0);
  if (whole.length > 0) return [asObject(deepest(whole, grid), false)];
  const [first] = parts as [Part];
  if (parts.length === 1) return [asObject(first, true)];
  const bounds = boundsOf(parts.map(({mask}) => rectOf(mask)));
  if (bounds.width * bounds.height > MOST_MASK_PIXELS) return parts.map((part) => asObject(part, true));
  const area = parts.reduce((sum, part) => sum + part.area, 0);
  return [
    {
      label: first.label,
      className: first.className,
      score: parts.reduce((sum, part) => sum + part.score * (part.area / area), 0),
      box: [
        Math.min(...parts.map(({box}) => box[0])),
        Math.min(...parts.map(({box}) => box[1])),
        Math.max(...parts.map(({box}) => box[2])),
        Math.max(...parts.map(({box}) => box[3])),
      ],
      mask: await unionOf(
        binding,
        parts.map(({mask}) => mask),
        bounds,
        turn,
      ),
      cut: !isComplete(binding, parts, grid),
    },
  ];
}

/**
 * Whether a tile found the object that is responsible for it, because its core holds the centre of what it found
 * (Weigert and Schmidt's StarDist, `predict_instances_big`). Without one, all that was found are rims of an object that
 * a neighbour sees better. Masks of two tiles that differ by a pixel can each have their centre in the other's core, so
 * the centre of both together counts, too. Nor is it an object if all tiles show only its rims.
 */
function isSeenWell(binding: Binding, parts: readonly Part[], grid: TileGrid): boolean {
  const all = boundsOf(parts.map(({mask}) => rectOf(mask)));
  const isHere = ({tile, mask}: Part) => {
    const core = grid.core(tile);
    return holdsCentre(core, rectOf(mask)) || holdsCentre(core, all);
  };
  return parts.some(isHere) && !parts.every((part) => isOnlyRims(binding, part, grid));
}

/**
 * Whether a tile shows nothing of an object but rims of less than `SLACK` pixels at its inner sides, outside of its
 * core. They tell nothing, and the tiles beyond show more there. The centre of the rims of the two legs of a U, at two
 * sides of the tile, can be in its core, where nothing of the object is.
 */
function isOnlyRims(binding: Binding, {mask, tile, cutAt}: Part, grid: TileGrid): boolean {
  if (cutAt.length === 0) return false;
  const {left, top, width, height} = grid.tile(tile);
  const sides = grid.innerSides(tile);
  const depth = (side: Side) => (sides.includes(side) ? SLACK - 1 : 0);
  const inside = {
    left: left + depth('left'),
    top: top + depth('top'),
    width: width - depth('left') - depth('right'),
    height: height - depth('top') - depth('bottom'),
  };
  return [inside, grid.core(tile)].every((rect) => {
    const [area] = binding.rle.areas([countsWithin(binding, mask, rect)], rect.width, rect.height);
    return area === 0;
  });
}

function holdsCentre(core: Rect, {left, top, width, height}: Rect): boolean {
  const [x, y] = [left + width / 2 - core.left, top + height / 2 - core.top];
  return x >= 0 && x < core.width && y >= 0 && y < core.height;
}

/** The part that is farthest from the inner sides of its tile: there the network sees most around it. */
function deepest(parts: readonly Part[], grid: TileGrid): Part {
  const depth = ({mask, tile}: Part) =>
    Math.min(...grid.innerSides(tile).map((side) => distanceTo(side, rectOf(mask), grid.tile(tile))));
  return parts.reduce((best, part) => (depth(part) > depth(best) ? part : best));
}

function asObject({label, className, score, box, mask}: Part, cut: boolean): TiledObject {
  return {label, className, score, box, mask, cut};
}
