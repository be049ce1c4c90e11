import {MaskRcnnError} from '../basics/errors.js';
import {bool, checkOptions, text} from '../basics/schema.js';
import {inTurns} from '../basics/turns.js';
import {show} from '../basics/wording.js';
import {decodeBmp} from './bmp.js';
import {hintOf, readBytes, reasonOf, Undecodable} from './bytes.js';
import {checkSize, detectFormat, type ImageFormat, MAX_PIXELS} from './format.js';
import {loadSharp} from './load-sharp.js';
import {depthNotice, type FileNotice, frameNotices, pageNotices} from './notices.js';
import {explainTiff} from './tiff-faults.js';

/** An 8-bit RGB image, row-major, three bytes per pixel (R, G, B in 0..255): `data.length === width * height * 3`. */
export type RgbImage = {
  data: Uint8Array;
  width: number;
  height: number;
  /**
   * What was left out of the file: the lower bits of more than 8, pages after the first. Missing if there is nothing to
   * tell. `inspect()` gathers the notices of a data set.
   */
  notices?: readonly FileNotice[];
};

/**
 * Raw pixels, for example of a canvas, a camera or sharp: grey, RGB or RGBA in row-major order, one byte per channel,
 * 0..255. The default of `channels` follows from the length of `data`.
 */
export type RawImage = {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels?: 1 | 3 | 4;
  /** The file or name of the image, for messages and results. */
  file?: string;
};

/** An image: a path, a `file:` URL, the bytes of an image file, or raw pixels. */
export type ImageSource = string | URL | Uint8Array | RawImage;

/** Options of `readImage()`. */
export type ReadImageOptions = {
  /** Name of the image in error messages, if it is not a file. Default 'The image'. */
  name?: string;
  /** Whether to turn photos upright by their EXIF orientation tag, as image viewers do. Default true. */
  exifOrientation?: boolean;
};

/**
 * Reads an image as 8-bit RGB: BMP, PNG, JPEG, WebP, TIFF (first page), GIF (first frame) or AVIF. The content decides
 * the format, not the file name. It turns grey into three equal channels, keeps the upper 8 of 16 bits (Pillow's
 * `convert('RGB')` makes all values above 255 white instead), converts CMYK, drops alpha and ignores colour profiles.
 * `notices` of the result tell of bits and pages that were not read. Throws INVALID_OPTION, and INVALID_IMAGE if the
 * image is missing, empty, truncated, in another format, of fractions, or has more than 16383 × 16383 pixels.
 *
 * Decoding runs on libuv's threads with one libvips thread each (sharp's default on Linux). So it competes with
 * libtorch's threads only for as many cores as images are read at the same time.
 */
export async function readImage(source: ImageSource, options: ReadImageOptions = {}): Promise<RgbImage> {
  checkOptions(options, {name: text, exifOrientation: bool}, 'readImage');
  const {name = 'The image', exifOrientation = true} = options;
  if (typeof source === 'string' || source instanceof URL) {
    const file = await readBytes(source, 'INVALID_IMAGE');
    return decode(file.bytes, file.name, exifOrientation, file.name);
  }
  if (source instanceof Uint8Array) return decode(source, name, exifOrientation);
  return fromRaw(source, (source as RawImage | null)?.file ?? name);
}

/** The size that `readImage` would return for an image file, in pixels, read from its header. Throws INVALID_IMAGE. */
export async function readImageSize(
  source: string | URL,
  {exifOrientation = true}: Pick<ReadImageOptions, 'exifOrientation'> = {},
): Promise<{width: number; height: number}> {
  const {bytes, name} = await readBytes(source, 'INVALID_IMAGE');
  if (detectFormat(bytes) !== 'bmp') {
    // If sharp cannot read the header, the decoder below throws the error.
    const sharp = await loadSharp();
    const metadata = await sharp(bytes, {limitInputPixels: MAX_PIXELS})
      .metadata()
      .catch(() => undefined);
    if (metadata !== undefined) {
      const {width, height} = exifOrientation ? metadata.autoOrient : metadata;
      return {width, height};
    }
  }
  const {width, height} = await decode(bytes, name, exifOrientation, name);
  return {width, height};
}

async function decode(bytes: Uint8Array, name: string, exifOrientation: boolean, file?: string): Promise<RgbImage> {
  const details = file === undefined ? {} : {file};
  if (bytes.length === 0) {
    throw new MaskRcnnError('INVALID_IMAGE', `${name} must be an image, got an empty file (0 bytes).`, details);
  }
  const format = detectFormat(bytes);
  if (format === undefined) {
    throw new MaskRcnnError(
      'INVALID_IMAGE',
      `${name} must be a BMP, PNG, JPEG, WebP, TIFF, GIF or AVIF image, got ${bytes.length} bytes of another kind.`,
      {...details, hint: 'The content decides, not the name of the file.'},
    );
  }
  try {
    return format === 'bmp' ? await bmpToRgb(bytes) : await decodeWithSharp(bytes, {name, format, exifOrientation});
  } catch (error) {
    const cause = format === 'tiff' && !(error instanceof Undecodable) ? await explainTiff(bytes, error) : error;
    const kind = format.toUpperCase();
    throw new MaskRcnnError('INVALID_IMAGE', `${name} is not a readable ${kind} image: ${reasonOf(cause)}.`, {
      ...details,
      ...hintOf(cause),
      cause,
    });
  }
}

type How = {name: string; format: ImageFormat; exifOrientation: boolean};

async function decodeWithSharp(bytes: Uint8Array, {name, format, exifOrientation}: How): Promise<RgbImage> {
  const sharp = await loadSharp();
  const pipeline = sharp(bytes, {
    failOn: 'error', // fail on truncated files, but accept files with a harmless oddity
    limitInputPixels: MAX_PIXELS,
    ignoreIcc: true,
    autoOrient: exifOrientation,
  });
  const {depth, space, pages} = await pipeline.metadata();
  if (depth !== 'uchar' && depth !== 'ushort') throw wrongDepth(depth);
  const notices = format === 'tiff' ? await pageNotices(name, bytes) : frameNotices(name, pages);
  pipeline.removeAlpha();
  if (depth === 'ushort' && (space === 'grey16' || space === 'rgb16')) {
    const {data, info} = await pipeline.toColourspace(space).raw({depth}).toBuffer({resolveWithObject: true});
    const {upper, least, most} = await upperBits(new Uint16Array(data.buffer, data.byteOffset, data.length / 2));
    return {...(await toRgb(upper, info)), notices: [depthNotice(name, least, most), ...notices]};
  }
  const {data, info} = await pipeline.toColourspace('srgb').raw({depth: 'uchar'}).toBuffer({resolveWithObject: true});
  const image = {
    data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    width: info.width,
    height: info.height,
  };
  return notices.length === 0 ? image : {...image, notices};
}

/** The pixel types that are refused, by libvips' names. */
const TYPES: Record<string, string> = {
  float: 'floating-point numbers',
  double: 'floating-point numbers',
  uint: 'whole numbers of 32 bits',
  int: 'signed whole numbers of 32 bits',
  short: 'signed whole numbers of 16 bits',
  char: 'signed whole numbers of 8 bits',
};

function wrongDepth(depth: string): Error {
  return new Undecodable(`its pixels are ${TYPES[depth] ?? `of the type ${depth}`}, not of 8 or 16 bits from 0`, {
    hint: 'Nothing says which value is black and which is white: scale the values to 0..255 and save 8 bits.',
  });
}

/** The upper 8 bits of 16-bit samples, and the range of the samples. */
async function upperBits(samples: Uint16Array): Promise<{upper: Uint8Array; least: number; most: number}> {
  const upper = new Uint8Array(samples.length);
  let [least, most] = [65535, 0];
  await inTurns(samples.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const sample = samples[i]!;
      if (sample < least) least = sample;
      if (sample > most) most = sample;
      upper[i] = sample >> 8;
    }
  });
  return {upper, least, most};
}

/** RGB of grey, RGB or RGBA. */
async function toRgb(
  data: Uint8Array | Uint8ClampedArray,
  {width, height, channels}: {width: number; height: number; channels: number},
): Promise<RgbImage> {
  if (channels === 3) return {data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height};
  const rgb = new Uint8Array(width * height * 3);
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  await inTurns(width * height, (from, to) => {
    for (let i = from, at = from * channels, out = from * 3; i < to; i++, at += channels, out += 3) {
      rgb[out] = data[at]!;
      rgb[out + 1] = data[at + green]!;
      rgb[out + 2] = data[at + blue]!;
    }
  });
  return {data: rgb, width, height};
}

async function bmpToRgb(bytes: Uint8Array): Promise<RgbImage> {
  const {width, height, data, palette} = await decodeBmp(bytes);
  if (palette === undefined) return {data, width, height};
  const rgb = new Uint8Array(width * height * 3);
  // As in Windows, an index outside the palette is black.
  const colours = new Uint8Array(256 * 3);
  colours.set(palette);
  await inTurns(data.length, (from, to) => {
    for (let i = from; i < to; i++) for (let c = 0; c < 3; c++) rgb[i * 3 + c] = colours[data[i]! * 3 + c]!;
  });
  return {data: rgb, width, height};
}

async function fromRaw(source: RawImage, name: string): Promise<RgbImage> {
  const fail = (expectation: string, value: string, hint?: string): never => {
    const details = hint === undefined ? {} : {hint};
    throw new MaskRcnnError('INVALID_IMAGE', `${name} must ${expectation}, got ${value}.`, details);
  };
  if (source === null || typeof source !== 'object' || !('data' in source)) {
    return fail('be a path, a URL, the bytes of an image file, or {data, width, height}', show(source));
  }
  const {data, width, height} = source;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    return fail(
      'have its pixels in a Uint8Array or Uint8ClampedArray',
      show(data),
      'One byte a channel, 0..255: numbers between 0 and 1 are not expected here.',
    );
  }
  if (!Number.isInteger(width) || !Number.isInteger(height)) {
    return fail('have a whole width and height', `${show(width)} × ${show(height)}`);
  }
  try {
    checkSize(width, height);
  } catch (error) {
    return fail('have a size that can be read', reasonOf(error));
  }
  const pixels = width * height;
  const channels = source.channels ?? data.length / pixels;
  if (![1, 3, 4].includes(channels) || data.length !== pixels * channels) {
    return fail(
      `have ${source.channels ?? '1, 3 or 4'} bytes for each of ${width} × ${height} pixels`,
      `${data.length} bytes`,
    );
  }
  return toRgb(data, {width, height, channels});
}
