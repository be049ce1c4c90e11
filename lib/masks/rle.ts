/** A bitmap as COCO's compressed run lengths, column by column. */
export type Rle = {size: [height: number, width: number]; counts: string};

/** The bitmap (0 and 1, reading order) of a compressed RLE. Throws RangeError where the counts do not add up to the size. */
export function decodeRle(rle: Rle): Uint8Array {
  const [height, width] = rle.size;
  const bitmap = new Uint8Array(height * width);
  for (const at of pixelsOf(rle)) bitmap[at] = 1;
  return bitmap;
}

/**
 * Where in the bitmap of a compressed RLE the pixels of its object are, column by column: less work than the bitmap where the
 * object is small. Throws RangeError where the counts do not add up to the size.
 *
 * Each count is written in groups of five bits, lowest first, as the
 * character 48 + group, with 32 added while more follow; from the fourth count on it is the difference to the one two
 * before it (cocoapi, common/maskApi.c).
 */
export function pixelsOf({size: [height, width], counts}: Rle): Int32Array {
  const runs = parseCounts(counts);
  const area = checkedArea(runs, width, height);
  const pixels = new Int32Array(area);
  let filled = 0;
  let at = 0;
  for (const [index, run] of runs.entries()) {
    if (index % 2 === 1) {
      for (let i = at; i < at + run; i++) pixels[filled++] = (i % height) * width + Math.floor(i / height);
    }
    at += run;
  }
  return pixels;
}

/** The number of pixels in the runs of the object, which are every second one. */
function checkedArea(runs: readonly number[], width: number, height: number): number {
  const refusal = (got: string) =>
    new RangeError(`The runs of an RLE of ${width} × ${height} must add up to ${width * height} pixels, got ${got}.`);
  let area = 0;
  let at = 0;
  for (const [index, run] of runs.entries()) {
    if (run < 0 || at + run > width * height) throw refusal('other ones');
    if (index % 2 === 1) area += run;
    at += run;
  }
  if (at !== width * height) throw refusal(String(at));
  return area;
}

function parseCounts(counts: string): number[] {
  const runs: number[] = [];
  for (let i = 0; i < counts.length; ) {
    let value = 0;
    let shift = 0;
    for (let more = true; more; shift += 5) {
      const group = counts.charCodeAt(i++) - 48;
      if (!(group >= 0 && group < 64)) throw new RangeError(`The counts of an RLE must be complete, got '${counts}'.`);
      value |= (group & 31) << shift;
      more = (group & 32) !== 0;
      if (!more && (group & 16) !== 0 && shift < 27) value |= -1 << (shift + 5); // the sign
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2]! : value);
  }
  return runs;
}
