import {allSettled, mapConcurrently} from '../../basics/concurrently.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {RecentCache} from '../../basics/recent-cache.js';
import {rowsInTurns, Turn} from '../../basics/turns.js';
import {hintOf, reasonOf} from '../bytes.js';
import {discard} from '../discard.js';
import {lend} from '../lent-pixels.js';
import type {FileNotice} from '../notices.js';
import type {PixelOptions} from '../pixel-options.js';
import {readImage} from '../read-image.js';
import type {RgbImage} from '../rgb-image.js';
import {type BlockRect, gatherBlocks, type Place, placesIn} from './block-rects.js';
import type {Rect, RegionPixels} from './region-source.js';
import {CACHE_BYTES, type TiffBlocks} from './tiff-blocks.js';
import type {TiffLevel} from './tiff-levels.js';
import {decodingTags, type Piece, type PieceTag, writePiece} from './tiff-piece.js';
import type {TiffReader} from './tiff-reader.js';

/** Pieces that a call of `read` decodes at a time: as many as libuv has threads. */
const AT_A_TIME = 4;

/** A block, which may be a part of the pixels that were decoded together. */
type Block = {
  image: RgbImage;
  /** Where these pixels are in the page. */
  at: {left: number; top: number};
  /** How many blocks of these pixels are not discarded yet. */
  kept: number;
};

/** The blocks of a page, and how their numbers become 8-bit RGB. */
type How = {blocks: TiffBlocks; options: PixelOptions};

/**
 * A page of a TIFF that is decoded in blocks. Some of them together become a small TIFF in memory, which `readImage()`
 * reads on libuv's threads as it would read the whole file.
 */
export class TiffPixels implements RegionPixels {
  readonly width: number;
  readonly height: number;
  readonly #name: string;
  readonly #reader: TiffReader;
  readonly #blocks: TiffBlocks;
  readonly #tags: readonly PieceTag[];
  readonly #options: PixelOptions;
  readonly #cache: RecentCache<Block>;
  /** What all blocks are of which the file has nothing. */
  #leftOut: Promise<RgbImage> | undefined;

  private constructor(name: string, reader: TiffReader, level: TiffLevel, how: How & {tags: PieceTag[]}) {
    this.width = level.width;
    this.height = level.height;
    this.#name = name;
    this.#reader = reader;
    this.#blocks = how.blocks;
    this.#options = how.options;
    this.#tags = how.tags;
    const bytes = how.blocks.blockWidth * how.blocks.blockHeight * 3;
    this.#cache = new RecentCache<Block>(
      CACHE_BYTES,
      () => bytes,
      (block) => {
        if (--block.kept === 0) discard(block.image.data);
      },
    );
  }

  /** `name`: the file, for messages. */
  static async open(name: string, reader: TiffReader, level: TiffLevel, how: How): Promise<TiffPixels> {
    return new TiffPixels(name, reader, level, {...how, tags: await decodingTags(reader, level.page)});
  }

  async read(rect: Rect): Promise<RgbImage> {
    const {left, top, width, height} = rect;
    const {blockWidth, blockHeight, leftOut} = this.#blocks;
    const data = new Uint8Array(width * height * 3);
    const across = span(left, width, blockWidth);
    const down = span(top, height, blockHeight);
    const notices = new Map<string, FileNotice>();
    const turn = new Turn();
    const all = {column: across.first, columns: across.count, row: down.first, rows: down.count};
    const isAlone = (place: Place) => this.#cache.has(this.#index(place)) || leftOut?.has(place) === true;
    const pieces = gatherBlocks(all, this.#blocks.together, isAlone);
    await mapConcurrently(pieces.length, AT_A_TIME, (i) =>
      this.#useBlocks(pieces[i]!, async (block, place) => {
        for (const notice of block.image.notices ?? []) notices.set(notice.kind, notices.get(notice.kind) ?? notice);
        const [x, y] = [place.column * blockWidth, place.row * blockHeight];
        await copy(block, {left: x, top: y, width: blockWidth, height: blockHeight}, data, rect, turn);
      }),
    );
    return {data, width, height, ...(notices.size > 0 && {notices: [...notices.values()]})};
  }

  #index({column, row}: Place): number {
    return row * Math.ceil(this.width / this.#blocks.blockWidth) + column;
  }

  /** Calls `work` with the blocks of a piece, which are decoded together if none is there or being decoded. */
  #useBlocks(piece: BlockRect, work: (block: Block, place: Place) => Promise<void>): Promise<void> {
    const places = placesIn(piece);
    const isNew = places.length > 1 && !places.some((place) => this.#cache.has(this.#index(place)));
    // An error is found again when the blocks are decoded one by one, which names its block and spoils no other one.
    const together = isNew ? this.#decode(piece).catch(() => undefined) : undefined;
    return allSettled(
      places.map((place) =>
        this.#cache.use(
          this.#index(place),
          async () => (await together) ?? this.#decode({...place, columns: 1, rows: 1}),
          (block) => work(block, place),
        ),
      ),
    );
  }

  async #decode(blocks: BlockRect): Promise<Block> {
    const {blockWidth, blockHeight, leftOut} = this.#blocks;
    const at = {left: blocks.column * blockWidth, top: blocks.row * blockHeight};
    try {
      if (leftOut?.has(blocks) !== true) {
        const image = await this.#decodePiece(this.#blocks.piece(blocks));
        return {image, at, kept: blocks.columns * blocks.rows};
      }
      this.#leftOut ??= this.#decodePiece(leftOut.piece());
      return {image: await this.#leftOut, at, kept: Infinity};
    } catch (error) {
      // An error of readImage() names the small TIFF's fault; its cause has the reason alone.
      const cause = error instanceof MaskRcnnError ? (error.cause ?? error) : error;
      const where = `the part from (${at.left}, ${at.top})`;
      throw new MaskRcnnError('INVALID_IMAGE', `${where} of ${this.#name} cannot be read: ${reasonOf(cause)}.`, {
        file: this.#name,
        ...hintOf(cause),
        cause,
      });
    }
  }

  async #decodePiece(piece: Promise<Piece>): Promise<RgbImage> {
    const {data} = lend({data: await writePiece(await piece, this.#tags, this.#reader.isLittle)});
    return readImage(data, {...this.#options, name: this.#name, exifOrientation: false}).finally(() => discard(data));
  }
}

/** The blocks of `side` pixels that `length` pixels from `start` touch. */
function span(start: number, length: number, side: number): {first: number; count: number} {
  const first = Math.floor(start / side);
  return {first, count: Math.floor((start + length - 1) / side) - first + 1};
}

/** Copies what a block and a rectangle have in common. `area`: where the block is in the page. */
async function copy(
  {image, at}: Block,
  area: Rect,
  data: Uint8Array,
  {left, top, width, height}: Rect,
  turn: Turn,
): Promise<void> {
  const [from, to] = [Math.max(left, area.left), Math.min(left + width, area.left + area.width)];
  const [first, end] = [Math.max(top, area.top), Math.min(top + height, area.top + area.height)];
  await rowsInTurns(
    to - from,
    end - first,
    (i) => {
      const y = first + i;
      const start = ((y - at.top) * image.width + from - at.left) * 3;
      data.set(image.data.subarray(start, start + (to - from) * 3), ((y - top) * width + from - left) * 3);
    },
    turn,
  );
}
