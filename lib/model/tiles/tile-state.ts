import {MaskRcnnError} from '../../basics/errors.js';
import type {TileGrid} from '../../image/regions/tile-grid.js';
import type {Group, Part} from './part.js';

/** How far tiles have come: plain values that `JSON.stringify()` can write, and `JSON.parse()` gives back. */
export type TileState = {
  /** What the tiles are: another image or other tiles cannot go on from here. */
  grid: {width: number; height: number; size: number; overlap: number};
  /** The tiles that are done. */
  done: number;
  blank: number;
  /** The objects that were finished. */
  objects: number;
  /** What was found of objects that are not finished, in the order of the tiles. */
  parts: Omit<Part, 'group'>[];
  /** Which of `parts` are one object, by their indices. */
  groups: number[][];
};

/** The parts of unfinished groups, without the circles that groups and parts make. */
export function packParts(open: Iterable<Part>): Pick<TileState, 'parts' | 'groups'> {
  const parts: Part[] = [];
  const indices = new Map<Part, number>();
  const number = (part: Part): number => {
    const known = indices.get(part);
    if (known !== undefined) return known;
    indices.set(part, parts.length);
    return parts.push(part) - 1;
  };
  const groups = new Set<Group>();
  for (const part of open) {
    number(part);
    groups.add(part.group);
  }
  return {
    groups: [...groups].map((group) => group.parts.map(number)),
    parts: parts.map(({group: _, ...part}) => part),
  };
}

/** The parts of a state in their groups, in the order in which they were packed. */
export function unpackParts({parts, groups}: Pick<TileState, 'parts' | 'groups'>): Part[] {
  const restored: Part[] = parts.map((part) => ({...part, group: {parts: [], lastTile: 0}}));
  for (const indices of groups) {
    const group: Group = {parts: indices.map((index) => restored[index]!), lastTile: 0};
    for (const part of group.parts) {
      part.group = group;
      group.lastTile = Math.max(group.lastTile, part.lastTile);
    }
  }
  return restored;
}

/** Throws INVALID_OPTION if the state is of other tiles. */
export function requireSameTiles({grid: was}: TileState, {description: is}: TileGrid, file: string): void {
  const names = ['width', 'height', 'size', 'overlap'] as const;
  const other = names.find((name) => was?.[name] !== is[name]);
  if (other === undefined) return;
  const what = {width: 'an image of the width', height: 'an image of the height', size: 'tiles of the size'};
  const whose = other === 'overlap' ? 'tiles with the overlap' : what[other];
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `Option 'from' of predictTiles() must be a state of ${whose} ${is[other]}, got ${was?.[other]}.`,
    {file},
  );
}
