import {crc32} from 'node:zlib';
import {Turn} from '../basics/turns.js';
import {checkSize} from './format.js';
import type {StoredValues} from './stored-values.js';

/** Places in the file (PNG specification, third edition, sections 5.2, 5.3 and 11.2.1). */
const SIGNATURE_BYTES = 8;
/** The signature and the header. */
export const PNG_HEAD_BYTES = 33;
const WIDTH = 16;
const HEIGHT = 20;
const DEPTH = 24;
const COLOUR_TYPE = 25;
const INTERLACE = 28;

const GREY = 0;
const PALETTE_COLOURS = 3;
/** This bit of the colour type tells colours from greys. */
const COLOURS = 2;

/** The chunks that hold the pixels. All others, such as profiles and texts, may unpack to any size. */
const KEPT = new Set(['IHDR', 'IDAT', 'IEND']);

/** What the header of a PNG says of its pixels. */
export type PngHead = {
  width: number;
  height: number;
  /** Stored bits per pixel, or per channel if there are several. */
  bits: number;
  /** Whether the values are palette indices. */
  palette: boolean;
  /** Channels without alpha: 3 for colours that are not in a palette. */
  channels: 1 | 3;
  isInterlaced: boolean;
};

/** The header of a PNG, from its first bytes. Throws an Error with the reason if it is not there. */
export function readPngHead(png: Buffer): PngHead {
  if (png.length < PNG_HEAD_BYTES) throw new Error('it ends within its header');
  if (png.readUInt32BE(8) !== 13 || png.toString('latin1', 12, 16) !== 'IHDR')
    throw new Error('it does not begin with its header');
  const type = png[COLOUR_TYPE]!;
  const palette = type === PALETTE_COLOURS;
  return {
    width: png.readUInt32BE(WIDTH),
    height: png.readUInt32BE(HEIGHT),
    bits: png[DEPTH]!,
    palette,
    channels: !palette && (type & COLOURS) !== 0 ? 3 : 1,
    isInterlaced: png[INTERLACE] !== 0,
  };
}

/**
 * The PNG with its pixels only, as grey if it has a palette: a decoder then gives the indices instead of the colours.
 * Throws an Error with the reason if the file is damaged or cut off.
 */
export async function storedValuesOfPng(bytes: Uint8Array): Promise<StoredValues> {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const head = readPngHead(png);
  checkSize(head.width, head.height);
  const kept: Buffer[] = [];
  for await (const {from, to} of pixelRanges(png.length, (at) => png.subarray(at, at + CHUNK_HEAD_BYTES))) {
    kept.push(png.subarray(from, to));
  }
  const stored = Buffer.concat(kept);
  asGrey(stored, head);
  return {bytes: stored, bits: head.bits, palette: head.palette, shift: shiftOfPng(head)};
}

/** Number of bits by which decoders shift the values up: they scale fewer than 8 bits to 0..255. */
export function shiftOfPng({bits}: PngHead): number {
  return Math.max(0, 8 - bits);
}

/** Makes the header at the beginning of `png` one of greys if it has a palette. Throws an Error if it is damaged. */
export function asGrey(png: Buffer, {palette, bits}: PngHead): void {
  if (!palette) return;
  if (crc32(png.subarray(12, 29)) !== png.readUInt32BE(29)) throw new Error('the checksum of its header is wrong');
  if (bits > 8) throw new Error(`it has a palette and ${bits} bits a pixel`);
  png[COLOUR_TYPE] = GREY;
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
}

/** The length of a chunk and its type. */
export const CHUNK_HEAD_BYTES = 8;

/**
 * Where the signature and the chunks of `KEPT` are in a PNG of `size` bytes, neighbours joined: from the byte `from` to
 * the one before `to`. `chunkHead` gives the first 8 bytes of the chunk at a place. Throws an Error with the reason if
 * the file is cut off.
 */
export async function* pixelRanges(
  size: number,
  chunkHead: (at: number) => Buffer | Promise<Buffer>,
): AsyncGenerator<{from: number; to: number}> {
  const turn = new Turn();
  let from = 0; // of the chunks that are kept and have not been yielded
  for (let at = SIGNATURE_BYTES; at + 12 <= size; ) {
    if (turn.isOver()) await turn.next();
    const head = await chunkHead(at);
    if (head.length < CHUNK_HEAD_BYTES) break;
    const to = at + 12 + head.readUInt32BE(0);
    if (to > size) break;
    const type = head.toString('latin1', 4);
    if (type === 'IEND') return yield {from, to};
    if (!KEPT.has(type)) {
      if (from < at) yield {from, to: at};
      from = to;
    }
    at = to;
  }
  throw new Error('it is truncated');
}
