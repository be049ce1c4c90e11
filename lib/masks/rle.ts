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
  eachObjectRun(runs, (from, to) => {
    for (let at = from; at < to; at++) pixels[filled++] = (at % height) * width + Math.floor(at / height);
  });
  return pixels;
}

/** The pixels of an object in its bounding box, row-major, of 0 and 1. All is 0 for an object without any. */
export type CroppedRle = {bitmap: Uint8Array; left: number; top: number; width: number; height: number};

/** The object of a mask in its bounding box. Its work grows with the object, not with the image. Throws RangeError. */
export function cropRle({size: [height, width], counts}: Rle): CroppedRle {
  const runs = parseCounts(counts);
  checkedArea(runs, width, height);
  let [left, top, right, bottom] = [width, height, 0, 0];
  eachObjectRun(runs, (from, to) => {
    const first = Math.floor(from / height);
    const last = Math.floor((to - 1) / height);
    left = Math.min(left, first);
    right = Math.max(right, last + 1);
    // A run that goes on in the next column touches the lower and the upper edge.
    top = Math.min(top, first === last ? from % height : 0);
    bottom = Math.max(bottom, first === last ? ((to - 1) % height) + 1 : height);
  });
  if (right === 0) return {bitmap: new Uint8Array(0), left: 0, top: 0, width: 0, height: 0};
  const size = {width: right - left, height: bottom - top};
  const bitmap = new Uint8Array(size.width * size.height);
  eachObjectRun(runs, (from, to) => {
    for (let at = from; at < to; at++) {
      bitmap[((at % height) - top) * size.width + Math.floor(at / height) - left] = 1;
    }
  });
  return {bitmap, left, top, ...size};
}

/** Calls `run` for the pixels `from` to `to` (exclusive), column by column, of each run of the object. */
function eachObjectRun(runs: readonly number[], run: (from: number, to: number) => void): void {
  let at = 0;
  for (const [index, length] of runs.entries()) {
    if (index % 2 === 1 && length > 0) run(at, at + length);
    at += length;
  }
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
