import {Undecodable} from '../bytes.js';
import {PHOTOMETRIC, TAG} from '../tiff.js';
import {FILL_TAGS, FILL_VALUES, type FillPage, fillBytes, filledSegment, isMissing} from '../tiff-fill.js';
import {CHUNKY} from '../tiff-layout.js';
import type {BlockRect, Place} from './block-rects.js';
import type {Rect} from './region-source.js';
import type {TiffLevel} from './tiff-levels.js';
import type {Piece} from './tiff-piece.js';
import type {DiskPage, TiffReader} from './tiff-reader.js';

/** The blocks that a page is decoded in: a grid from the upper left corner. The last ones end where the page ends. */
export type TiffBlocks = {
  blockWidth: number;
  blockHeight: number;
  /** How many blocks of a rectangle can be one piece. */
  together: number;
  /** The strips or tiles of the blocks of a rectangle, of `together` at most. */
  piece(blocks: BlockRect): Promise<Piece>;
  /** Which blocks are nothing but strips or tiles that the file leaves out, and what all of these are in full size. */
  leftOut?: {has(place: Place): boolean; piece(): Promise<Piece>};
};

/** Decoded blocks that are kept, in bytes. */
export const CACHE_BYTES = 64e6;

/** The most pixels of a strip or tile that is decoded at once: 48 MB of RGB. */
export const MOST_BLOCK_PIXELS = 1 << 24;
/** As many pixels of small tiles are decoded at once: a call of the decoder costs as much as some of them. */
const TOGETHER_PIXELS = 1 << 20;
/** About as many pixels have blocks whose size can be chosen: 0.75 MB of RGB. */
const BLOCK_PIXELS = 1 << 18;
const BLOCK_SIDE = 1 << 9;
/** Height of the regions that are usually read next to each other. The cache should hold a whole band of them. */
const BAND = 1024;

const UNCOMPRESSED = 1;
/** JPEG as in TIFF 6.0, whose tables are anywhere in the file. */
const OLD_JPEG = 6;

/** What all kinds of blocks need to know of a page. */
type Layout = {
  reader: TiffReader;
  width: number;
  height: number;
  /** Channels that are stored on their own, else 1. */
  planes: number;
  /** Bytes of a pixel in a plane, a fraction if it has fewer than 8 bits. */
  pixelBytes: number;
  offsets: number[];
  sizes: number[];
  /** Whether the file has nothing for a strip or tile. */
  isMissing(index: number): boolean;
  /** What a strip or tile is of which the file has nothing, and the bytes of a number there. */
  filled(): Promise<Uint8Array>;
  fill: Buffer;
};

/**
 * The blocks of a page. Undefined if parts of it cannot be decoded on their own, or not at a reasonable cost: very
 * large strips or tiles, and, unless `isUrgent`, compressed strips of which the cache does not hold a band of regions.
 */
export async function blocksOf(
  reader: TiffReader,
  {page, width, height}: TiffLevel,
  {isUrgent = false} = {},
): Promise<TiffBlocks | undefined> {
  const first = (tag: number, byDefault: number) => reader.first(page, tag, byDefault);
  const isTiled = page.entries.has(TAG.tileOffsets);
  const [samples, bits] = [await first(TAG.samples, 1), await first(TAG.bits, 1)];
  const isPlanar = samples > 1 && (await first(TAG.planar, CHUNKY)) !== CHUNKY;
  const compression = await first(TAG.compression, UNCOMPRESSED);
  if (compression === OLD_JPEG) return undefined;
  const planes = isPlanar ? samples : 1;
  const offsets = await reader.numbers(page, isTiled ? TAG.tileOffsets : TAG.stripOffsets);
  const sizes = await reader.numbers(page, isTiled ? TAG.tileBytes : TAG.stripBytes);
  if (offsets.length === 1 && (sizes.length === 0 || (sizes[0] === 0 && !isTiled))) {
    // As libtiff does: the size of a single strip need not be stated. Decoders leave what follows it.
    reader.requireThere(offsets[0]!, 1);
    sizes[0] = Math.min(reader.size - offsets[0]!, mostBytes((width * height * bits * samples) / 8));
  }
  const missing = await fillPage(reader, page);
  let filled: Promise<Uint8Array> | undefined;
  const layout: Layout = {
    ...{reader, width, height, planes, offsets, sizes},
    pixelBytes: (bits * samples) / planes / 8,
    isMissing: (index) => isMissing(offsets[index], sizes[index], {isTiled, count: offsets.length}),
    filled: () => (filled ??= filledSegment(missing)),
    fill: fillBytes(missing),
  };
  if (isTiled) return tiles(layout, await first(TAG.tileWidth, 0), await first(TAG.tileHeight, 0));
  const rows = Math.min(height, await first(TAG.rowsPerStrip, height));
  if (rows < 1) throw new Undecodable('its strips have no rows');
  requireSegments(layout, Math.ceil(height / rows) * planes);
  const isYcbcr = (await first(TAG.photometric, 0)) === PHOTOMETRIC.ycbcr;
  const isPlain = compression === UNCOMPRESSED && bits % 8 === 0 && !isYcbcr;
  return isPlain ? plainRows(layout, rows) : strips(layout, rows, isUrgent);
}

function tiles(layout: Layout, blockWidth: number, blockHeight: number): TiffBlocks | undefined {
  const {width, height, planes} = layout;
  if (blockWidth < 1 || blockHeight < 1) throw new Undecodable(`its tiles are ${blockWidth} × ${blockHeight} pixels`);
  const [across, down] = [Math.ceil(width / blockWidth), Math.ceil(height / blockHeight)];
  requireSegments(layout, across * down * planes);
  if (blockWidth * blockHeight > MOST_BLOCK_PIXELS) return undefined;
  const indicesOf = ({column, row, columns, rows}: BlockRect) =>
    Array.from({length: planes * columns * rows}, (_, i) => {
      const [plane, inPlane] = [Math.floor(i / (columns * rows)), i % (columns * rows)];
      return (plane * down + row + Math.floor(inPlane / columns)) * across + column + (inPlane % columns);
    });
  return {
    blockWidth,
    blockHeight,
    together: Math.max(1, Math.floor(TOGETHER_PIXELS / (blockWidth * blockHeight))),
    async piece(blocks) {
      return {
        width: blocks.columns * blockWidth,
        height: blocks.rows * blockHeight,
        segment: {tileWidth: blockWidth, tileHeight: blockHeight},
        ...(await segmentsOf(layout, indicesOf(blocks), blockWidth * blockHeight)),
      };
    },
    leftOut: {
      has: (place) => indicesOf({...place, columns: 1, rows: 1}).every(layout.isMissing),
      async piece() {
        const segment = {tileWidth: blockWidth, tileHeight: blockHeight};
        return {width: blockWidth, height: blockHeight, segment, ...(await filledSegments(layout, planes))};
      },
    },
  };
}

/** Blocks of whole strips, as many as make a block of a useful size. */
function strips(layout: Layout, rows: number, isUrgent: boolean): TiffBlocks | undefined {
  const {width, height, planes} = layout;
  const perBlock = Math.max(1, Math.floor(BLOCK_PIXELS / (width * rows)));
  const perPlane = Math.ceil(height / rows);
  const blockHeight = Math.min(height, perBlock * rows);
  if (width * rows > MOST_BLOCK_PIXELS || !(isUrgent || isBandCached(layout, blockHeight))) return undefined;
  const indicesOf = (row: number) => {
    const from = row * perBlock;
    const count = Math.min(perBlock, perPlane - from);
    return Array.from({length: planes * count}, (_, i) => Math.floor(i / count) * perPlane + from + (i % count));
  };
  return {
    blockWidth: width,
    blockHeight,
    together: 1,
    async piece({row}) {
      return {
        width,
        height: Math.min(blockHeight, height - row * blockHeight),
        segment: {rowsPerStrip: rows},
        ...(await segmentsOf(layout, indicesOf(row), width * rows)),
      };
    },
    leftOut: {
      has: ({row}) => indicesOf(row).every(layout.isMissing),
      async piece() {
        const segments = await filledSegments(layout, planes * Math.ceil(blockHeight / rows));
        return {width, height: blockHeight, segment: {rowsPerStrip: rows}, ...segments};
      },
    },
  };
}

/** Whether the cache holds all blocks of full width that a band of regions touches. */
function isBandCached({width, height}: Layout, blockHeight: number): boolean {
  return width * Math.min(height, BAND + 2 * blockHeight) * 3 <= CACHE_BYTES;
}

/** Blocks of any size, because each row of pixels can be found in the file. */
function plainRows(layout: Layout, rows: number): TiffBlocks {
  const {reader, width, height, planes, pixelBytes, offsets, sizes} = layout;
  const perPlane = Math.ceil(height / rows);
  // Rows of full width are read at once. They are many reads if they are narrower than the image.
  const rowsOfBlock = Math.max(1, Math.floor(BLOCK_PIXELS / width));
  const isFullWidth = isBandCached(layout, rowsOfBlock);
  const blockWidth = isFullWidth ? width : BLOCK_SIDE;
  const blockHeight = isFullWidth ? rowsOfBlock : BLOCK_SIDE;
  const readRows = async (bytes: Uint8Array, plane: number, {left, top, ...size}: Rect): Promise<void> => {
    const rowBytes = size.width * pixelBytes;
    for (let y = top; y < top + size.height; ) {
      const strip = plane * perPlane + Math.floor(y / rows);
      const count = size.width === width ? Math.min(rows - (y % rows), top + size.height - y) : 1;
      const from = (y - top) * rowBytes;
      const inStrip = ((y % rows) * width + left) * pixelBytes;
      const end = inStrip + (count - 1) * width * pixelBytes + rowBytes;
      if (layout.isMissing(strip)) {
        // Only a Buffer is filled with more than one byte.
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).fill(layout.fill, from, from + count * rowBytes);
      } else {
        if (end > sizes[strip]!)
          throw new Undecodable(`its strip ${strip} has ${sizes[strip]} bytes, and needs ${end}`);
        await reader.readInto(bytes.subarray(from, from + count * rowBytes), offsets[strip]! + inStrip);
      }
      y += count;
    }
  };
  return {
    blockWidth,
    blockHeight,
    together: 1,
    async piece({column, row}) {
      const [left, top] = [column * blockWidth, row * blockHeight];
      const size = {width: Math.min(blockWidth, width - left), height: Math.min(blockHeight, height - top)};
      const planeBytes = size.width * size.height * pixelBytes;
      return {
        ...size,
        segment: {rowsPerStrip: size.height},
        sizes: Array.from({length: planes}, () => planeBytes),
        async read(bytes) {
          for (let plane = 0; plane < planes; plane++) {
            const ofPlane = bytes.subarray(plane * planeBytes, (plane + 1) * planeBytes);
            await readRows(ofPlane, plane, {left, top, ...size});
          }
        },
      };
    },
  };
}

/** Whether the page leaves out strips or tiles. */
export async function hasMissing(reader: TiffReader, {page}: TiffLevel): Promise<boolean> {
  const isTiled = page.entries.has(TAG.tileOffsets);
  const offsets = await reader.numbers(page, isTiled ? TAG.tileOffsets : TAG.stripOffsets);
  const sizes = await reader.numbers(page, isTiled ? TAG.tileBytes : TAG.stripBytes);
  return offsets.some((offset, i) => isMissing(offset, sizes[i], {isTiled, count: offsets.length}));
}

function requireSegments({offsets, sizes}: Layout, count: number): void {
  const there = Math.min(offsets.length, sizes.length);
  if (there < count) throw new Undecodable(`it has ${there} strips or tiles, and its size needs ${count}`);
}

/** What the page says of strips and tiles of which the file has nothing. */
async function fillPage(reader: TiffReader, page: DiskPage): Promise<FillPage> {
  const tags = new Map<number, number[]>();
  for (const tag of FILL_TAGS) tags.set(tag, await reader.numbers(page, tag, FILL_VALUES));
  return {tags, nodata: await reader.text(page, TAG.nodata), isLittle: reader.isLittle};
}

/** Strips or tiles of a piece. */
type Segments = Pick<Piece, 'sizes' | 'read'>;

/** So many strips or tiles of which the file has nothing. */
async function filledSegments(layout: Layout, count: number): Promise<Segments> {
  const filled = await layout.filled();
  return {
    sizes: Array.from({length: count}, () => filled.length),
    async read(bytes) {
      for (let i = 0; i < count; i++) bytes.set(filled, i * filled.length);
    },
  };
}

/** The most bytes of a strip or tile: compression makes bad data a little larger, never this much. */
const mostBytes = (unpacked: number) => Math.ceil(2 * unpacked) + 65_536;

/** The strips or tiles of these numbers, of `pixels` each at most. Those that follow each other are read at once. */
async function segmentsOf(layout: Layout, indices: readonly number[], pixels: number): Promise<Segments> {
  const {reader, offsets, sizes, pixelBytes, isMissing} = layout;
  const most = mostBytes(pixels * pixelBytes);
  for (const index of indices) {
    if (isMissing(index)) continue;
    const size = sizes[index]!;
    if (size > most) throw new Undecodable(`its strip or tile ${index} has ${size} bytes for ${pixels} pixels`);
    reader.requireThere(offsets[index]!, size);
  }
  const filled = indices.some(isMissing) ? await layout.filled() : new Uint8Array();
  const sizeOf = (index: number) => (isMissing(index) ? filled.length : sizes[index]!);
  return {
    sizes: indices.map(sizeOf),
    async read(bytes) {
      let from = 0;
      for (let i = 0; i < indices.length; ) {
        const first = indices[i++]!;
        let length = sizeOf(first);
        if (isMissing(first)) {
          bytes.set(filled, from);
        } else {
          const at = offsets[first]!;
          const goesOn = (index: number) => !isMissing(index) && offsets[index] === at + length;
          while (i < indices.length && goesOn(indices[i]!)) length += sizeOf(indices[i++]!);
          await reader.readInto(bytes.subarray(from, from + length), at);
        }
        from += length;
      }
    },
  };
}
