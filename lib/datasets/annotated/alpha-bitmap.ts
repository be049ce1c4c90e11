import {MaskRcnnError} from '../../basics/errors.js';
import {inTurns} from '../../basics/turns.js';
import {reasonOf} from '../../image/bytes.js';
import {detectFormat, MAX_PIXELS} from '../../image/format.js';
import {loadSharp} from '../../image/load-sharp.js';
import type {InstanceMask} from '../dataset.js';
import {bitmapOfFile} from './bitmaps.js';

/** Places in a PNG (PNG specification, third edition, section 11.2.1). */
const WIDTH = 16;
const HEIGHT = 20;
const COLOUR_TYPE = 25;
const HEADER_END = 33;

/** Grey with alpha, and colours with alpha. */
const ALPHA_TYPES = [4, 6];

/**
 * The bitmap of a PNG whose opaque pixels are the object. In one without an alpha channel it is all values and palette
 * indices except 0, whatever colours the palette gives them. `most`: the size of the image, so that a small file cannot
 * fill the memory. Throws INVALID_MASK.
 */
export async function alphaBitmap(
  png: Buffer,
  {left, top, most, name}: {left: number; top: number; most: {width: number; height: number}; name: string},
): Promise<InstanceMask> {
  const fail = (message: string, cause?: unknown) => new MaskRcnnError('INVALID_MASK', message, {file: name, cause});
  if (detectFormat(png) !== 'png' || png.length < HEADER_END) {
    throw fail(`${name} must be a PNG, got ${png.length} bytes of another kind.`);
  }
  const [width, height] = [png.readUInt32BE(WIDTH), png.readUInt32BE(HEIGHT)];
  if (width > most.width || height > most.height) {
    throw fail(
      `${name} must not be larger than its image of ${most.width} × ${most.height}, got ${width} × ${height}.`,
    );
  }
  if (width * height > MAX_PIXELS) {
    throw fail(`${name} must have at most ${MAX_PIXELS} pixels, got ${width} × ${height}.`);
  }
  if (!ALPHA_TYPES.includes(png[COLOUR_TYPE]!)) return bitmapOfFile(png, {left, top, name});
  try {
    const sharp = await loadSharp();
    const {data, info} = await sharp(png, {failOn: 'error', limitInputPixels: width * height, ignoreIcc: true})
      .extractChannel('alpha')
      .raw({depth: 'uchar'})
      .toBuffer({resolveWithObject: true});
    await inTurns(data.length, (from, to) => {
      for (let i = from; i < to; i++) data[i] = data[i] === 0 ? 0 : 1;
    });
    return {left, top, width: info.width, height: info.height, data: new Uint8Array(data)};
  } catch (cause) {
    throw fail(`${name} is not a readable PNG mask: ${reasonOf(cause)}.`, cause);
  }
}
