/** A bitmap as COCO's compressed run lengths, column by column. */
export type Rle = {size: [height: number, width: number]; counts: string};

/**
 * The bitmap (0 and 1, reading order) of a compressed RLE. Each count is written in groups of five bits, lowest first, as the
 * character 48 + group, with 32 added while more follow; from the fourth count on it is the difference to the one two
 * before it (cocoapi, common/maskApi.c). Throws RangeError where the counts do not add up to the size.
 */
export function decodeRle({size: [height, width], counts}: Rle): Uint8Array {
  const bitmap = new Uint8Array(height * width);
  const runs = parseCounts(counts);
  let at = 0;
  for (const [index, run] of runs.entries()) {
    if (run < 0 || at + run > bitmap.length) {
      throw new RangeError(
        `The runs of an RLE of ${width} × ${height} must add up to ${bitmap.length} pixels, got other ones.`,
      );
    }
    if (index % 2 === 1) {
      for (let i = at; i < at + run; i++) bitmap[(i % height) * width + Math.floor(i / height)] = 1;
    }
    at += run;
  }
  if (at !== bitmap.length) {
    throw new RangeError(
      `The runs of an RLE of ${width} × ${height} must add up to ${bitmap.length} pixels, got ${at}.`,
    );
  }
  return bitmap;
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
