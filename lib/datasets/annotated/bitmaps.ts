import {inTurns} from '../../basics/turns.js';
import {maskOfBytes} from '../../image/read-mask.js';
import type {InstanceMask} from '../dataset.js';

/** The bitmap of an image file in an annotation, at `left`, `top` of the image. Every value except 0 is the object. */
export async function bitmapOfFile(
  bytes: Uint8Array,
  {left, top, name}: {left: number; top: number; name: string},
): Promise<InstanceMask> {
  const {ids, width, height} = await maskOfBytes(bytes, name);
  const data = new Uint8Array(width * height);
  await inTurns(ids.length, (from, to) => {
    for (let i = from; i < to; i++) data[i] = ids[i] === 0 ? 0 : 1;
  });
  return {left, top, width, height, data};
}

/**
 * The bitmap of run lengths of alternating 0 and 1, starting with 0, row by row. Undefined if they do not add up to
 * width × height.
 */
export function bitmapOfRows(
  runs: readonly number[],
  {left, top, width, height}: Omit<InstanceMask, 'data'>,
): InstanceMask | undefined {
  if (!(Number.isSafeInteger(width * height) && width > 0 && height > 0)) return undefined;
  const total = runs.reduce((sum, run) => sum + run, 0);
  if (total !== width * height || runs.some((run) => !(Number.isSafeInteger(run) && run >= 0))) return undefined;
  const data = new Uint8Array(total);
  let at = 0;
  for (const [i, run] of runs.entries()) {
    if (i % 2 === 1) data.fill(1, at, at + run);
    at += run;
  }
  return {left, top, width, height, data};
}
