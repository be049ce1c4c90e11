import type {Binding} from '../addon/binding.js';
import {Turn} from '../basics/turns.js';
import type {TileGrid} from '../image/regions/tile-grid.js';
import type {Rect} from '../masks/placed-mask.js';
import {visibleArea} from './cut-object.js';
import type {ObjectAtLevel} from './object-at-level.js';

/** A tile of an image. Objects are given by their places in the list of the image's objects. */
export type IndexedTile = {
  /** Number of the tile in the image's grid. */
  number: number;
  /** Objects of which it shows enough. */
  objects: number[];
  /** Objects of which it shows too little. */
  slivers: number[];
  crowds: number[];
};

export type ImageIndex = {
  grid: TileGrid;
  /** All tiles, in the order of the grid, except those that show nothing but slivers. */
  tiles: IndexedTile[];
  /** Number of the tiles that show nothing but slivers. */
  sliverTiles: number;
};

/** Shared by all tiles that show nothing, of which slides have many. */
const NONE: number[] = [];

/**
 * Which tile of an image shows which objects; undefined ones have no pixel. A tile shows enough of an object if it
 * shows `minVisible` of what the tile that shows most of it shows: that is the whole object, unless no tile shows all
 * of it. Throws the reason of an aborted `signal`.
 */
export async function indexImage(
  binding: Binding,
  objects: readonly (ObjectAtLevel | undefined)[],
  {grid, minVisible, signal}: {grid: TileGrid; minVisible: number; signal: AbortSignal | undefined},
): Promise<ImageIndex> {
  const tiles = Array.from({length: grid.count}, (_, number): IndexedTile => {
    return {number, objects: NONE, slivers: NONE, crowds: NONE};
  });
  const turn = new Turn();
  for (const [place, object] of objects.entries()) {
    signal?.throwIfAborted();
    if (object === undefined) continue;
    const seen: {tile: IndexedTile; area: number}[] = [];
    for (const number of grid.over(object.bounds)) {
      if (turn.isOver()) await turn.next();
      seen.push({tile: tiles[number]!, area: visibleArea(binding, object, grid.tile(number))});
    }
    const most = seen.reduce((largest, {area}) => Math.max(largest, area), 0);
    for (const {tile, area} of seen) {
      if (area === 0) continue;
      const kind = object.crowd ? 'crowds' : area >= minVisible * most ? 'objects' : 'slivers';
      if (tile[kind] === NONE) tile[kind] = [place];
      else tile[kind].push(place);
    }
  }
  const kept = tiles.filter(({objects, slivers}) => objects.length > 0 || slivers.length === 0);
  return {grid, tiles: kept, sliverTiles: tiles.length - kept.length};
}

/** The name of a tile of a file: the file with a media fragment (W3C, "Media Fragments URI 1.0", section 4.2.2). */
export function tileName(file: string, {left, top, width, height}: Rect): string {
  return `${file}#xywh=${left},${top},${width},${height}`;
}
