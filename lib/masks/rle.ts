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
  for (const [x, from, to] of inColumns(runs, height)) {
    for (let y = from; y < to; y++) pixels[filled++] = y * width + x;
  }
  return pixels;
}

/** The pixels of an object in its bounding box, row-major, of 0 and 1. All is 0 for an object without any. */
export type CroppedRle = {bitmap: Uint8Array; left: number; top: number; width: number; height: number};

/** The object of a mask in its bounding box. Its work grows with the object, not with the image. Throws RangeError. */
export function cropRle(rle: Rle): CroppedRle {
  return atOnce(cropping(rle));
}

/** As `cropRle()`. Yields after a few hundred pixels, so that large objects can be cropped in turns. */
export function* cropping({size: [height, width], counts}: Rle): Generator<void, CroppedRle, undefined> {
  const runs = parseCounts(counts);
  checkedArea(runs, width, height);
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (const [from, to] of objectRuns(runs)) {
    const first = Math.floor(from / height);
    const last = Math.floor((to - 1) / height);
    left = Math.min(left, first);
    right = Math.max(right, last + 1);
    // A run that goes on in the next column touches the lower and the upper edge.
    top = Math.min(top, first === last ? from % height : 0);
    bottom = Math.max(bottom, first === last ? ((to - 1) % height) + 1 : height);
  }
  if (right === 0) return {bitmap: new Uint8Array(0), left: 0, top: 0, width: 0, height: 0};
  const size = {width: right - left, height: bottom - top};
  const bitmap = new Uint8Array(size.width * size.height);
  for (const [x, from, to] of inColumns(runs, height)) {
    for (let y = from; y < to; y++) bitmap[(y - top) * size.width + x - left] = 1;
    yield;
  }
  return {bitmap, left, top, ...size};
}

/**
 * How many rows of a column are visited at once. In a large bitmap, each row is on a page of memory of its own. If the
 * system has yet to provide all of these pages, that takes far longer than to write the pixels.
 */
const MOST_ROWS = 256;

/** The rows `from` to `to` (exclusive) of column `x`, in which an object has all pixels. */
type ColumnRun = readonly [x: number, from: number, to: number];

/** The number of pixels of the object of a mask. Throws RangeError as `decodeRle()` does. */
export function areaOf({size: [height, width], counts}: Rle): number {
  return checkedArea(parseCounts(counts), width, height);
}

/** The object of a mask, column by column, in runs of at most `MOST_ROWS` pixels. Throws RangeError. */
export function columnRuns({size: [height, width], counts}: Rle): Iterable<ColumnRun> {
  const runs = parseCounts(counts);
  checkedArea(runs, width, height);
  return inColumns(runs, height);
}

function* inColumns(runs: readonly number[], height: number): Generator<ColumnRun, void, undefined> {
  for (const [from, to] of objectRuns(runs)) {
    for (let at = from; at < to; ) {
      const x = Math.floor(at / height);
      const end = Math.min(to, (x + 1) * height, at + MOST_ROWS);
      yield [x, at - x * height, end - x * height];
      at = end;
    }
  }
}

/** The pixels `from` to `to` (exclusive), column by column, of each run of the object. */
function* objectRuns(runs: readonly number[]): Generator<readonly [from: number, to: number], void, undefined> {
  let at = 0;
  for (const [index, length] of runs.entries()) {
    if (index % 2 === 1 && length > 0) yield [at, at + length];
    at += length;
  }
}

/** The result of work that yields, without a pause. */
export function atOnce<Result>(work: Generator<void, Result, undefined>): Result {
  for (;;) {
    const {done, value} = work.next();
    if (done) return value;
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
