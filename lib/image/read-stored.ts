import {inTurns} from '../basics/turns.js';
import {bmpToRgb} from './bmp-to-rgb.js';
import {readBytes} from './bytes.js';
import {decodeBytes, withOwnBytes} from './decode-bytes.js';
import {decodeStored} from './decode-image.js';
import type {Planes} from './decode-planes.js';
import type {RgbImage} from './rgb-image.js';
import type {Plane, SampleType} from './samples.js';

/** The numbers that an image file stores, row-major, with the channels of a pixel side by side. */
export type StoredImage = {
  data: Uint8Array | Uint16Array | Float32Array;
  width: number;
  height: number;
  /** Channels of a pixel, without alpha. */
  channels: number;
  /** Type of the numbers in the file. */
  type: SampleType;
};

export type ReadStoredOptions = {
  /** Name of the image in error messages, if it is not a file. */
  name: string;
  /** Number of the page or frame, counted from 0. Default 0. */
  page?: number | undefined;
};

/**
 * Reads the numbers of all channels of an image file but alpha, as stored: those of 8 and 16 bits without sign as they
 * are, all others as the nearest float32, which has no gaps between whole numbers up to 2^24. A palette gives its RGB,
 * a photo whose colours are compressed as brightness and hue gives RGB, and CMYK its four inks. Grey of fewer than 8
 * bits is spread over 0..255. A grey in which white is 0 is not inverted. Photos are turned upright as `readImage()`
 * does. Throws INVALID_IMAGE as `readImage()` does, but any floating-point number is read.
 */
export async function readStored(
  source: string | URL | Uint8Array,
  {name, page = 0}: ReadStoredOptions,
): Promise<StoredImage> {
  if (source instanceof Uint8Array) return withOwnBytes(source, (bytes) => decode(bytes, {name}, page));
  const {bytes, name: file} = await readBytes(source, 'INVALID_IMAGE');
  return decode(bytes, {name: file, file}, page);
}

/** Whether the data of an image that `readImage()` gave are what `readStored()` would read: RGB of 8 bits. */
export function isAsStored({stored}: RgbImage): boolean {
  return stored?.type === 'uint8' && stored.channels === 3 && stored.values === undefined;
}

function decode(bytes: Uint8Array, named: {name: string; file?: string}, page: number): Promise<StoredImage> {
  return decodeBytes(bytes, named, async (format) => {
    if (format === 'bmp') {
      const {data, width, height} = await bmpToRgb(bytes, named.name, {page});
      return {data, width, height, channels: 3, type: 'uint8'};
    }
    const how = {name: named.name, format, exifOrientation: true, pixels: {page}};
    return interleave(await decodeStored(bytes, how));
  });
}

async function interleave({planes, width, height, type}: Planes & {type: SampleType}): Promise<StoredImage> {
  const channels = planes.length;
  const image = {width, height, channels, type};
  const [{values}] = planes as [Plane];
  const isWhole = planes.every(
    (plane, i) => plane.values === values && plane.offset === i && plane.stride === channels,
  );
  if (isWhole && isPlainType(values)) return {...image, data: values};
  const Numbers = type === 'uint8' ? Uint8Array : type === 'uint16' ? Uint16Array : Float32Array;
  const data = new Numbers(width * height * channels);
  for (const [channel, {values, offset, stride, length}] of planes.entries()) {
    await inTurns(length, (from, to) => {
      for (let i = from; i < to; i++) data[i * channels + channel] = values[offset + i * stride]!;
    });
  }
  return {...image, data};
}

function isPlainType(values: Plane['values']): values is StoredImage['data'] {
  return values instanceof Uint8Array || values instanceof Uint16Array || values instanceof Float32Array;
}
