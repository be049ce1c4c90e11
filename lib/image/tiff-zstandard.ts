import {promisify} from 'node:util';
import {deflate} from 'node:zlib';
import {ZSTDDecoder} from 'zstddec';
import {Turn} from '../basics/turns.js';
import {Undecodable} from './bytes.js';
import {checkSize} from './format.js';
import {TAG, type TiffFile, type TiffPage} from './tiff.js';
import {blockTags} from './tiff-channels.js';
import type {TiffLayout} from './tiff-layout.js';
import {type FileOfPage, withBlocks} from './tiff-sparse.js';

/** Number of the compression Deflate (TIFF Technical Note 2). */
const DEFLATE = 8;

/** The decoder's memory ends at 2 GiB, and it does not say so. */
const MOST_BYTES = 2 ** 30;

const pack = promisify(deflate);

/**
 * A copy of the file with the strips or tiles of its first page in Deflate's form, not compressed, in place of
 * Zstandard, which sharp's build of libvips lacks. Deflate, because then libtiff undoes the predictor. Throws an Error
 * with the reason if a block is damaged.
 */
export async function withoutZstandard(file: TiffFile, page: TiffPage, layout: TiffLayout): Promise<FileOfPage> {
  checkSize(layout.width, layout.height);
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const [offsets, sizes] = blockTags(page);
  const [starts, lengths] = [await file.allValues(page, offsets), await file.allValues(page, sizes)];
  const most = blockBytes(file, page, layout);
  const blocks: Uint8Array[] = [];
  const turn = new Turn();
  for (const [i, start] of starts.entries()) {
    if (turn.isOver()) await turn.next();
    // The size of a single strip need not be stated.
    const isUnstated = starts.length === 1 && !(lengths[0]! > 0);
    const block = file.bytes.subarray(start, isUnstated ? undefined : start + (lengths[i] ?? 0));
    // The decoder gives nothing if the data are damaged or cut off, or if something follows them.
    const unpacked = decoder.decode(block.subarray(0, frameLength(block)), most);
    if (unpacked.length === 0) throw new Undecodable(`its block ${i} of Zstandard data is damaged or cut off`);
    blocks.push(await pack(unpacked, {level: 0}));
  }
  const copy = await withBlocks(file, page, blocks, turn);
  copy.file.setValue(copy.page, TAG.compression, DEFLATE);
  return copy;
}

/**
 * Bytes of the frame of Zstandard (RFC 8878, section 3.1.1) that these bytes begin with. Any number for bytes that are
 * no frame.
 */
function frameLength(bytes: Uint8Array): number {
  const descriptor = bytes[4] ?? 0;
  const isOneSegment = (descriptor & 32) !== 0;
  const hasChecksum = (descriptor & 4) !== 0;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3]!;
  const contentSize = [isOneSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = 5 + (isOneSegment ? 0 : 1) + dictionaryId + contentSize;
  for (let isLast = false; !isLast && at + 3 <= bytes.length; ) {
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    isLast = (header & 1) !== 0;
    const isRun = ((header >> 1) & 3) === 1; // one byte, so many times
    at += 3 + (isRun ? 1 : header >> 3);
  }
  return at + (hasChecksum ? 4 : 0);
}

/** The most bytes that a strip or tile has when it is unpacked. */
function blockBytes(file: TiffFile, page: TiffPage, {width, height, bits, channels, isPlanar}: TiffLayout): number {
  const isTiled = page.entries.has(TAG.tileOffsets);
  const columns = isTiled ? (file.value(page, TAG.tileWidth) ?? 0) : width;
  const stated = file.value(page, isTiled ? TAG.tileHeight : TAG.rowsPerStrip);
  const rows = isTiled ? (stated ?? 0) : Math.min(height, stated ?? height);
  checkSize(columns, rows);
  const bytes = Math.ceil((columns * bits * (isPlanar ? 1 : channels)) / 8) * rows;
  if (bytes > MOST_BYTES) throw new Undecodable(`its strips or tiles have ${bytes} bytes, more than ${MOST_BYTES}`);
  return bytes;
}
