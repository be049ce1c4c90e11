import type {FileHandle} from 'node:fs/promises';
import {MaskRcnnError} from '../../basics/errors.js';
import {hintOf, reasonOf} from '../bytes.js';
import {maskOfBytes} from '../read-mask.js';
import type {LabelBlock, LabelBlocks, LabelPlace} from './label-blocks.js';
import {blocksOf, type TiffBlocks} from './tiff-blocks.js';
import {levelsOf} from './tiff-levels.js';
import {decodingTags, type PieceTag, writePiece} from './tiff-piece.js';
import {TiffReader} from './tiff-reader.js';

/** A label mask in a TIFF, of which some strips or tiles are decoded at a time. */
export class TiffLabelBlocks implements LabelBlocks {
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
   * The first page of an open TIFF with more than `above` pixels. `file` is its name in errors. Undefined if it has to
   * be decoded as a whole. Throws an Error with the reason.
   */
  static async of(file: string, handle: FileHandle, above: number): Promise<TiffLabelBlocks | undefined> {
    const reader = await TiffReader.open(handle);
    const [level] = await levelsOf(reader, await reader.pages(), 0);
    if (level!.width * level!.height <= above) return undefined;
    const blocks = await blocksOf(reader, level!, {isUrgent: true});
    if (blocks === undefined) return undefined;
    const tags = await decodingTags(reader, level!.page);
    return new TiffLabelBlocks(file, level!, {handle, reader, blocks, tags});
  }

  async places(): Promise<LabelPlace[]> {
    const {blockWidth, blockHeight, together} = this.#blocks;
    const across = Math.ceil(this.width / blockWidth);
    const places: LabelPlace[] = [];
    for (let row = 0; row * blockHeight < this.height; row++) {
      for (let column = 0; column < across; column += together) {
        places.push({column, row, columns: Math.min(together, across - column), rows: 1});
      }
    }
    return places;
  }

  async read(place: LabelPlace): Promise<LabelBlock> {
    const [left, top] = [place.column * this.#blocks.blockWidth, place.row * this.#blocks.blockHeight];
    const where = `the part from (${left}, ${top}) of ${this.#file}`;
    try {
      const piece = await writePiece(await this.#blocks.piece(place), this.#tags, this.#reader.isLittle);
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
