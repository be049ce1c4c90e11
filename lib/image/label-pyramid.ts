/** A pyramid of labels: a tiled TIFF, with smaller copies of the first page in SubIFDs, as OME-TIFF has them. */
import type {FileHandle} from 'node:fs/promises';
import {endianness} from 'node:os';
import {promisify} from 'node:util';
import {deflate} from 'node:zlib';
import {mapConcurrently} from '../basics/concurrently.js';
import {rowsInTurns, Turn} from '../basics/turns.js';
import {TAG} from './tiff.js';
import {type DirectoryEntry, directoryAt, LONG, LONG8, SHORT, textEntry, tiffHeader} from './tiff-directory.js';

/** Width and height of the tiles. */
export const TILE = 256;

/** Adobe's deflate, which all readers know (TIFF Technical Note 2). */
const DEFLATE = 8;

/** A file of 4 GB cannot be told in 32 bits. A part is left for the directories. */
const MOST_CLASSIC = 2 ** 32 - 2 ** 25;

/** Tiles that are packed at a time: as many as libuv has threads. */
const AT_A_TIME = 4;

const pack = promisify(deflate);

/** A row of tiles: the labels of each by its column. Tiles of which all labels are 0 are not there. */
export type Band = Map<number, Uint32Array>;

/** A level that is being written: the next row of tiles, and where its tiles are. */
type Level = {
  width: number;
  height: number;
  columns: number;
  rows: number;
  row: number;
  band: Band;
  offsets: number[];
  sizes: number[];
};

export type PyramidOptions = {
  width: number;
  height: number;
  /** 2 for labels up to 65535, else 4. */
  bytes: 2 | 4;
  /** Length of the side of a pixel in µm, if it is known. */
  micronsPerPixel?: number | undefined;
};

/**
 * Writes a pyramid from its first row of tiles to its last one. Each level has a quarter of the pixels of the one
 * before: that in every second column of every second row, because labels cannot be averaged. Two rows of tiles of each
 * level are in memory at most.
 */
export class LabelPyramid {
  readonly #file: FileHandle;
  readonly #options: PyramidOptions;
  readonly #isBig: boolean;
  readonly #levels: Level[] = [];
  readonly #turn = new Turn();
  /** Where the next bytes go. */
  #end: number;
  /** Where the tile is of which all labels are 0, which all such tiles share. */
  #blank: {offset: number; size: number} | undefined;

  constructor(file: FileHandle, options: PyramidOptions) {
    this.#file = file;
    this.#options = options;
    let {width, height} = options;
    for (;;) {
      const [columns, rows] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
      this.#levels.push({width, height, columns, rows, row: 0, band: new Map(), offsets: [], sizes: []});
      if (columns === 1 && rows === 1) break;
      [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    }
    const tiles = this.#levels.reduce((sum, {columns, rows}) => sum + columns * rows, 0);
    this.#isBig = tiles * (TILE * TILE * options.bytes + 16) > MOST_CLASSIC;
    this.#end = tiffHeader(0, {big: this.#isBig}).length;
  }

  /** Number of rows of tiles to add. */
  get rows(): number {
    return this.#levels[0]!.rows;
  }

  /** Adds the next row of tiles. */
  async add(band: Band): Promise<void> {
    this.#levels[0]!.band = band;
    await this.#writeBand(0);
  }

  /** Writes the directories. The file is then whole. */
  async finish(): Promise<void> {
    const big = this.#isBig;
    const directories: number[] = [];
    // The first one last, because it says where the others are.
    for (const index of [...this.#levels.keys()].reverse()) {
      const bytes = directoryAt(this.#end, this.#entriesOf(index, [...directories].reverse()), {big});
      directories.push(this.#end);
      await this.#append(bytes);
    }
    await this.#write(tiffHeader(directories.at(-1)!, {big}), 0);
  }

  /** Writes the row of tiles that is ready, and what it adds to the next level. */
  async #writeBand(index: number): Promise<void> {
    const level = this.#levels[index]!;
    const {band, columns, row} = level;
    level.band = new Map();
    for (let column = 0; column < columns; column += AT_A_TIME) {
      if (this.#turn.isOver()) await this.#turn.next();
      const number = Math.min(AT_A_TIME, columns - column);
      const packed = await mapConcurrently(number, AT_A_TIME, async (i) => {
        const labels = band.get(column + i);
        return labels && pack(await this.#bytesOf(labels));
      });
      for (const bytes of packed) {
        const {offset, size} = bytes === undefined ? await this.#blankTile() : await this.#append(bytes);
        level.offsets.push(offset);
        level.sizes.push(size);
      }
    }
    level.row++;
    const next = this.#levels[index + 1];
    if (next === undefined) return;
    for (const [column, labels] of band) await this.#reduce(labels, {column, row}, next.band);
    if (row % 2 === 1 || level.row === level.rows) await this.#writeBand(index + 1);
  }

  /** Puts every second label of every second row of a tile to where it is in the next level. */
  async #reduce(labels: Uint32Array, {column, row}: {column: number; row: number}, band: Band): Promise<void> {
    const target = band.get(column >> 1) ?? new Uint32Array(TILE * TILE);
    const [left, top] = [((column % 2) * TILE) / 2, ((row % 2) * TILE) / 2];
    await rowsInTurns(
      TILE / 2,
      TILE / 2,
      (y) => {
        for (let x = 0; x < TILE / 2; x++) target[(top + y) * TILE + left + x] = labels[2 * y * TILE + 2 * x]!;
      },
      this.#turn,
    );
    band.set(column >> 1, target);
  }

  /** The labels of a tile in the order of bytes of the file, lowest first. */
  async #bytesOf(labels: Uint32Array): Promise<Uint8Array> {
    const values = this.#options.bytes === 2 ? new Uint16Array(labels) : labels;
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    if (endianness() === 'LE') return bytes;
    return this.#options.bytes === 2 ? Buffer.from(bytes).swap16() : Buffer.from(bytes).swap32();
  }

  async #blankTile(): Promise<{offset: number; size: number}> {
    this.#blank ??= await this.#append(await pack(new Uint8Array(TILE * TILE * this.#options.bytes)));
    return this.#blank;
  }

  #entriesOf(index: number, smaller: readonly number[]): DirectoryEntry[] {
    const {width, height, offsets, sizes} = this.#levels[index]!;
    const offset = this.#isBig ? LONG8 : LONG;
    const isFirst = index === 0;
    return [
      [TAG.subfileType, LONG, [isFirst ? 0 : 1]], // a smaller copy of another page
      [TAG.width, LONG, [width]],
      [TAG.height, LONG, [height]],
      [TAG.bits, SHORT, [8 * this.#options.bytes]],
      [TAG.compression, SHORT, [DEFLATE]],
      [TAG.photometric, SHORT, [1]], // 0 is black
      ...(isFirst ? [textEntry(TAG.description, this.#description())] : []),
      [TAG.samples, SHORT, [1]],
      [TAG.tileWidth, LONG, [TILE]],
      [TAG.tileHeight, LONG, [TILE]],
      [TAG.tileOffsets, offset, offsets],
      [TAG.tileBytes, LONG, sizes],
      ...(isFirst && smaller.length > 0 ? [[TAG.subPages, offset, smaller] as const] : []),
      [TAG.sampleFormat, SHORT, [1]], // whole numbers without a sign
    ];
  }

  /** OME's XML, by which Bio-Formats, and so QuPath, find the smaller levels. */
  #description(): string {
    const {width, height, bytes, micronsPerPixel: side} = this.#options;
    const sides = side === undefined ? '' : ` PhysicalSizeX="${side}" PhysicalSizeY="${side}"`;
    return `<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image \
ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint${8 * bytes}" SizeX="${width}" SizeY="${height}" \
SizeC="1" SizeZ="1" SizeT="1"${sides}><Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData IFD="0" \
PlaneCount="1"/></Pixels></Image></OME>`;
  }

  /** Appends bytes at an even place. */
  async #append(bytes: Uint8Array): Promise<{offset: number; size: number}> {
    const offset = this.#end;
    await this.#write(bytes, offset);
    this.#end += bytes.length + (bytes.length % 2);
    return {offset, size: bytes.length};
  }

  async #write(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
    }
  }
}
