import {crc32} from 'node:zlib';
import {Turn} from '../basics/turns.js';
import {checkSize} from './format.js';
import type {StoredValues} from './stored-values.js';

/** Places in the file (PNG specification, third edition, sections 5.2, 5.3 and 11.2.1). */
const SIGNATURE_BYTES = 8;
const HEADER_END = 33;
const DEPTH = 24;
const COLOUR_TYPE = 25;

const PALETTE_COLOURS = 3;
const GREY = 0;

/** The chunks that hold the pixels. All others, such as profiles and texts, may unpack to any size. */
const KEPT = new Set(['IHDR', 'IDAT', 'IEND']);

/**
 * The PNG with its pixels only, as grey if it has a palette: a decoder then gives the indices instead of the colours.
 * Throws an Error with the reason if the file is damaged or cut off.
 */
export async function storedValuesOfPng(bytes: Uint8Array): Promise<StoredValues> {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (png.length < HEADER_END) throw new Error('it ends within its header');
  checkSize(png.readUInt32BE(16), png.readUInt32BE(20));
  const bits = png[DEPTH]!;
  const palette = png[COLOUR_TYPE] === PALETTE_COLOURS;
  const shift = Math.max(0, 8 - bits);
  const kept = await pixelChunks(png);
  if (!palette) return {bytes: Buffer.concat(kept), bits, palette, shift};
  if (crc32(png.subarray(12, 29)) !== png.readUInt32BE(29)) throw new Error('the checksum of its header is wrong');
  if (bits > 8) throw new Error(`it has a palette and ${bits} bits a pixel`);
  const grey = Buffer.concat(kept);
  grey[COLOUR_TYPE] = GREY;
  grey.writeUInt32BE(crc32(grey.subarray(12, 29)), 29);
  return {bytes: grey, bits, palette, shift};
}

/** The signature and the chunks of `KEPT`, neighbours joined. */
async function pixelChunks(png: Buffer): Promise<Buffer[]> {
  const kept: Buffer[] = [];
  const turn = new Turn();
  let start = 0; // of the chunks that are kept and not in `kept` yet
  for (let at = SIGNATURE_BYTES; at + 12 <= png.length; ) {
    if (turn.isOver()) await turn.next();
    const end = at + 12 + png.readUInt32BE(at);
    if (end > png.length) break;
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IEND') return [...kept, png.subarray(start, end)];
    if (!KEPT.has(type)) {
      if (start < at) kept.push(png.subarray(start, at));
      start = end;
    }
    at = end;
  }
  throw new Error('it is truncated');
}
