import {type FileHandle, open} from 'node:fs/promises';
import {join} from 'node:path';
import type {Sharp} from 'sharp';
import {MaskRcnnError} from '../../basics/errors.js';
import {inTurns} from '../../basics/turns.js';
import {hintOf, reasonOf} from '../bytes.js';
import {loadSharp} from '../load-sharp.js';
import {asGrey, CHUNK_HEAD_BYTES, PNG_HEAD_BYTES, type PngHead, pixelRanges, readPngHead, shiftOfPng} from '../png.js';
import type {LabelBlock, LabelBlocks, LabelPlace} from './label-blocks.js';
import {openTemporaryTiff} from './temporary-copy.js';
import {TiffLabelBlocks} from './tiff-label-blocks.js';

/** Deflate makes at most so many bytes of one (zlib's technical details). */
const MOST_PACKED = 1032;
/** Bytes that are copied at a time. */
const PART = 1 << 20;
/** Bytes that are read to look for chunks: many of the 8 KB that most writers make. */
const WINDOW = 1 << 18;

/**
 * A label mask in a PNG, which has no parts that can be decoded on their own: its values are decoded once, row by row,
 * into a temporary file, of which parts are read. Of a palette, the values are the indices.
 */
export class PngLabelBlocks implements LabelBlocks {
  readonly width: number;
  readonly height: number;
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #head: PngHead;
  #copy: Promise<TiffLabelBlocks> | undefined;

  private constructor(file: string, handle: FileHandle, head: PngHead) {
    this.#file = file;
    this.#handle = handle;
    this.#head = head;
    this.width = head.width;
    this.height = head.height;
  }

  /**
   * An open PNG with more than `above` pixels. `file` is its name in errors. Undefined if it is interlaced: then the
   * decoder needs all of its pixels. Throws an Error with the reason.
   */
  static async of(file: string, handle: FileHandle, above: number): Promise<PngLabelBlocks | undefined> {
    const head = readPngHead(await bytesAt(handle, 0, PNG_HEAD_BYTES));
    if (head.isInterlaced || head.width * head.height <= above) return undefined;
    return new PngLabelBlocks(file, handle, head);
  }

  async places(): Promise<readonly LabelPlace[]> {
    return (await this.#copied()).places();
  }

  async read(place: LabelPlace): Promise<LabelBlock> {
    const block = await (await this.#copied()).read(place);
    if (block.source === 'colours') return block;
    const {bits, palette} = this.#head;
    const {ids} = block;
    const shift = shiftOfPng(this.#head);
    if (shift > 0) {
      await inTurns(ids.length, (from, to) => {
        for (let i = from; i < to; i++) ids[i]! >>= shift;
      });
    }
    return {...block, bits, source: palette ? 'palette' : 'values'};
  }

  async close(): Promise<void> {
    const copy = await this.#copy?.catch(() => undefined);
    await Promise.all([this.#handle.close(), copy?.close()]);
  }

  #copied(): Promise<TiffLabelBlocks> {
    this.#copy ??= this.#makeCopy();
    return this.#copy;
  }

  async #makeCopy(): Promise<TiffLabelBlocks> {
    const file = this.#file;
    const {width, height, bits, channels} = this.#head;
    const pixelBytes = channels * (bits > 8 ? 2 : 1);
    try {
      const {size} = await this.#handle.stat();
      const leastBytes = (height * (1 + Math.ceil((width * channels * bits) / 8))) / MOST_PACKED;
      if (size < leastBytes) throw new Error(`it has too few bytes for ${width} × ${height} pixels`);
      const copy = await openTemporaryTiff({file, width, height, pixelBytes, otherBytes: size}, async (folder) => {
        const path = join(folder, 'pixels.png');
        await writeStoredValues(this.#handle, {size, head: this.#head, path});
        return valuesOf(path);
      });
      return await opened(file, copy);
    } catch (cause) {
      if (cause instanceof MaskRcnnError) throw cause;
      const message = `${file} is not a readable PNG mask: ${reasonOf(cause)}.`;
      throw new MaskRcnnError('INVALID_MASK', message, {file, ...hintOf(cause), cause});
    }
  }
}

/** The blocks of the copy. It is closed if they cannot be opened. */
async function opened(file: string, copy: FileHandle): Promise<TiffLabelBlocks> {
  try {
    return (await TiffLabelBlocks.of(file, copy, 0))!;
  } catch (error) {
    await copy.close();
    throw error;
  }
}

/** The values of a PNG as `readMask()` has them decoded: greys of 8 or 16 bits, or three channels. */
async function valuesOf(path: string): Promise<Sharp> {
  const sharp = await loadSharp();
  const pipeline = sharp(path, {failOn: 'error', limitInputPixels: false, sequentialRead: true, ignoreIcc: true});
  const {space} = await pipeline.metadata();
  pipeline.removeAlpha();
  if (space === 'b-w' || space === 'grey16' || space === 'rgb16') pipeline.toColourspace(space);
  return pipeline;
}

/** Writes what `storedValuesOfPng()` makes of a file to `path`, piece by piece. Throws an Error with the reason. */
async function writeStoredValues(
  handle: FileHandle,
  {size, head, path}: {size: number; head: PngHead; path: string},
): Promise<void> {
  const target = await open(path, 'wx');
  try {
    let window = {start: 0, bytes: Buffer.alloc(0)};
    const chunkHead = async (at: number) => {
      if (at + CHUNK_HEAD_BYTES > window.start + window.bytes.length) {
        window = {start: at, bytes: await bytesAt(handle, at, WINDOW)};
      }
      return window.bytes.subarray(at - window.start, at - window.start + CHUNK_HEAD_BYTES);
    };
    for await (const {from, to} of pixelRanges(size, chunkHead)) {
      for (let at = from; at < to; at += PART) {
        const bytes = await bytesAt(handle, at, Math.min(PART, to - at));
        if (at === 0) asGrey(bytes, head);
        await target.writeFile(bytes);
      }
    }
  } finally {
    await target.close();
  }
}

/** Bytes of a file from `at` on: fewer than `length` where it ends. */
async function bytesAt(handle: FileHandle, at: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.alloc(length);
  let count = 0;
  while (count < length) {
    const {bytesRead} = await handle.read(bytes, count, length - count, at + count);
    if (bytesRead === 0) break;
    count += bytesRead;
  }
  return bytes.subarray(0, count);
}
