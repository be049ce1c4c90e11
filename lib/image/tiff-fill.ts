/**
 * What stands in a TIFF for strips and tiles that it leaves out: GDAL's "sparse" files, slides whose glass was not
 * scanned. They read as the fill value, which is GDAL_NODATA or 0, in GDAL as in tifffile.
 */
import {promisify} from 'node:util';
import {deflate} from 'node:zlib';
import {inTurns, rowsInTurns} from '../basics/turns.js';
import {Undecodable} from './bytes.js';
import {constantJpeg} from './constant-jpeg.js';
import {PHOTOMETRIC, SAMPLE_FORMAT, TAG} from './tiff.js';
import {encodeLzw, encodePackBits, encodeZstandard} from './tiff-codecs.js';

/** The tags that tell how a strip or tile is stored. */
export const FILL_TAGS = [
  TAG.width,
  TAG.height,
  TAG.bits,
  TAG.compression,
  TAG.photometric,
  TAG.fillOrder,
  TAG.samples,
  TAG.rowsPerStrip,
  TAG.planar,
  TAG.predictor,
  TAG.tileWidth,
  TAG.tileHeight,
  TAG.sampleFormat,
  TAG.subsampling,
] as const;

/** How many values of each of these tags are looked at. Only the subsampling has two. */
export const FILL_VALUES = 2;

/** What the file says of a page: the first values of `FILL_TAGS`, the text of GDAL_NODATA, and the order of bytes. */
export type FillPage = {tags: ReadonlyMap<number, readonly number[]>; nodata: string; isLittle: boolean};

const [NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS, ZSTANDARD] = [1, 5, 7, 8, 32946, 32773, 50000];
/** Compressions whose numbers can be differences ("predictor"). */
const WITH_DIFFERENCES = [LZW, DEFLATE, OLD_DEFLATE, ZSTANDARD];
const HORIZONTAL = 2;
const OF_FLOATS = 3;
/** The order of bits of a byte that has the lowest one first. */
const LOWEST_FIRST = 2;

/** Larger blocks are no use: files leave out small ones. */
const MOST_BYTES = 2 ** 30;

const pack = promisify(deflate);

/**
 * Whether the file has nothing for a strip or tile. libtiff reads a single strip that states 0 bytes all the same, if
 * it is somewhere.
 */
export function isMissing(
  offset: number | undefined,
  size: number | undefined,
  {isTiled, count}: {isTiled: boolean; count: number},
): boolean {
  return offset === 0 || (size === 0 && (isTiled || count > 1));
}

/** The bytes of a number that stands for what is missing. All channels have the same. */
export function fillBytes({tags, nodata, isLittle}: FillPage): Buffer {
  const bits = tags.get(TAG.bits)?.[0] ?? 1;
  const format = tags.get(TAG.sampleFormat)?.[0] ?? SAMPLE_FORMAT.unsigned;
  const bytes = Buffer.alloc(Math.max(1, Math.ceil(bits / 8)));
  const value = numberOf(nodata);
  if (format === SAMPLE_FORMAT.float) {
    if (bits === 32) isLittle ? bytes.writeFloatLE(value) : bytes.writeFloatBE(value);
    if (bits === 64) isLittle ? bytes.writeDoubleLE(value) : bytes.writeDoubleBE(value);
    return bytes;
  }
  const isSigned = format === SAMPLE_FORMAT.signed;
  const [least, end] = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1)] : [0, 2 ** bits];
  // No number of this type: GDAL has no such pixels.
  if (!Number.isInteger(value) || value < least || value >= end || bits > 32) return bytes;
  const unsigned = value < 0 ? value + 2 ** bits : value;
  if (bits < 8) {
    for (let shift = 0; shift + bits <= 8; shift += bits) bytes[0]! |= unsigned << shift;
  } else if (isLittle) {
    bytes.writeUIntLE(unsigned, 0, bytes.length);
  } else {
    bytes.writeUIntBE(unsigned, 0, bytes.length);
  }
  return bytes;
}

/** GDAL_NODATA as a number; 0 for what is none. */
function numberOf(text: string): number {
  if (/^\s*[+-]?nan\s*$/i.test(text)) return Number.NaN;
  const value = Number(text.replace(/inf(inity)?/i, 'Infinity'));
  return Number.isNaN(value) ? 0 : value;
}

/** A strip or tile of fill values as the file would store it. Throws an Undecodable for compressions of faxes. */
export async function filledSegment(page: FillPage): Promise<Uint8Array> {
  const first = (tag: number, byDefault: number) => page.tags.get(tag)?.[0] ?? byDefault;
  const compression = first(TAG.compression, NONE!);
  const isTiled = first(TAG.tileWidth, 0) > 0;
  const height = first(TAG.height, 0);
  const [columns, rows] = isTiled
    ? [first(TAG.tileWidth, 0), first(TAG.tileHeight, 0)]
    : [first(TAG.width, 0), Math.min(height, first(TAG.rowsPerStrip, height))];
  const samples = first(TAG.planar, 1) === 1 ? first(TAG.samples, 1) : 1;
  const isYcbcr = first(TAG.photometric, 0) === PHOTOMETRIC.ycbcr && samples === 3;
  const [across = 2, down = 2] = isYcbcr ? (page.tags.get(TAG.subsampling) ?? []) : [1, 1];
  const value = fillBytes(page);
  if (compression === JPEG) {
    return constantJpeg({width: columns, height: rows, channels: samples, value: value[0]!, isYcbcr, across, down});
  }
  const rowBytes = Math.ceil((columns * samples * first(TAG.bits, 1)) / 8);
  if (rowBytes * rows > MOST_BYTES) throw new Undecodable(`its strips or tiles have more than ${MOST_BYTES} bytes`);
  const bytes = isYcbcr
    ? // Grey: the brightness of each pixel of a group, then the two colours of all.
      await repeated(
        Buffer.concat([Buffer.alloc(across * down, value), Buffer.from([128, 128])]),
        Math.ceil(columns / across) * Math.ceil(rows / down) * (across * down + 2),
      )
    : await repeated(value, rowBytes * rows);
  const predictor = WITH_DIFFERENCES.includes(compression) ? first(TAG.predictor, 1) : 1;
  if (predictor !== 1) await takeDifferences(bytes, {rowBytes, samples, value, predictor, isLittle: page.isLittle});
  const stored = await compress(bytes, compression);
  if (first(TAG.fillOrder, 1) === LOWEST_FIRST) await turnRound(stored);
  return stored;
}

/** A block of these bytes again and again. Works in turns, because it may have a gigabyte. */
async function repeated(bytes: Buffer, length: number): Promise<Buffer> {
  const all = Buffer.alloc(length);
  if (bytes.every((byte) => byte === 0)) return all;
  await inTurns(Math.ceil(length / bytes.length), (from, to) => {
    all.fill(bytes, from * bytes.length, Math.min(length, to * bytes.length));
  });
  return all;
}

async function compress(bytes: Buffer, compression: number): Promise<Uint8Array> {
  if (compression === NONE) return bytes;
  if (compression === LZW) return encodeLzw(bytes);
  if (compression === DEFLATE || compression === OLD_DEFLATE) return pack(bytes);
  if (compression === PACKBITS) return encodePackBits(bytes);
  if (compression === ZSTANDARD) return encodeZstandard(bytes);
  throw new Undecodable(`it leaves out strips or tiles, which is not read with its compression (${compression})`);
}

type Differences = {rowBytes: number; samples: number; value: Buffer; predictor: number; isLittle: boolean};

/** Turns equal numbers into the differences that a predictor undoes (TIFF 6.0, section 14; TIFF Technical Note 3). */
async function takeDifferences(bytes: Buffer, {rowBytes, samples, value, predictor, isLittle}: Differences) {
  const pixelBytes = samples * value.length;
  const rows = Math.floor(bytes.length / rowBytes);
  if (predictor === HORIZONTAL) {
    await rowsInTurns(rowBytes, rows, (row) => bytes.fill(0, row * rowBytes + pixelBytes, (row + 1) * rowBytes));
    return;
  }
  if (predictor !== OF_FLOATS) throw new Undecodable(`its predictor is ${predictor}, which is not read`);
  // The highest bytes of all numbers of a row, then the second ones and so on; and of all these bytes the differences.
  const highestFirst = isLittle ? Buffer.from(value).reverse() : value;
  const row = Buffer.alloc(rowBytes);
  const each = rowBytes / value.length;
  for (const [i, byte] of highestFirst.entries()) row.fill(byte, i * each, (i + 1) * each);
  for (let i = rowBytes - 1; i >= samples; i--) row[i] = row[i]! - row[i - samples]!;
  await rowsInTurns(rowBytes, rows, (y) => bytes.set(row, y * rowBytes));
}

/** For each byte, its bits in the other order. */
const TURNED = Uint8Array.from({length: 256}, (_, byte) => {
  let turned = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) turned |= 128 >> bit;
  return turned;
});

/** Turns the bits of each byte round. */
async function turnRound(bytes: Uint8Array): Promise<void> {
  await inTurns(bytes.length, (from, to) => {
    for (let i = from; i < to; i++) bytes[i] = TURNED[bytes[i]!]!;
  });
}
