/** Blocks of a grid that form a rectangle: the first ones, and how many. */
export type BlockRect = {column: number; row: number; columns: number; rows: number};

/** A block of a grid. */
export type Place = Pick<BlockRect, 'column' | 'row'>;

/**
 * Divides a rectangle of blocks into smaller ones of up to `most` blocks, row by row. A block that `isAlone` is a
 * rectangle of its own.
 */
export function gatherBlocks(
  {column, row, columns, rows}: BlockRect,
  most: number,
  isAlone: (place: Place) => boolean,
): BlockRect[] {
  const gathered: BlockRect[] = [];
  let above: BlockRect[] = [];
  for (let y = row; y < row + rows; y++) {
    const runs: BlockRect[] = [];
    let run: BlockRect | undefined;
    for (let x = column; x < column + columns; x++) {
      if (isAlone({column: x, row: y})) {
        gathered.push({column: x, row: y, columns: 1, rows: 1});
        run = undefined;
      } else if (run !== undefined && run.columns < most) {
        run.columns++;
      } else {
        run = {column: x, row: y, columns: 1, rows: 1};
        runs.push(run);
      }
    }
    above = runs.map((one) => {
      const same = above.find((other) => other.column === one.column && other.columns === one.columns);
      if (same !== undefined && (same.rows + 1) * same.columns <= most) {
        same.rows++;
        return same;
      }
      gathered.push(one);
      return one;
    });
  }
  return gathered;
}

/** The blocks of a rectangle, row by row. */
export function placesIn({column, row, columns, rows}: BlockRect): Place[] {
  return Array.from({length: columns * rows}, (_, i) => ({
    column: column + (i % columns),
    row: row + Math.floor(i / columns),
  }));
}
