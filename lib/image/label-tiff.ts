import {promisify} from 'node:util';
import {deflate} from 'node:zlib';
import {inTurns} from '../basics/turns.js';

/** About this many bytes make a strip. */
const STRIP = 1 << 20;

/** Types of values, by their numbers in TIFF. */
const [SHORT, LONG] = [3, 4] as const;

/** Adobe's deflate, which all readers know (TIFF Technical Note 2). */
const DEFLATE = 8;

const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;

/**
 * A grey TIFF of 16 bits, or of 32 if a label is above 65535 (TIFF 6.0). `labels` are row-major. sharp writes no 32
 * bits.
 */
export async function labelTiff(labels: ArrayLike<number>, width: number, height: number): Promise<Buffer> {
  const bytes = (await largest(labels)) > 0xffff ? 4 : 2;
  const rowsPerStrip = Math.max(1, Math.floor(STRIP / (bytes * width)));
  const strips: Buffer[] = [];
  for (let top = 0; top < height; top += rowsPerStrip) {
    const [from, to] = [top * width, Math.min(height, top + rowsPerStrip) * width];
    strips.push(await promisify(deflate)(await littleEndian(labels, from, to, bytes)));
  }
  const starts: number[] = [];
  let end = HEADER_BYTES;
  for (const {length} of strips) {
    starts.push(end);
    end += length + (length % 2); // a directory begins at an even byte
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('II*\0', 0, 'latin1');
  header.writeUInt32LE(end, 4);
  const directory = directoryAt(end, [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, [8 * bytes]], // bits per sample
    [259, SHORT, [DEFLATE]],
    [262, SHORT, [1]], // 0 is black
    [273, LONG, starts],
    [277, SHORT, [1]], // samples per pixel
    [278, LONG, [rowsPerStrip]],
    [279, LONG, strips.map(({length}) => length)],
    [339, SHORT, [1]], // whole numbers without a sign
  ]);
  const padded = strips.flatMap((strip) => (strip.length % 2 === 0 ? [strip] : [strip, Buffer.alloc(1)]));
  return Buffer.concat([header, ...padded, directory]);
}

async function largest(labels: ArrayLike<number>): Promise<number> {
  let most = 0;
  await inTurns(labels.length, (from, to) => {
    for (let i = from; i < to; i++) if (labels[i]! > most) most = labels[i]!;
  });
  return most;
}

async function littleEndian(labels: ArrayLike<number>, from: number, to: number, bytes: 2 | 4): Promise<Buffer> {
  const packed = Buffer.alloc(bytes * (to - from));
  await inTurns(to - from, (start, stop) => {
    for (let i = start; i < stop; i++) packed.writeUIntLE(labels[from + i]!, bytes * i, bytes);
  });
  return packed;
}

/** The directory of the only page, and behind it the values that do not fit into it. */
function directoryAt(at: number, entries: readonly [tag: number, type: number, values: readonly number[]][]): Buffer {
  const directory = Buffer.alloc(2 + ENTRY_BYTES * entries.length + 4);
  const behind: Buffer[] = [];
  let end = at + directory.length;
  directory.writeUInt16LE(entries.length, 0);
  for (const [i, [tag, type, values]] of entries.entries()) {
    const field = 2 + ENTRY_BYTES * i;
    const bytes = type === SHORT ? 2 : 4;
    const packed = Buffer.alloc(Math.max(4, bytes * values.length));
    for (const [j, value] of values.entries()) packed.writeUIntLE(value, bytes * j, bytes);
    directory.writeUInt16LE(tag, field);
    directory.writeUInt16LE(type, field + 2);
    directory.writeUInt32LE(values.length, field + 4);
    if (packed.length === 4) {
      packed.copy(directory, field + 8);
      continue;
    }
    directory.writeUInt32LE(end, field + 8);
    behind.push(packed);
    end += packed.length;
  }
  return Buffer.concat([directory, ...behind]);
}
