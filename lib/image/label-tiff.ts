import {promisify} from 'node:util';
import {deflate} from 'node:zlib';
import {inTurns} from '../basics/turns.js';
import {directoryAt, LONG, SHORT, tiffHeader} from './tiff-directory.js';

/** About this many bytes make a strip. */
const STRIP = 1 << 20;

/** Adobe's deflate, which all readers know (TIFF Technical Note 2). */
const DEFLATE = 8;

const HEADER_BYTES = 8;

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
  return Buffer.concat([tiffHeader(end), ...padded, directory]);
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
