import type {TileState} from './tile-state.js';

/** How far `predictTiles()` has come. */
export type TileProgress = {
  /** The tiles that are done, of `total`. */
  done: number;
  total: number;
  /** The tiles that were blank, of those that are done: see `skipBlank`. */
  blank: number;
  /** The objects that are finished. Objects at the seam to the next tiles are not. */
  objects: number;
  /** The mean since the start. */
  tilesPerSecond: number;
  /** The tile that was done last, in pixels of the image. */
  tile: {left: number; top: number; width: number; height: number};
  /**
   * From where `predictTiles()` can go on, in another process too, with the option `from`. The objects that it has
   * yielded before this call of `onTile` are not found again; those that it yields after it are. Plain values, to be
   * written as JSON. Ask for it inside of `onTile`, and not for each tile: it has the masks of the objects at the seam.
   */
  state(): TileState;
};
