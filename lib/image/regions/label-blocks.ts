import {type FileHandle, open} from 'node:fs/promises';
import {MaskRcnnError} from '../../basics/errors.js';
import {hintOf, reasonOf, unreadable} from '../bytes.js';
import {detectFormat} from '../format.js';
import {type IdMask, maskOfBytes} from '../read-mask.js';
import {blocksOf, type TiffBlocks} from './tiff-blocks.js';
import {levelsOf} from './tiff-levels.js';
import {decodingTags, type PieceTag, writePiece} from './tiff-piece.js';
import {TiffReader} from './tiff-reader.js';

/** The ids of a part of a mask. What is right of `width` or below `height` is no part of the image. */
export type LabelBlock = IdMask & {left: number; top: number};

/** A label mask in a TIFF that is read block by block. */
export class LabelBlocks {
  readonly width: number;
  readonly height: number;
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #reader: TiffReader;
  readonly #blocks: TiffBlocks;
  readonly #tags: readonly PieceTag[];

  private constructor(
    file: string,
    size: {width: number; height: number},
    parts: {handle: FileHandle; reader: TiffReader; blocks: TiffBlocks; tags: PieceTag[]},
  ) {
    this.#file = file;
    this.width = size.width;
    this.height = size.height;
    this.#handle = parts.handle;
    this.#reader = parts.reader;
    this.#blocks = parts.blocks;
    this.#tags = parts.tags;
  }

  /**
   * Opens the first page of a TIFF with more than `above` pixels. Undefined for other files, and for those that have to
   * be decoded as a whole. Throws INVALID_MASK if the file is not there.
   */
  static async open(file: string, above: number): Promise<LabelBlocks | undefined> {
    const handle = await open(file).catch((cause) => {
      throw unreadable(file, cause, 'INVALID_MASK');
    });
    let opened: LabelBlocks | undefined;
    try {
      const head = new Uint8Array(16);
      const {bytesRead} = await handle.read(head, 0, 16, 0);
      if (detectFormat(head.subarray(0, bytesRead)) !== 'tiff') return undefined;
      const reader = await TiffReader.open(handle);
      const [level] = await levelsOf(reader, await reader.pages(), 0);
      if (level!.width * level!.height <= above) return undefined;
      const blocks = await blocksOf(reader, level!, {isUrgent: true});
      if (blocks === undefined) return undefined;
      const tags = await decodingTags(reader, level!.page);
      opened = new LabelBlocks(file, level!, {handle, reader, blocks, tags});
      return opened;
    } catch {
      return undefined; // the reader of whole masks says what is wrong with it
    } finally {
      if (opened === undefined) await handle.close();
    }
  }

  /** Where the parts are that are decoded together: some blocks of a row of blocks. */
  *places(): Generator<{column: number; row: number; columns: number; rows: 1}> {
    const {blockWidth, blockHeight, together} = this.#blocks;
    const across = Math.ceil(this.width / blockWidth);
    for (let row = 0; row * blockHeight < this.height; row++) {
      for (let column = 0; column < across; column += together) {
        yield {column, row, columns: Math.min(together, across - column), rows: 1};
      }
    }
  }

  /** The ids at one of `places()`. The same colour has other ids in other parts. Throws INVALID_MASK. */
  async read(place: {column: number; row: number; columns: number; rows: 1}): Promise<LabelBlock> {
    const [left, top] = [place.column * this.#blocks.blockWidth, place.row * this.#blocks.blockHeight];
    const where = `the part from (${left}, ${top}) of ${this.#file}`;
    try {
      const piece = writePiece(await this.#blocks.piece(place), this.#tags, this.#reader.isLittle);
      return {...(await maskOfBytes(piece, where)), left, top};
    } catch (error) {
      // That of `maskOfBytes()` names the small TIFF; its cause has the reason alone.
      const cause = error instanceof MaskRcnnError ? (error.cause ?? error) : error;
      const message = `${where} cannot be read as a mask: ${reasonOf(cause)}.`;
      throw new MaskRcnnError('INVALID_MASK', message, {file: this.#file, ...hintOf(cause), cause});
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
