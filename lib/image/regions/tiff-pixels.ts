import {mapConcurrently} from '../../basics/concurrently.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {RecentCache} from '../../basics/recent-cache.js';
import {rowsInTurns, Turn} from '../../basics/turns.js';
import {hintOf, reasonOf} from '../bytes.js';
import type {FileNotice} from '../notices.js';
import type {PixelOptions} from '../pixel-options.js';
import {readImage} from '../read-image.js';
import type {RgbImage} from '../rgb-image.js';
import type {Rect, RegionPixels} from './region-source.js';
import {CACHE_BYTES, type TiffBlocks} from './tiff-blocks.js';
import type {TiffLevel} from './tiff-levels.js';
import {decodingTags, type PieceTag, writePiece} from './tiff-piece.js';
import type {TiffReader} from './tiff-reader.js';

/** Blocks that a call of `read` decodes at a time: as many as libuv has threads. */
const AT_A_TIME = 4;

/** The blocks of a page, and how their numbers become 8-bit RGB. */
type How = {blocks: TiffBlocks; options: PixelOptions};

/**
 * A page of a TIFF that is decoded block by block. Each block becomes a small TIFF in memory, which `readImage()` reads
 * on libuv's threads as it would read the whole file.
 */
export class TiffPixels implements RegionPixels {
  readonly width: number;
  readonly height: number;
  readonly #name: string;
  readonly #reader: TiffReader;
  readonly #blocks: TiffBlocks;
  readonly #tags: readonly PieceTag[];
  readonly #options: PixelOptions;
  readonly #cache = new RecentCache<RgbImage>(CACHE_BYTES, ({data}) => data.length);

  private constructor(name: string, reader: TiffReader, level: TiffLevel, how: How & {tags: PieceTag[]}) {
    this.width = level.width;
    this.height = level.height;
    this.#name = name;
    this.#reader = reader;
    this.#blocks = how.blocks;
    this.#options = how.options;
    this.#tags = how.tags;
  }

  /** `name`: the file, for messages. */
  static async open(name: string, reader: TiffReader, level: TiffLevel, how: How): Promise<TiffPixels> {
    return new TiffPixels(name, reader, level, {...how, tags: await decodingTags(reader, level.page)});
  }

  async read(rect: Rect): Promise<RgbImage> {
    const {left, top, width, height} = rect;
    const {blockWidth, blockHeight} = this.#blocks;
    const data = new Uint8Array(width * height * 3);
    const columns = span(left, width, blockWidth);
    const rows = span(top, height, blockHeight);
    const notices = new Map<string, FileNotice>();
    const turn = new Turn();
    await mapConcurrently(columns.count * rows.count, AT_A_TIME, async (i) => {
      const column = columns.first + (i % columns.count);
      const row = rows.first + Math.floor(i / columns.count);
      const block = await this.#block(column, row);
      for (const notice of block.notices ?? []) notices.set(notice.kind, notices.get(notice.kind) ?? notice);
      await copy(block, {left: column * blockWidth, top: row * blockHeight}, data, rect, turn);
    });
    return {data, width, height, ...(notices.size > 0 && {notices: [...notices.values()]})};
  }

  #block(column: number, row: number): Promise<RgbImage> {
    const index = row * Math.ceil(this.width / this.#blocks.blockWidth) + column;
    return this.#cache.get(index, () => this.#decode(column, row));
  }

  async #decode(column: number, row: number): Promise<RgbImage> {
    const {blockWidth: width, blockHeight: height} = this.#blocks;
    try {
      const piece = await this.#blocks.piece(column, row);
      if (piece === undefined) return {data: new Uint8Array(width * height * 3), width, height};
      const bytes = writePiece(piece, this.#tags, this.#reader.isLittle);
      return await readImage(bytes, {...this.#options, name: this.#name, exifOrientation: false});
    } catch (error) {
      // An error of readImage() names the small TIFF's fault; its cause has the reason alone.
      const cause = error instanceof MaskRcnnError ? (error.cause ?? error) : error;
      const where = `the part from (${column * width}, ${row * height})`;
      throw new MaskRcnnError('INVALID_IMAGE', `${where} of ${this.#name} cannot be read: ${reasonOf(cause)}.`, {
        file: this.#name,
        ...hintOf(cause),
        cause,
      });
    }
  }
}

/** The blocks of `side` pixels that `length` pixels from `start` touch. */
function span(start: number, length: number, side: number): {first: number; count: number} {
  const first = Math.floor(start / side);
  return {first, count: Math.floor((start + length - 1) / side) - first + 1};
}

/** Copies what a block and a rectangle have in common. `at`: where the block is in the page. */
async function copy(
  block: RgbImage,
  at: {left: number; top: number},
  data: Uint8Array,
  {left, top, width, height}: Rect,
  turn: Turn,
): Promise<void> {
  const [from, to] = [Math.max(left, at.left), Math.min(left + width, at.left + block.width)];
  const [first, end] = [Math.max(top, at.top), Math.min(top + height, at.top + block.height)];
  await rowsInTurns(
    to - from,
    end - first,
    (i) => {
      const y = first + i;
      const start = ((y - at.top) * block.width + from - at.left) * 3;
      data.set(block.data.subarray(start, start + (to - from) * 3), ((y - top) * width + from - left) * 3);
    },
    turn,
  );
}
