import {MaskRcnnError} from '../basics/errors.js';
import {decodeBmp} from './bmp.js';
import {readBytes, reasonOf} from './bytes.js';
import {checkSize, detectFormat, type ImageFormat, MAX_PIXELS} from './format.js';
import {loadSharp} from './load-sharp.js';

/** An instance mask: pixel (x, y) belongs to instance `ids[y * width + x]`. 0 is the background. */
export type IdMask = {
  ids: Uint16Array | Uint32Array;
  width: number;
  height: number;
  /** Where the ids come from: grey values as stored, indices of the file's palette, or one number per colour. */
  source: 'values' | 'palette' | 'colours';
  /** Stored bits per pixel, or per channel if there are several. A mask with 1 bit cannot distinguish instances. */
  bits: number;
};

/** An image with more colours is a picture, or a mask with blurred edges. */
const MOST_COLOURS = 4096;

/** Bits of the pixel types, by libvips' names. */
const BITS: Record<string, number> = {uchar: 8, char: 8, ushort: 16, short: 16};

type Layout = {channels: number; width: number; height: number; bits: number};

/**
 * Reads the instance ids of a mask file, exactly as stored: grey values of 8 or 16 bits, palette indices (not colours)
 * of PNG or BMP, and 32-bit TIFF. A colour image in which all pixels are grey gives the grey values. In other colour
 * images each colour is an id, numbered from 1 in the order of first appearance (row-major), and black is the
 * background. Alpha is ignored.
 *
 * Throws INVALID_MASK if the file cannot be read, or if its compression is lossy (JPEG, lossy WebP, AVIF), because this
 * destroys ids.
 */
export async function readMask(path: string | URL): Promise<IdMask> {
  const {bytes, name} = await readBytes(path, 'INVALID_MASK');
  const fail = (message: string, hint?: string, cause?: unknown) =>
    new MaskRcnnError('INVALID_MASK', message, hint === undefined ? {file: name, cause} : {file: name, cause, hint});

  if (bytes.length === 0) throw fail(`${name} must be a mask, got an empty file (0 bytes).`);
  const format = detectFormat(bytes);
  if (format === undefined) {
    throw fail(
      `${name} must be a PNG, BMP, TIFF, GIF or lossless WebP mask, got ${bytes.length} bytes of another kind.`,
    );
  }
  if (isLossy(format, bytes)) {
    throw fail(
      `${name} must be a mask stored without loss, got ${format === 'webp' ? 'lossy WebP' : format.toUpperCase()}.`,
      'Lossy compression changes the values that tell instances apart. Export the masks again as PNG.',
    );
  }
  try {
    if (format === 'bmp') return fromBmp(bytes);
    if (format === 'png') checkPng(bytes);
    return format === 'png' && !sharpKeeps(bytes) ? await fromPng(bytes) : await fromSharp(bytes);
  } catch (cause) {
    throw fail(`${name} is not a readable ${format.toUpperCase()} mask: ${reasonOf(cause)}.`, undefined, cause);
  }
}

function isLossy(format: ImageFormat, bytes: Uint8Array): boolean {
  if (format === 'jpeg' || format === 'avif') return true;
  // A lossy bitstream is in a chunk 'VP8 ', a lossless one in a chunk 'VP8L' (WebP container specification).
  return format === 'webp' && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('VP8L');
}

function fromBmp(bytes: Uint8Array): IdMask {
  const {width, height, bits, data, palette} = decodeBmp(bytes);
  if (palette !== undefined) return {ids: Uint16Array.from(data), width, height, source: 'palette', bits};
  return fromChannels(data, {channels: 3, width, height, bits: 8});
}

/**
 * Rejects what the decoders accept: a size that would fill the memory, and a file that is cut off after its last pixel.
 */
function checkPng(bytes: Uint8Array): void {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (png.length < 33) throw new Error('it ends within its header');
  checkSize(png.readUInt32BE(16), png.readUInt32BE(20)); // of the chunk IHDR
  const end = png.lastIndexOf('IEND');
  if (end < 0 || end + 8 > png.length) throw new Error('it is truncated');
}

/**
 * Whether sharp (libvips), which decodes off the main thread, keeps the values of a PNG. It does not for palettes, less
 * than 8 bits, and 16-bit colour.
 */
function sharpKeeps(png: Uint8Array): boolean {
  const [depth, colourType] = [png[24], png[25]];
  const isGrey = colourType === 0 || colourType === 4;
  return (depth === 8 && colourType !== 3) || (depth === 16 && isGrey);
}

async function fromPng(bytes: Uint8Array): Promise<IdMask> {
  const [depth, interlaced] = [bytes[24]!, bytes[28] === 1];
  if (interlaced && depth < 8) throw new Error(`interlaced PNG of ${depth} bits a pixel is not supported`);
  // Pass a copy, because the decoder reads the whole ArrayBuffer, which small Buffers share.
  const {decode} = await import('fast-png'); // loaded late, so that not every script waits for it
  const png = decode(Uint8Array.from(bytes), {checkCrc: true});
  const {width, height, channels} = png;
  if (channels >= 3) return fromChannels(png.data, {channels, width, height, bits: depth});
  const ids = new Uint16Array(width * height);
  if (depth >= 8) for (let i = 0; i < ids.length; i++) ids[i] = png.data[i * channels]!;
  else unpack(png.data, depth, width, ids);
  return {ids, width, height, source: png.palette === undefined ? 'values' : 'palette', bits: depth};
}

/** Unpacks pixels of 1, 2 and 4 bits, which fast-png does not do. Each row starts at a new byte. */
function unpack(data: ArrayLike<number>, depth: number, width: number, ids: Uint16Array): void {
  const stride = Math.ceil((width * depth) / 8);
  for (let i = 0; i < ids.length; i++) {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * stride + (bit >> 3)]!;
    ids[i] = (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  }
}

/** Reads TIFF, GIF, WebP and most PNGs. */
async function fromSharp(bytes: Uint8Array): Promise<IdMask> {
  const sharp = await loadSharp();
  const pipeline = sharp(bytes, {failOn: 'error', limitInputPixels: MAX_PIXELS, ignoreIcc: true});
  const {depth, space} = await pipeline.metadata();
  if (depth === 'float' || depth === 'double') throw new Error('its pixels are fractions, not whole numbers');
  // libvips shifts 16-bit grey to 8 bits unless the colour space is set explicitly.
  if (space === 'grey16') pipeline.toColourspace('grey16');
  const isBytes = depth === 'uchar';
  pipeline.removeAlpha().raw({depth: isBytes ? 'uchar' : 'uint'});
  const {data, info} = await pipeline.toBuffer({resolveWithObject: true});
  const values = isBytes ? data : new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
  return fromChannels(values, {...info, bits: BITS[depth] ?? 32});
}

function fromChannels(data: ArrayLike<number>, layout: Layout): IdMask {
  const {channels, width, height, bits} = layout;
  const pixels = width * height;
  const values = new Uint32Array(pixels);
  let largest = 0;
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    if (channels >= 3 && (data[at] !== data[at + 1] || data[at] !== data[at + 2])) {
      return fromColours(data, layout);
    }
    const value = data[at]!;
    values[i] = value;
    if (value > largest) largest = value;
  }
  return {ids: largest < 65536 ? Uint16Array.from(values) : values, width, height, source: 'values', bits};
}

function fromColours(data: ArrayLike<number>, {channels, width, height, bits}: Layout): IdMask {
  const ids = new Uint16Array(width * height);
  const known = new Map([[0, 0]]);
  for (let i = 0; i < ids.length; i++) {
    const at = i * channels;
    // No shifts, because three 16-bit channels exceed 32 bits.
    const colour = (data[at]! * 65536 + data[at + 1]!) * 65536 + data[at + 2]!;
    let id = known.get(colour);
    if (id === undefined) {
      id = known.size;
      if (id > MOST_COLOURS) throw new Error(`it has more than ${MOST_COLOURS} colours, so it is probably a picture`);
      known.set(colour, id);
    }
    ids[i] = id;
  }
  return {ids, width, height, source: 'colours', bits};
}
