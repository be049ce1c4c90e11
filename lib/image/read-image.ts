import {MaskRcnnError} from '../basics/errors.js';
import {bool, checkOptions, text} from '../basics/schema.js';
import {show} from '../basics/wording.js';
import {bmpSize} from './bmp.js';
import {bmpToRgb} from './bmp-to-rgb.js';
import {hintOf, readBytes, reasonOf} from './bytes.js';
import {decodeBytes, withOwnBytes} from './decode-bytes.js';
import {decodeImage} from './decode-image.js';
import {checkSize, detectFormat, MAX_PIXELS} from './format.js';
import {loadSharp} from './load-sharp.js';
import {OpenTiff} from './open-tiff.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from './pixel-options.js';
import type {RgbImage, StoredPixels} from './rgb-image.js';
import {choosePlane} from './stack.js';
import {toRgb} from './to-rgb.js';

export type {RgbImage, StoredPixels};

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
} & PixelOptions;

/**
 * Reads an image as 8-bit RGB: BMP, PNG, JPEG, WebP, TIFF, GIF or AVIF. The content decides the format, not the file
 * name. It turns grey into three equal channels, keeps the upper 8 of 16 bits (Pillow's `convert('RGB')` makes all
 * values above 255 white instead), converts CMYK, drops alpha, ignores colour profiles and reads the first page, or
 * plane of a stack whose channels are pages; `range`, `channels` and `page` choose otherwise. Strips and tiles that a
 * TIFF leaves out have the number GDAL_NODATA, or else 0. `notices` of the result tell of bits, channels and pages that
 * were not read. Throws INVALID_OPTION, and INVALID_IMAGE if the image is missing, empty, truncated, in another format,
 * has no such page or channel, has more than 16383 × 16383 pixels, or, without `range`, has numbers that are not in
 * 0..1 though they are floating-point ones.
 *
 * Decoding runs on libuv's threads with one libvips thread each (sharp's default on Linux). So it competes with
 * libtorch's threads only for as many cores as images are read at the same time.
 */
export async function readImage(source: ImageSource, options: ReadImageOptions = {}): Promise<RgbImage> {
  checkOptions(options, {name: text, exifOrientation: bool, ...PIXEL_OPTIONS}, 'readImage');
  const {name = 'The image', exifOrientation = true} = options;
  const how = {exifOrientation, pixels: pixelOptionsOf(options)};
  if (typeof source === 'string' || source instanceof URL) {
    const file = await readBytes(source, 'INVALID_IMAGE');
    return decode(file.bytes, file.name, how, file.name);
  }
  if (source instanceof Uint8Array) return withOwnBytes(source, (bytes) => decode(bytes, name, how));
  refuseForRaw(how.pixels, (source as RawImage | null)?.file ?? name, 'readImage');
  return fromRaw(source, (source as RawImage | null)?.file ?? name);
}

/** Whether a source is an image file or its bytes, whose pixels the options of reading decide. */
export function isFileSource(source: ImageSource): source is string | URL | Uint8Array {
  return typeof source === 'string' || source instanceof URL || source instanceof Uint8Array;
}

/** Throws INVALID_OPTION if there are options of reading for raw pixels, on which they have no effect. */
export function refuseForRaw(pixels: PixelOptions, name: string, where: string): void {
  const [option] = Object.keys(pixels);
  if (option === undefined) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `Option '${option}' of ${where} is for image files, got raw pixels: ${name}.`,
    {
      hint: 'Raw pixels are taken as they are. Leave the option out, or change the pixels before.',
    },
  );
}

/**
 * The size that `readImage` would return for a page of an image file or its bytes, in pixels, read from its header.
 * `name` is that of bytes in error messages. Throws INVALID_IMAGE.
 */
export async function readImageSize(
  source: string | URL | Uint8Array,
  {exifOrientation = true, page, name: given = 'The image'}: Omit<ReadImageOptions, 'range' | 'channels'> = {},
): Promise<{width: number; height: number}> {
  const size = async (bytes: Uint8Array, name: string, file?: string) => {
    const inHeader = await sizeInHeader(bytes, exifOrientation, page ?? 0).catch(() => undefined);
    if (inHeader !== undefined) return inHeader;
    // If the header cannot be read, the decoder throws the error.
    const how = {exifOrientation, pixels: {page: page ?? 0}};
    const {width, height} = await decode(bytes, name, how, file);
    return {width, height};
  };
  if (source instanceof Uint8Array) return withOwnBytes(source, (bytes) => size(bytes, given));
  const {bytes, name} = await readBytes(source, 'INVALID_IMAGE');
  return size(bytes, name, name);
}

async function sizeInHeader(bytes: Uint8Array, exifOrientation: boolean, page: number) {
  const format = detectFormat(bytes);
  if (format === 'bmp') return page === 0 ? bmpSize(bytes) : undefined;
  if (format === 'tiff') {
    const tiff = await OpenTiff.of(bytes);
    tiff.choose(choosePlane(tiff.stack, page)[0]!);
  }
  const sharp = await loadSharp();
  const metadata = await sharp(bytes, {limitInputPixels: MAX_PIXELS, limitInputChannels: false}).metadata();
  if (format !== 'tiff' && page >= (metadata.pages ?? 1)) return undefined;
  const {width, height} = exifOrientation ? metadata.autoOrient : metadata;
  return {width, height};
}

type How = {exifOrientation: boolean; pixels: PixelOptions};

function decode(bytes: Uint8Array, name: string, how: How, file?: string): Promise<RgbImage> {
  return decodeBytes(bytes, {name, file}, (format) =>
    format === 'bmp' ? bmpToRgb(bytes, name, how.pixels) : decodeImage(bytes, {name, format, ...how}),
  );
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
    return fail('have a size that can be read', reasonOf(error), hintOf(error).hint);
  }
  const pixels = width * height;
  const channels = source.channels ?? data.length / pixels;
  if (![1, 3, 4].includes(channels) || data.length !== pixels * channels) {
    return fail(
      `have ${source.channels ?? '1, 3 or 4'} bytes for each of ${width} × ${height} pixels`,
      `${data.length} bytes`,
    );
  }
  const {rgb} = await toRgb(data, {width, height, channels});
  return {data: rgb, width, height};
}
