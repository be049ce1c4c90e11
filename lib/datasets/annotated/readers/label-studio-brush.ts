import {Turn} from '../../../basics/turns.js';
import {MAX_PIXELS} from '../../../image/format.js';
import type {InstanceMask} from '../../dataset.js';

const WORD_BITS = 8;
const CHANNELS = 4;

/**
 * The mask of Label Studio's brush: RGBA pixels row by row, packed as a stream of bits (thi.ng/rle-pack, which Label
 * Studio uses). After a header there are blocks: one bit that tells whether a value is repeated, two bits that choose
 * one of the header's four widths, the number of values less one in that width, and the value or the values.
 *
 * Every alpha except 0 is the object, as Label Studio shows it: a mask of 0 and 1 that a program wrote has alphas of 1.
 * Throws a RangeError that says what the stream must be.
 */
export async function bitmapOfBrush(
  bytes: Uint8Array,
  {width, height}: {width: number; height: number},
): Promise<InstanceMask> {
  const bits = new BitReader(bytes);
  const words = bits.read(32);
  if (words !== CHANNELS * width * height) {
    throw new RangeError(`${CHANNELS} values for each pixel of ${width} × ${height}, got ${words} values`);
  }
  const wordBits = bits.read(5) + 1;
  if (wordBits !== WORD_BITS) throw new RangeError(`values of ${WORD_BITS} bits, got ${wordBits} bits`);
  const widths = Array.from({length: 4}, () => bits.read(4) + 1);
  const runs: number[] = [];
  const turn = new Turn();
  for (let at = 0; at < words; ) {
    if (turn.isOver()) await turn.next();
    const isRepeated = bits.read(1) === 1;
    const end = at + 1 + bits.read(widths[bits.read(2)]!);
    if (end > words) throw new RangeError(`${words} values, got ${end} or more`);
    if (isRepeated) {
      // The alpha of pixel i is value 4 i + 3.
      if (bits.read(WORD_BITS) !== 0) addRun(runs, Math.floor(at / CHANNELS), Math.floor(end / CHANNELS));
    } else {
      for (let i = at; i < end; i++) {
        const isAlpha = i % CHANNELS === CHANNELS - 1;
        const pixel = Math.floor(i / CHANNELS);
        if (bits.read(WORD_BITS) !== 0 && isAlpha) addRun(runs, pixel, pixel + 1);
      }
    }
    at = end;
  }
  return cropOf(runs, width);
}

/** Adds pixels `from`..`to` - 1 to the runs [from, to, from, to ...]. */
function addRun(runs: number[], from: number, to: number): void {
  if (from === to) return;
  if (runs.at(-1) === from) runs[runs.length - 1] = to;
  else runs.push(from, to);
}

/** The bitmap of the smallest box around the runs: a whole image for each object would take too much memory. */
function cropOf(runs: readonly number[], width: number): InstanceMask {
  if (runs.length === 0) return {left: 0, top: 0, width: 0, height: 0, data: new Uint8Array()};
  let [left, right] = [width, 0];
  for (let i = 0; i < runs.length; i += 2) {
    const [from, last] = [runs[i]!, runs[i + 1]! - 1];
    const isOneRow = Math.floor(from / width) === Math.floor(last / width);
    left = Math.min(left, isOneRow ? from % width : 0);
    right = Math.max(right, isOneRow ? (last % width) + 1 : width);
  }
  const top = Math.floor(runs[0]! / width);
  const height = Math.floor((runs.at(-1)! - 1) / width) + 1 - top;
  // Two pixels far apart must not fill the memory.
  const area = (right - left) * height;
  if (area > MAX_PIXELS) throw new RangeError(`in a rectangle of at most ${MAX_PIXELS} pixels, got ${area}`);
  const data = new Uint8Array(area);
  for (let i = 0; i < runs.length; i += 2) {
    for (let from = runs[i]!; from < runs[i + 1]!; ) {
      const y = Math.floor(from / width);
      const to = Math.min(runs[i + 1]!, (y + 1) * width);
      const row = (y - top) * (right - left) - y * width - left;
      data.fill(1, row + from, row + to);
      from = to;
    }
  }
  return {left, top, width: right - left, height, data};
}

class BitReader {
  readonly #bytes: Uint8Array;
  /** The next bit. */
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `count` bits as a number, the first as the highest. Throws RangeError at the end. */
  read(count: number): number {
    if (this.#at + count > 8 * this.#bytes.length) throw new RangeError('a whole stream, got one that is cut off');
    let value = 0;
    for (let left = count; left > 0; ) {
      const unread = 8 - (this.#at % 8);
      const taken = Math.min(unread, left);
      const bits = (this.#bytes[Math.floor(this.#at / 8)]! >> (unread - taken)) & ((1 << taken) - 1);
      value = value * (1 << taken) + bits;
      this.#at += taken;
      left -= taken;
    }
    return value;
  }
}
