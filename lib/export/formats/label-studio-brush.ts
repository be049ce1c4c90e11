import type {Turn} from '../../basics/turns.js';
import type {InstanceMask} from '../../datasets/dataset.js';
import {rowRuns} from '../crops.js';

const CHANNELS = 4;
const WORD_BITS = 8;

/** The widths of numbers that blocks can choose from, in bits. Label Studio's own tools write these. */
const WIDTHS = [3, 4, 8, 16];

/** The most values of one block. */
const MOST = 1 << WIDTHS.at(-1)!;

const OPAQUE = 255;

/** The number of values is written in 32 bits. */
export const MOST_BRUSH_PIXELS = 2 ** 32 / CHANNELS - 1;

/**
 * The mask of Label Studio's brush: RGBA pixels row by row, of which those of the object are white and opaque, packed
 * as a stream of bits (thi.ng/rle-pack, which Label Studio uses). It has a header and then blocks: a bit 1 for a
 * repeated value, two bits that choose a width, the number of values less one in that width, and the value.
 */
export async function brushOf(
  crop: InstanceMask,
  {width, height}: {width: number; height: number},
  turn: Turn,
): Promise<number[]> {
  const bits = new BitWriter();
  bits.write(CHANNELS * width * height, 32);
  bits.write(WORD_BITS - 1, 5);
  for (const each of WIDTHS) bits.write(each - 1, 4);
  for (const [i, run] of (await imageRuns(crop, {width, height}, turn)).entries()) {
    const value = i % 2 === 1 ? OPAQUE : 0;
    for (let left = CHANNELS * run; left > 0; left -= MOST) {
      const number = Math.min(left, MOST);
      const choice = WIDTHS.findIndex((each) => number <= 1 << each);
      bits.write(1, 1);
      bits.write(choice, 2);
      bits.write(number - 1, WIDTHS[choice]!);
      bits.write(value, WORD_BITS);
    }
  }
  return bits.finish();
}

/** The run lengths of the whole image, row by row: alternating lengths of 0 and 1, starting with 0. */
async function imageRuns(
  crop: InstanceMask,
  {width, height}: {width: number; height: number},
  turn: Turn,
): Promise<number[]> {
  const runs = [crop.top * width + crop.left];
  let at = runs[0]!;
  /** Adds a run of the value, to the last one if that has the same value. */
  const add = (length: number, value: number) => {
    if (length === 0) return;
    at += length;
    if (runs.length % 2 === value) runs.push(length);
    else runs[runs.length - 1]! += length;
  };
  let value = 0;
  let x = 0;
  for (const run of await rowRuns(crop, turn)) {
    for (let left = run; left > 0; ) {
      const length = Math.min(left, crop.width - x);
      add(length, value);
      left -= length;
      x = (x + length) % crop.width;
      const isLastRow = at >= (crop.top + crop.height - 1) * width + crop.left + crop.width;
      if (x === 0 && !isLastRow) add(width - crop.width, 0);
    }
    value = 1 - value;
  }
  add(width * height - at, 0);
  return runs;
}

/** Writes numbers of any width, the highest bit first. */
class BitWriter {
  readonly #bytes: number[] = [];
  #byte = 0;
  #bits = 0;

  write(value: number, width: number): void {
    for (let left = width; left > 0; ) {
      const taken = Math.min(8 - this.#bits, left);
      left -= taken;
      // Division instead of a shift, because the first number of a stream may have 32 bits.
      const part = Math.floor(value / 2 ** left) % 2 ** taken;
      this.#byte = (this.#byte << taken) | part;
      this.#bits += taken;
      if (this.#bits < 8) continue;
      this.#bytes.push(this.#byte);
      this.#byte = 0;
      this.#bits = 0;
    }
  }

  /** The bytes, the last one filled up with zeros. */
  finish(): number[] {
    if (this.#bits > 0) this.write(0, 8 - this.#bits);
    return this.#bytes;
  }
}
