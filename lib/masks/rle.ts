/** A mask in COCO's compressed run-length encoding, column by column. `size` is in pixels. */
export type Rle = {size: [height: number, width: number]; counts: string};

/**
 * Decodes a mask to a row-major bitmap of 0 and 1. Throws RangeError if the counts are malformed or do not add up to
 * the size.
 */
export function decodeRle(rle: Rle): Uint8Array {
  const [height, width] = rle.size;
  const bitmap = new Uint8Array(height * width);
  for (const at of pixelsOf(rle)) bitmap[at] = 1;
  return bitmap;
}

/**
 * The positions of the object's pixels in the row-major bitmap of a mask, column by column. For small objects, this is
 * less work than decoding the bitmap. Throws RangeError if the counts are malformed or do not add up to the size.
 *
 * Format of the counts: each count is written in groups of five bits, lowest first. A group becomes the character with
 * the code 48 + group, with 32 added if more groups follow. From the fourth count on, it is the difference to the count
 * two positions before (cocoapi, common/maskApi.c).
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

/** The number of pixels in the runs of the object: every second run, from the second on. */
function checkedArea(runs: readonly number[], width: number, height: number): number {
  const refusal = (got: string) =>
    new RangeError(`The runs of an RLE of ${width} × ${height} must add up to ${width * height} pixels, got ${got}.`);
  let area = 0;
  let at = 0;
  for (const [index, run] of runs.entries()) {
    if (run < 0 || at + run > width * height) throw refusal('more');
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
      if (!more && (group & 16) !== 0 && shift < 27) value |= -1 << (shift + 5); // sign extension
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2]! : value);
  }
  return runs;
}
