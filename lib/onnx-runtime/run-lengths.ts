/** A rectangle of an image that contains all pixels of an object, in whole pixels. */
export type Rect = {left: number; top: number; width: number; height: number};

/**
 * COCO's compressed run lengths of an object in an image of width × height. `isObject` is asked for the pixels of
 * `rect` only, column by column. The format is that of `decodeRle()`.
 */
export function encodeRuns(
  {left, top, width, height}: Rect,
  image: {width: number; height: number},
  isObject: (x: number, y: number) => boolean,
): string {
  const runs: number[] = [];
  let end = 0; // of the last run of the object
  for (let x = left; x < left + width; x++) {
    for (let y = top; y < top + height; ) {
      if (!isObject(x, y)) {
        y++;
        continue;
      }
      const from = x * image.height + y;
      while (y < top + height && isObject(x, y)) y++;
      const to = x * image.height + y;
      if (from === end && runs.length > 0) runs[runs.length - 1]! += to - from;
      else runs.push(from - end, to - from);
      end = to;
    }
  }
  const rest = image.width * image.height - end;
  if (rest > 0 || runs.length === 0) runs.push(rest);
  return compress(runs);
}

function compress(runs: readonly number[]): string {
  let counts = '';
  for (const [index, run] of runs.entries()) {
    let value = index > 2 ? run - runs[index - 2]! : run;
    for (let more = true; more; ) {
      let group = value & 31;
      value >>= 5;
      more = (group & 16) !== 0 ? value !== -1 : value !== 0;
      if (more) group |= 32;
      counts += String.fromCharCode(group + 48);
    }
  }
  return counts;
}
