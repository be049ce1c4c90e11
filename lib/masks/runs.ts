import {rowsInTurns} from '../basics/turns.js';

/**
 * Calls `run` for each horizontal run of equal values except 0, in row-major order: pixels `from` to `to` (exclusive)
 * of row `y` have `value`. Works in turns, so that the event loop runs on. If `run` returns false, it is not called
 * again.
 */
export async function eachRun(
  values: ArrayLike<number>,
  width: number,
  height: number,
  run: (value: number, y: number, from: number, to: number) => unknown,
): Promise<void> {
  let goesOn = true;
  await rowsInTurns(width, height, (y) => {
    const row = y * width;
    for (let x = 0; goesOn && x < width; ) {
      const value = values[row + x]!;
      const from = x++;
      while (x < width && values[row + x] === value) x++;
      if (value !== 0) goesOn = run(value, y, from, x) !== false;
    }
  });
}
