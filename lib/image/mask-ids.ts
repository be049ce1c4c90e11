import {inTurns} from '../basics/turns.js';
import {Undecodable} from './bytes.js';

type Layout = {channels: number; width: number; height: number; bits: number};

type Ids = {ids: Uint16Array; width: number; height: number; source: 'values' | 'colours'; bits: number};

/** An image with more colours is a picture, or a mask with blurred edges. */
const MOST_COLOURS = 4096;

/** The largest whole number up to which float32 has all whole numbers: 2 ** 24. */
const MOST_IN_FLOAT = 16_777_216;

/** Values of an RGB image: its greys if all pixels are grey, otherwise a number per colour. */
export async function idsOfChannels(data: Uint8Array | Uint16Array, layout: Layout): Promise<Ids> {
  const {channels, width, height, bits} = layout;
  const ids = new Uint16Array(width * height);
  let isGrey = true;
  await inTurns(ids.length, (from, to) => {
    for (let i = from, at = from * channels; isGrey && i < to; i++, at += channels) {
      const value = data[at]!;
      if (channels >= 3 && (value !== data[at + 1] || value !== data[at + 2])) isGrey = false;
      ids[i] = value;
    }
  });
  if (!isGrey) await numberColours(data, channels, ids);
  return {ids, width, height, source: isGrey ? 'values' : 'colours', bits};
}

async function numberColours(data: Uint8Array | Uint16Array, channels: number, ids: Uint16Array): Promise<void> {
  const known = new Map([[0, 0]]);
  let colour = 0;
  let id = 0;
  const number = () => {
    const old = known.get(colour);
    if (old !== undefined) return old;
    if (known.size > MOST_COLOURS) {
      throw new Undecodable(`it has more than ${MOST_COLOURS} colours, so it is probably a picture`);
    }
    known.set(colour, known.size);
    return known.size - 1;
  };
  await inTurns(ids.length, (from, to) => {
    for (let i = from, at = from * channels; i < to; i++, at += channels) {
      // No shifts, because three 16-bit channels exceed 32 bits.
      const next = (data[at]! * 65536 + data[at + 1]!) * 65536 + data[at + 2]!;
      if (next !== colour) {
        colour = next;
        id = number();
      }
      ids[i] = id;
    }
  });
}

/** Throws if signed numbers of `bits` bits, read as unsigned ones, are negative. */
export async function unsigned(ids: Uint16Array | Uint32Array, bits: number): Promise<void> {
  const sign = 2 ** (bits - 1);
  await inTurns(ids.length, (from, to) => {
    for (let i = from; i < to; i++) if (ids[i]! >= sign) throw noId(ids[i]! - 2 * sign, 'a negative number');
  });
}

/** Whole numbers of float32, in the same memory. Throws for values that are no ids. */
export async function idsOfFloats(values: Float32Array): Promise<Uint32Array> {
  const ids = new Uint32Array(values.buffer, values.byteOffset, values.length);
  await inTurns(ids.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const value = values[i]!;
      if (value >= 0 && value <= MOST_IN_FLOAT && value % 1 === 0) ids[i] = value;
      else throw noId(value, faultOf(value));
    }
  });
  return ids;
}

function faultOf(value: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (value < 0) return 'a negative number';
  return value > MOST_IN_FLOAT ? `above ${MOST_IN_FLOAT}, where float32 has gaps` : 'a fraction';
}

function noId(value: number, fault: string): Error {
  return new Undecodable(`it has the value ${value}, which is no label: ${fault}`, {
    hint: 'Labels are whole numbers from 0, which is the background. Save them as such, with 8, 16 or 32 bits.',
  });
}
