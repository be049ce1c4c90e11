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
    part.cutAt.every((side) =>
      endings(binding, part, side, grid).every((ending) => {
        const line = beyond(side, ending, grid.tile(part.tile));
        const seen = grid.over(line).filter((tile) => tiles.has(tile));
        const spans = seen.map((tile) => spanOf(side, grid.tile(tile)));
        return isCovered(spanOf(side, line), spans);
      }),
    ),
  );
}

/**
 * Where pixels of a part are so near to a side of its tile that they reach it: a rectangle for each stretch along the
 * side. Between the legs of a U there is nothing that a tile beyond could find.
 */
function endings(binding: Binding, {mask, tile}: Part, side: Side, grid: TileGrid): Rect[] {
  const rect = rectOf(mask);
  const {left, top, width, height} = grid.tile(tile);
  const isUpright = side === 'left' || side === 'right';
  // The last column or row that reaches the side is as far from it as `reachOf` says, so that the band has one more.
  const depth = reachOf(side, rect) + 1;
  const band = {
    left: side === 'right' ? left + width - depth : left,
    top: side === 'bottom' ? top + height - depth : top,
    width: isUpright ? depth : width,
    height: isUpright ? height : depth,
  };
  const reaching = new Uint8Array(isUpright ? height : width);
  const counts = countsWithin(binding, mask, band);
  let start = 0;
  for (const [index, length] of binding.rle.toRuns(counts, band.width, band.height).entries()) {
    const stop = start + length;
    for (let at = index % 2 === 1 ? start : stop; at < stop; at++) {
      reaching[isUpright ? at % band.height : Math.floor(at / band.height)] = 1;
    }
    start = stop;
  }
  const stretches: Rect[] = [];
  for (let from = reaching.indexOf(1); from >= 0; ) {
    const end = reaching.indexOf(0, from);
    const to = end < 0 ? reaching.length : end;
    stretches.push(
      isUpright
        ? {...band, top: band.top + from, height: to - from}
        : {...band, left: band.left + from, width: to - from},
    );
    from = reaching.indexOf(1, to);
  }
  return stretches;
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
