import type {SharpOptions} from 'sharp';
import {MaskRcnnError} from '../basics/errors.js';
import {inTurns} from '../basics/turns.js';
import {decodeBmp} from './bmp.js';
import {hintOf, readBytes, reasonOf, Undecodable} from './bytes.js';
import {checkSize, detectFormat, type ImageFormat, TooManyPixels} from './format.js';
import {storedValuesOfGif} from './gif.js';
import {loadSharp} from './load-sharp.js';
import {idsOfChannels, idsOfFloats, unsigned} from './mask-ids.js';
import {type FileNotice, frameNotices, pageNotices} from './notices.js';
import {storedValuesOfPng} from './png.js';
import {MOST_BLOCK_PIXELS} from './regions/tiff-blocks.js';
import {pagesAlone} from './stack.js';
import type {StoredValues} from './stored-values.js';
import {TiffFile} from './tiff.js';
import {explainTiff} from './tiff-faults.js';
import {slicesOf} from './tiff-layout.js';
import {storedValuesOfTiff} from './tiff-values.js';
import {refusingTiles} from './tile-faults.js';

/** An instance mask: pixel (x, y) belongs to instance `ids[y * width + x]`. 0 is the background. */
export type IdMask = {
  ids: Uint16Array | Uint32Array;
  width: number;
  height: number;
  /** Where the ids come from: grey values as stored, indices of the file's palette, or one number per colour. */
  source: 'values' | 'palette' | 'colours';
  /** Stored bits per pixel, or per channel if there are several. A mask with 1 bit cannot distinguish instances. */
  bits: number;
  /** What was left out of the file: its pages after the first. Missing if there is nothing to tell. */
  notices?: readonly FileNotice[];
};

const IN_PARTS =
  'tiles() reads masks of any size in parts, as PNG that is not interlaced, or as TIFF with tiles or strips of at most ' +
  `${MOST_BLOCK_PIXELS} pixels each.`;

/** Bits of the pixel types, by libvips' names. */
const BITS: Record<string, number> = {uchar: 8, ushort: 16, uint: 32, float: 32};

/**
 * Reads the instance ids of a mask file, exactly as stored: grey values of 1 to 32 bits, palette indices (not colours)
 * of PNG, GIF, TIFF or BMP, and whole numbers in float32 (TIFF). A colour image in which all pixels are grey gives the
 * grey values. In other colour images each colour is an id, numbered from 1 in the order of first appearance
 * (row-major), and black is the background. Alpha is ignored. Of several pages, the first is read.
 *
 * Throws INVALID_MASK if the file cannot be read, if it has more than 16383 × 16383 pixels, if a value is negative or a
 * fraction, or if its compression is lossy (JPEG, lossy WebP, AVIF), because this destroys ids.
 */
export async function readMask(path: string | URL): Promise<IdMask> {
  const {bytes, name} = await readBytes(path, 'INVALID_MASK');
  return maskOfBytes(bytes, name);
}

/** The same for the bytes of a file. `name` stands for it in errors. */
export async function maskOfBytes(bytes: Uint8Array, name: string): Promise<IdMask> {
  const fail = (message: string, details: {hint?: string; cause?: unknown} = {}) =>
    new MaskRcnnError('INVALID_MASK', message, {file: name, ...details});

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
      {hint: 'Lossy compression changes the values that tell instances apart. Export the masks again as PNG.'},
    );
  }
  try {
    return format === 'bmp' ? await fromBmp(bytes) : await fromSharp(format, bytes, name);
  } catch (cause) {
    throw fail(`${name} is not a readable ${format.toUpperCase()} mask: ${reasonOf(cause)}.`, {
      ...(cause instanceof TooManyPixels ? {hint: IN_PARTS} : hintOf(cause)),
      cause,
    });
  }
}

function isLossy(format: ImageFormat, bytes: Uint8Array): boolean {
  if (format === 'jpeg' || format === 'avif') return true;
  // A lossy bitstream is in a chunk 'VP8 ', a lossless one in a chunk 'VP8L' (WebP container specification).
  return format === 'webp' && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('VP8L');
}

async function fromBmp(bytes: Uint8Array): Promise<IdMask> {
  const {width, height, bits, data, palette} = await decodeBmp(bytes);
  if (palette === undefined) return idsOfChannels(data, {channels: 3, width, height, bits: 8});
  const ids = new Uint16Array(width * height);
  await inTurns(ids.length, (from, to) => ids.set(data.subarray(from, to), from));
  return {ids, width, height, source: 'palette', bits};
}

/** Reads all formats but BMP. sharp (libvips) decodes off the main thread. */
async function fromSharp(format: ImageFormat, bytes: Uint8Array, name: string): Promise<IdMask> {
  const stored = await storedValues(format, bytes);
  try {
    const {pages, mask} = await decode(stored);
    const notices = format === 'tiff' ? await noticesOfTiff(name, bytes) : frameNotices(name, pages);
    return notices.length === 0 ? mask : {...mask, notices};
  } catch (cause) {
    throw format === 'tiff' && !(cause instanceof Undecodable) ? await explainTiff(bytes, cause) : cause;
  }
}

/** Of a mask, only the first page is read, whatever the others are. */
async function noticesOfTiff(name: string, bytes: Uint8Array): Promise<FileNotice[]> {
  const file = new TiffFile(bytes);
  const pages = await file.pages();
  return pageNotices(name, {file, pages, stack: pagesAlone(slicesOf(file, pages))});
}

async function storedValues(format: ImageFormat, bytes: Uint8Array): Promise<StoredValues> {
  switch (format) {
    case 'png':
      return storedValuesOfPng(bytes);
    case 'gif':
      return storedValuesOfGif(bytes);
    case 'tiff':
      return storedValuesOfTiff(bytes);
    default:
      return {bytes, palette: false};
  }
}

async function decode({
  bytes,
  palette,
  shift = 0,
  signed,
  ...stored
}: StoredValues): Promise<{mask: IdMask; pages?: number}> {
  const sharp = await loadSharp();
  const options: SharpOptions = {failOn: 'error', limitInputPixels: false, ignoreIcc: true};
  const isTiff = detectFormat(bytes) === 'tiff';
  const [first] = isTiff ? await new TiffFile(bytes).pages() : [];
  const pipeline = sharp(bytes, first === undefined ? options : await refusingTiles(first, bytes, options));
  const {depth, space, channels, pages, width: columns, height: rows} = await pipeline.metadata();
  checkSize(columns, rows);
  const isGrey = palette || space === 'b-w' || space === 'grey16';
  const decodedBits = BITS[depth];
  if (decodedBits === undefined || (!isGrey && decodedBits > 16)) {
    throw new Undecodable(`its pixels are of the type ${depth} in ${channels} channels, which no mask has`);
  }
  const bits = stored.bits ?? decodedBits;
  pipeline.removeAlpha();
  // Without a colour space, libvips turns 16-bit grey into 8 bits, and each grey into three channels.
  if (space === 'b-w' || space === 'grey16' || space === 'rgb16') pipeline.toColourspace(space);
  if (palette) pipeline.extractChannel(0);
  const {data, info} = await pipeline
    .raw({depth: depth === 'uchar' && isGrey ? 'ushort' : depth})
    .toBuffer({resolveWithObject: true});
  const {width, height} = info;
  const mask = {width, height, source: palette ? 'palette' : 'values', bits} as const;
  const page = pages === undefined ? {} : {pages};
  if (!isGrey) {
    const values = depth === 'ushort' ? shorts(data) : data;
    return {mask: await idsOfChannels(values, {...info, bits}), ...page};
  }
  if (depth === 'float') return {mask: {...mask, ids: await idsOfFloats(floats(data))}, ...page};
  const ids = depth === 'uint' ? words(data) : shorts(data);
  if (shift > 0) await inTurns(ids.length, (from, to) => shiftRight(ids, shift, from, to));
  if (signed) await unsigned(ids, bits);
  return {mask: {...mask, ids}, ...page};
}

function shiftRight(ids: Uint16Array | Uint32Array, by: number, from: number, to: number): void {
  for (let i = from; i < to; i++) ids[i]! >>= by;
}

/** Views of the bytes that sharp returns, which begin at a whole number of values. */
const shorts = ({buffer, byteOffset, length}: Buffer) => new Uint16Array(buffer, byteOffset, length / 2);
const words = ({buffer, byteOffset, length}: Buffer) => new Uint32Array(buffer, byteOffset, length / 4);
const floats = ({buffer, byteOffset, length}: Buffer) => new Float32Array(buffer, byteOffset, length / 4);
