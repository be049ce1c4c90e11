import type {Binding} from '../../addon/binding.js';
import {Turn} from '../../basics/turns.js';
import type {TileGrid} from '../../image/regions/tile-grid.js';
import {sharedRect} from '../../masks/placed-mask.js';
import type {Detections} from '../detections.js';
import {matchParts} from './match-parts.js';
import {joinGroups, type Part, partsOf} from './part.js';
import {packParts, type TileState, unpackParts} from './tile-state.js';
import {objectsOf, type TiledObject} from './tiled-object.js';

/**
 * Makes objects of the detections of tiles, which are added in order. Only the parts that a later tile can still change
 * are kept, so memory depends on the objects of two rows of tiles.
 */
export class Stitcher {
  readonly #binding: Binding;
  readonly #grid: TileGrid;
  /** The parts in which later tiles can find partners, by tile. */
  readonly #open = new Map<number, Set<Part>>();
  /** The same parts, by the last tile that contains pixels of them. */
  readonly #ending = new Map<number, Part[]>();

  constructor(binding: Binding, grid: TileGrid) {
    this.#binding = binding;
    this.#grid = grid;
  }

  /** What it needs to go on, to be restored by another one. */
  pack(): Pick<TileState, 'parts' | 'groups'> {
    return packParts([...this.#open.values()].flatMap((parts) => [...parts]));
  }

  /** Goes on with what another one has packed when `done` tiles were added. */
  restore(packed: Pick<TileState, 'parts' | 'groups'>, done: number): void {
    for (const part of unpackParts(packed)) if (part.lastTile >= done) this.#keep(part);
  }

  /** Adds the detections of the next tile, or undefined for none. Returns the objects that are finished with it. */
  async add(index: number, found: Detections | undefined): Promise<TiledObject[]> {
    const turn = new Turn();
    const parts = found === undefined ? [] : await partsOf(this.#binding, found, this.#grid, index, turn);
    if (parts.length > 0) await this.#join(index, parts);
    for (const part of parts) this.#keep(part);
    return this.#finish(index, turn);
  }

  /** Joins the parts of a tile with those of the tiles before. */
  async #join(index: number, parts: readonly Part[]): Promise<void> {
    const tile = this.#grid.tile(index);
    for (const before of this.#grid.over(tile)) {
      if (before >= index) break;
      const others = this.#open.get(before);
      if (others === undefined) continue;
      const shared = sharedRect(tile, this.#grid.tile(before))!;
      for (const [a, b] of await matchParts(this.#binding, parts, [...others], shared)) joinGroups(a, b);
    }
  }

  #keep(part: Part): void {
    const open = this.#open.get(part.tile);
    if (open === undefined) this.#open.set(part.tile, new Set([part]));
    else open.add(part);
    const ending = this.#ending.get(part.lastTile);
    if (ending === undefined) this.#ending.set(part.lastTile, [part]);
    else ending.push(part);
  }

  /** Forgets the parts that later tiles cannot change, and makes objects of the groups that consist of such parts. */
  async #finish(index: number, turn: Turn): Promise<TiledObject[]> {
    const ending = this.#ending.get(index) ?? [];
    this.#ending.delete(index);
    for (const part of ending) {
      const open = this.#open.get(part.tile)!;
      open.delete(part);
      if (open.size === 0) this.#open.delete(part.tile);
    }
    const finished = new Set(ending.map(({group}) => group).filter(({lastTile}) => lastTile === index));
    const objects: TiledObject[] = [];
    for (const group of finished) {
      if (turn.isOver()) await turn.next();
      objects.push(...(await objectsOf(this.#binding, group, this.#grid, turn)));
    }
    return objects;
  }
}
