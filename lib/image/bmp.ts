import {rowsInTurns, Turn} from '../basics/turns.js';
import {checkSize} from './format.js';

/**
 * A decoded BMP, with rows from top to bottom. With a `palette` (3 bytes per colour: R, G, B), `data` has one palette
 * index per pixel. Without one, it has R, G, B per pixel.
 */
export type Bmp = {width: number; height: number; bits: number; data: Uint8Array; palette?: Uint8Array};

type Header = {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  compression: number;
  /** Offset of the colour masks (BI_BITFIELDS) or of the palette. */
  headerEnd: number;
  paletteStart: number;
  paletteEntrySize: number;
  paletteLength: number;
  pixels: number;
};

/** `biCompression` of Windows' BITMAPINFOHEADER. */
const COMPRESSION = {rgb: 0, rle8: 1, rle4: 2, bitfields: 3, alphaBitfields: 6};
const FILE_HEADER_BYTES = 14;
const CORE_HEADER_BYTES = 12;

/**
 * Decodes a BMP with 1, 2, 4, 8, 16, 24 or 32 bits per pixel: bottom-up or top-down, uncompressed, run-length encoded
 * or with colour masks. Ignores the fourth byte of 32-bit pixels, because most writers leave it 0. Throws an Error with
 * the reason. Works in turns, so that the event loop runs on.
 */
export async function decodeBmp(bytes: Uint8Array): Promise<Bmp> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(view);
  const {width, height, bits, compression} = header;
  if (bits <= 8) {
    const palette = readPalette(bytes, header);
    const indices =
      compression === COMPRESSION.rgb
        ? await readIndices(bytes, header)
        : await readRunLengths(bytes, header, bits as 4 | 8);
    return {width, height, bits, data: indices, palette};
  }
  return {width, height, bits, data: await (bits === 24 ? readBgr(bytes, header) : readMasked(view, header))};
}

/** The size of a BMP in pixels, as its header says. Throws an Error with the reason. */
export function bmpSize(bytes: Uint8Array): {width: number; height: number} {
  const {width, height} = readHeader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return {width, height};
}

function readHeader(view: DataView): Header {
  if (view.byteLength < FILE_HEADER_BYTES + CORE_HEADER_BYTES) throw new Error('it ends within its header');
  const size = view.getUint32(14, true);
  const isCore = size === CORE_HEADER_BYTES;
  if (!isCore && (size < 40 || size > 124)) throw new Error(`its header size is ${size}, which no BMP has`);
  const headerEnd = FILE_HEADER_BYTES + size;
  if (view.byteLength < headerEnd) throw new Error('it ends within its header');
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  checkSize(width, height);

  const bits = view.getUint16(isCore ? 24 : 28, true);
  const compression = isCore ? COMPRESSION.rgb : view.getUint32(30, true);
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits)) throw new Error(`it has ${bits} bits a pixel`);
  const fits =
    compression === COMPRESSION.rgb ||
    (compression === COMPRESSION.rle8 && bits === 8) ||
    (compression === COMPRESSION.rle4 && bits === 4) ||
    ((compression === COMPRESSION.bitfields || compression === COMPRESSION.alphaBitfields) &&
      (bits === 16 || bits === 32));
  if (!fits) throw new Error(`its compression ${compression} with ${bits} bits a pixel is not supported`);

  const pixels = view.getUint32(10, true);
  const paletteEntrySize = isCore ? 3 : 4;
  const room = Math.max(0, Math.floor((pixels - headerEnd) / paletteEntrySize));
  const stated = isCore ? 0 : view.getUint32(46, true);
  const paletteLength = bits > 8 ? 0 : Math.min(stated === 0 ? 1 << bits : stated, 1 << bits, room);
  if (pixels < headerEnd || pixels > view.byteLength)
    throw new Error(`its pixels begin at byte ${pixels}, outside the file`);
  return {
    width,
    height,
    topDown: signedHeight < 0,
    bits,
    compression,
    headerEnd,
    paletteStart: headerEnd,
    paletteEntrySize,
    paletteLength,
    pixels,
  };
}

function readPalette(bytes: Uint8Array, {paletteStart, paletteEntrySize, paletteLength}: Header): Uint8Array {
  const palette = new Uint8Array(paletteLength * 3);
  for (let i = 0; i < paletteLength; i++) {
    const entry = paletteStart + i * paletteEntrySize;
    palette.set([bytes[entry + 2]!, bytes[entry + 1]!, bytes[entry]!], i * 3);
  }
  return palette;
}

/**
 * Calls `row` with the offset of each row in the file and its y coordinate in the image. Rows are padded to four bytes.
 */
async function eachRow(
  bytes: Uint8Array,
  {width, height, topDown, bits, pixels}: Header,
  row: (from: number, y: number) => void,
): Promise<void> {
  const stride = Math.ceil((width * bits) / 32) * 4;
  // Some writers omit the padding of the last row.
  const needed = stride * (height - 1) + Math.ceil((width * bits) / 8);
  if (bytes.length - pixels < needed) {
    throw new Error(`it is truncated: ${bytes.length - pixels} of ${needed} bytes of pixels are there`);
  }
  await rowsInTurns(width, height, (i) => row(pixels + i * stride, topDown ? i : height - 1 - i));
}

async function readIndices(bytes: Uint8Array, header: Header): Promise<Uint8Array> {
  const {width, height, bits} = header;
  const data = new Uint8Array(width * height);
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  await eachRow(bytes, header, (from, y) => {
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits * ((x % perByte) + 1);
      data[y * width + x] = (bytes[from + Math.floor(x / perByte)]! >> shift) & mask;
    }
  });
  return data;
}

async function readBgr(bytes: Uint8Array, header: Header): Promise<Uint8Array> {
  const {width, height} = header;
  const data = new Uint8Array(width * height * 3);
  await eachRow(bytes, header, (from, y) => {
    let to = y * width * 3;
    for (let x = 0; x < width; x++, from += 3, to += 3) {
      data[to] = bytes[from + 2]!;
      data[to + 1] = bytes[from + 1]!;
      data[to + 2] = bytes[from]!;
    }
  });
  return data;
}

/** Reads pixels of 16 or 32 bits. A mask selects the bits of each channel, which are scaled to 0..255. */
async function readMasked(view: DataView, header: Header): Promise<Uint8Array> {
  const {width, height, bits, compression} = header;
  const channels = colourMasks(view, header).map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return {mask, shift, most: mask >>> shift || 1};
  });
  if (compression !== COMPRESSION.rgb && channels.every(({mask}) => mask === 0))
    throw new Error('its colour masks are 0');
  const data = new Uint8Array(width * height * 3);
  const step = bits / 8;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  await eachRow(bytes, header, (from, y) => {
    for (let x = 0; x < width; x++) {
      const pixel = bits === 16 ? view.getUint16(from + x * step, true) : view.getUint32(from + x * step, true);
      for (let c = 0; c < 3; c++) {
        const {mask, shift, most} = channels[c]!;
        data[(y * width + x) * 3 + c] = Math.round((((pixel & mask) >>> shift) * 255) / most);
      }
    }
  });
  return data;
}

function colourMasks(view: DataView, {bits, compression, pixels}: Header): [number, number, number] {
  if (compression === COMPRESSION.rgb) return bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  // After a 40-byte header or inside a longer one, which is the same offset.
  const start = FILE_HEADER_BYTES + 40;
  if (pixels < start + 12) throw new Error('its colour masks are missing');
  return [view.getUint32(start, true), view.getUint32(start + 4, true), view.getUint32(start + 8, true)];
}

/** Decodes RLE8 and RLE4. Pixels that no run covers keep index 0. */
async function readRunLengths(
  bytes: Uint8Array,
  {width, height, topDown, pixels}: Header,
  bits: 4 | 8,
): Promise<Uint8Array> {
  const data = new Uint8Array(width * height);
  let at = pixels;
  let x = 0;
  let y = 0;
  const turn = new Turn();
  const next = () => {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('it is truncated within its run lengths');
    return byte;
  };
  const put = (index: number) => {
    if (x >= width || y >= height) throw new Error('its run lengths leave the image');
    data[(topDown ? y : height - 1 - y) * width + x++] = index;
  };
  const nibble = (byte: number, i: number) => (i % 2 === 0 ? byte >> 4 : byte & 15);
  for (;;) {
    if (turn.isOver()) await turn.next();
    const count = next();
    const value = next();
    if (count > 0) {
      for (let i = 0; i < count; i++) put(bits === 8 ? value : nibble(value, i));
    } else if (value === 0) {
      x = 0;
      y++;
    } else if (value === 1) {
      return data;
    } else if (value === 2) {
      x += next();
      y += next();
    } else {
      const start = at;
      let byte = 0;
      for (let i = 0; i < value; i++) {
        if (bits === 8 || i % 2 === 0) byte = next();
        put(bits === 8 ? byte : nibble(byte, i));
      }
      at += (at - start) % 2; // literal runs are padded to two bytes
    }
  }
}
