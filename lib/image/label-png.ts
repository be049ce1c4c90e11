import {MaskRcnnError} from '../basics/errors.js';
import {inTurns} from '../basics/turns.js';
import {loadSharp} from './load-sharp.js';

/** Objects that the 16 bits of a PNG tell apart. */
const MOST_IN_PNG = 0xffff;

/** Why a label PNG cannot hold the objects of the image `name`, as a sentence; undefined if it can. */
export function faultOfPng(objects: number, name: string): string | undefined {
  if (objects <= MOST_IN_PNG) return undefined;
  return `A label mask of 16 bits holds ${MOST_IN_PNG} objects, got ${objects} on ${name}.`;
}

/** A grey PNG of 16 bits. `labels` are row-major. Works in turns. Throws INVALID_MASK for a label above 65535. */
export async function labelPng(
  labels: Uint16Array | Int32Array | Uint32Array,
  width: number,
  height: number,
): Promise<Buffer> {
  const sharp = await loadSharp();
  const values = labels instanceof Uint16Array ? labels : await narrow(labels);
  // Without the colour space, libvips would write the upper 8 bits.
  return sharp(values, {raw: {width, height, channels: 1}})
    .toColourspace('grey16')
    .png()
    .toBuffer();
}

async function narrow(labels: Int32Array | Uint32Array): Promise<Uint16Array> {
  const values = new Uint16Array(labels.length);
  await inTurns(labels.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const label = labels[i]!;
      if (label > MOST_IN_PNG) {
        throw new MaskRcnnError('INVALID_MASK', `A label in 16 bits must be at most ${MOST_IN_PNG}, got ${label}.`);
      }
      values[i] = label;
    }
  });
  return values;
}
