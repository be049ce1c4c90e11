/** A bitmap as a PNG of one bit per pixel, whose pixels that are set are opaque: as Pillow writes Supervisely's. */
import {promisify} from 'node:util';
import {crc32, deflateSync, type InputType, type ZlibOptions, deflate as zlibDeflate} from 'node:zlib';
import {rowsInTurns, type Turn} from '../basics/turns.js';
import type {InstanceMask} from '../datasets/dataset.js';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const PALETTE_KIND = 3;
/** Black and white, of which black is transparent. */
const COLOURS = [chunk('PLTE', Buffer.from([0, 0, 0, 255, 255, 255])), chunk('tRNS', Buffer.from([0]))];
const END = chunk('IEND', Buffer.alloc(0));

/** Up to this size, packing takes less than a millisecond: less than handing it to another thread and back. */
const SMALL = 1 << 14;

const pack = promisify(
  zlibDeflate as (data: InputType, options: ZlibOptions, done: (e: Error | null, r: Buffer) => void) => void,
);

/** zlib's form of bytes. Large ones are packed off the main thread. */
export async function deflated(bytes: Uint8Array, level = 6): Promise<Buffer> {
  return bytes.length <= SMALL ? deflateSync(bytes, {level}) : pack(bytes, {level});
}

/**
 * The PNG (W3C, third edition) of a bitmap, whose numbers are 0 or 1. Its pixels are not compressed: who stores it in a
 * compressed form packs them once. Works in turns.
 */
export async function bitmapPng({width, height, data}: InstanceMask, turn: Turn): Promise<Buffer> {
  // Each row begins with the number of its filter, 0 for none.
  const rowBytes = 1 + Math.ceil(width / 8);
  const rows = new Uint8Array(rowBytes * height);
  await rowsInTurns(
    width,
    height,
    (y) => {
      for (let x = 0, at = y * width; x < width; x++, at++) {
        if (data[at] !== 0) rows[y * rowBytes + 1 + (x >> 3)]! |= 0x80 >> (x & 7);
      }
    },
    turn,
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, PALETTE_KIND, 0, 0, 0], 8);
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), ...COLOURS, chunk('IDAT', await deflated(rows, 0)), END]);
}

/** A chunk: its length, its type, its data, and the checksum of type and data. */
function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}
