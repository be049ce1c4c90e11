import {MaskRcnnError} from '../basics/errors.js';
import {bool, checkOptions, text} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import {decodeBmp} from './bmp.js';
import {readBytes, reasonOf} from './bytes.js';
import {checkSize, detectFormat, MAX_PIXELS} from './format.js';
import {loadSharp} from './load-sharp.js';

/** An 8-bit RGB image, row-major, three bytes per pixel (R, G, B in 0..255): `data.length === width * height * 3`. */
export type RgbImage = {data: Uint8Array; width: number; height: number};

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
 * the format, not the file name. Like Pillow's `convert('RGB')`, it turns grey into three equal channels, keeps the
 * upper 8 of 16 bits, converts CMYK, drops alpha and ignores colour profiles. Throws INVALID_OPTION, and INVALID_IMAGE
 * if the image is missing, empty, truncated, in another format, or has more than 16383 × 16383 pixels.
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
    return format === 'bmp' ? bmpToRgb(bytes) : await decodeWithSharp(bytes, exifOrientation);
  } catch (cause) {
    const kind = format.toUpperCase();
    throw new MaskRcnnError('INVALID_IMAGE', `${name} is not a readable ${kind} image: ${reasonOf(cause)}.`, {
      ...details,
      cause,
    });
  }
}

async function decodeWithSharp(bytes: Uint8Array, exifOrientation: boolean): Promise<RgbImage> {
  const sharp = await loadSharp();
  const pipeline = sharp(bytes, {
    failOn: 'error', // fail on truncated files, but accept files with a harmless oddity
    limitInputPixels: MAX_PIXELS,
    ignoreIcc: true,
    autoOrient: exifOrientation,
  });
  const {depth} = await pipeline.metadata();
  if (depth !== 'uchar' && depth !== 'ushort') throw new Error(`its pixels are of type ${depth}, not 8 or 16 bits`);
  const {data, info} = await pipeline
    .removeAlpha()
    .toColourspace('srgb')
    .raw({depth: 'uchar'})
    .toBuffer({resolveWithObject: true});
  return {data: new Uint8Array(data.buffer, data.byteOffset, data.length), width: info.width, height: info.height};
}

function bmpToRgb(bytes: Uint8Array): RgbImage {
  const {width, height, data, palette} = decodeBmp(bytes);
  if (palette === undefined) return {data, width, height};
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    // As in Windows, an index outside the palette is black.
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = palette[data[i]! * 3 + c] ?? 0;
  }
  return {data: rgb, width, height};
}

function fromRaw(source: RawImage, name: string): RgbImage {
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
  if (channels === 3) return {data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height};
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = data[i * channels + (channels === 1 ? 0 : c)]!;
  }
  return {data: rgb, width, height};
}
