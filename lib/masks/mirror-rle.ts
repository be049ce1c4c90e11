import {Turn} from '../basics/turns.js';
import type {Rle} from './rle.js';
import {rleFromRuns, rleToRuns} from './rle-operations.js';

/** How an image is mirrored: left to right, top to bottom, or both. */
export type Mirror = {leftRight: boolean; topBottom: boolean};

/** Mirrors masks as their image. Works in turns. Throws INVALID_MASK for malformed run lengths. */
export async function mirrorRles(masks: readonly Rle[], mirror: Mirror): Promise<Rle[]> {
  const turn = new Turn();
  const mirrored: Rle[] = [];
  for (const mask of masks) {
    if (turn.isOver()) await turn.next();
    const [height, width] = mask.size;
    mirrored.push(await rleFromRuns(mirrorRuns(await rleToRuns(mask), {width, height}, mirror), width, height));
  }
  return mirrored;
}

/** Mirrors run lengths, column by column, of alternately 0 and 1. */
function mirrorRuns(
  runs: readonly number[],
  {width, height}: {width: number; height: number},
  {leftRight, topBottom}: Mirror,
): number[] {
  // The object's pixels in each column: where they start in the mirrored mask, and how many they are.
  const pieces: [start: number, length: number][] = [];
  let at = 0;
  for (const [index, run] of runs.entries()) {
    const end = at + run;
    while (at < end && index % 2 === 1) {
      const column = Math.floor(at / height);
      const stop = Math.min(end, (column + 1) * height);
      const [from, to] = [at - column * height, stop - column * height];
      pieces.push([(leftRight ? width - 1 - column : column) * height + (topBottom ? height - to : from), to - from]);
      at = stop;
    }
    at = end;
  }
  pieces.sort(([a], [b]) => a - b);
  const mirrored = [0];
  let filled = 0;
  for (const [start, length] of pieces) {
    if (start > filled || mirrored.length === 1) {
      if (mirrored.length === 1) mirrored[0] = start;
      else mirrored.push(start - filled);
      mirrored.push(length);
    } else mirrored[mirrored.length - 1]! += length;
    filled = start + length;
  }
  if (mirrored.length === 1) return [width * height];
  if (filled < width * height) mirrored.push(width * height - filled);
  return mirrored;
}
