import type {Binding} from '../../addon/binding.js';
import type {Side, TileGrid} from '../../image/regions/tile-grid.js';
import {countsWithin, type Rect, rectOf} from '../../masks/placed-mask.js';
import {type Part, reachOf} from './part.js';

/**
 * Whether the parts are all of an object: where a part reaches an inner side of its tile, the tiles of other parts go
 * on, along all of what reaches the side.
 */
export function isComplete(binding: Binding, parts: readonly Part[], grid: TileGrid): boolean {
  const tiles = new Set(parts.map(({tile}) => tile));
  return parts.every((part) =>
    part.cutAt.every((side) => {
      const line = beyond(side, ending(binding, part, side, grid), grid.tile(part.tile));
      const seen = grid.over(line).filter((tile) => tiles.has(tile));
      const spans = seen.map((tile) => spanOf(side, grid.tile(tile)));
      return isCovered(spanOf(side, line), spans);
    }),
  );
}

/** The bounding box of the pixels of a part that are so near to a side of its tile that they reach it. */
function ending(binding: Binding, {mask, tile}: Part, side: Side, grid: TileGrid): Rect {
  const rect = rectOf(mask);
  const {left, top, width, height} = grid.tile(tile);
  // The last column or row that reaches the side is as far from it as `reachOf` says, so that the band has one more.
  const depth = reachOf(side, rect) + 1;
  const band = {
    left: side === 'right' ? left + width - depth : left,
    top: side === 'bottom' ? top + height - depth : top,
    width: side === 'left' || side === 'right' ? depth : width,
    height: side === 'top' || side === 'bottom' ? depth : height,
  };
  const counts = countsWithin(binding, mask, band);
  const [x, y, columns, rows] = binding.rle.boxes([counts], band.width, band.height);
  return {left: band.left + x!, top: band.top + y!, width: columns!, height: rows!};
}

/** The line of pixels next to a side of a tile, as far as `rect` extends along it. */
function beyond(side: Side, {left, top, width, height}: Rect, tile: Rect): Rect {
  switch (side) {
    case 'left':
      return {left: tile.left - 1, top, width: 1, height};
    case 'top':
      return {left, top: tile.top - 1, width, height: 1};
    case 'right':
      return {left: tile.left + tile.width, top, width: 1, height};
    case 'bottom':
      return {left, top: tile.top + tile.height, width, height: 1};
  }
}

type Span = [from: number, to: number];

/** From where to where a rectangle extends along a side. */
function spanOf(side: Side, {left, top, width, height}: Rect): Span {
  return side === 'left' || side === 'right' ? [top, top + height] : [left, left + width];
}

/** Whether the spans cover all of `line`. */
function isCovered([from, to]: Span, spans: Span[]): boolean {
  spans.sort(([a], [b]) => a - b);
  let reached = from;
  for (const [start, end] of spans) if (start <= reached) reached = Math.max(reached, end);
  return reached >= to;
}
