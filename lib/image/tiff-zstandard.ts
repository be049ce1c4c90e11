import {promisify} from 'node:util';
import {deflate} from 'node:zlib';
import {ZSTDDecoder} from 'zstddec';
import {inTurns, Turn} from '../basics/turns.js';
import {Undecodable} from './bytes.js';
import {checkSize} from './format.js';
import {TAG, TiffFile, type TiffPage} from './tiff.js';
import {blockTags} from './tiff-channels.js';
import type {TiffLayout} from './tiff-layout.js';

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
export async function withoutZstandard(file: TiffFile, page: TiffPage, layout: TiffLayout): Promise<TiffFile> {
  checkSize(layout.width, layout.height);
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const [offsets, sizes] = blockTags(page);
  const [starts, lengths] = [file.values(page, offsets), file.values(page, sizes)];
  const most = blockBytes(file, page, layout);
  const blocks: Uint8Array[] = [];
  const turn = new Turn();
  for (const [i, start] of starts.entries()) {
    if (turn.isOver()) await turn.next();
    const block = file.bytes.subarray(start, start + (lengths[i] ?? 0));
    // The decoder gives nothing if the data are damaged or cut off.
    const unpacked = decoder.decode(block, most);
    if (unpacked.length === 0) throw new Undecodable(`its block ${i} of Zstandard data is damaged or cut off`);
    blocks.push(await pack(unpacked, {level: 0}));
  }
  return replaceBlocks(file, page, blocks, turn);
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

/** A copy of the file with other blocks behind its end, to which the page points. */
async function replaceBlocks(file: TiffFile, page: TiffPage, blocks: readonly Uint8Array[], turn: Turn) {
  const lists = 2 * 4 * blocks.length;
  // Lists of numbers begin at an even byte (TIFF 6.0, section 2).
  const spare = file.bytes.length + (file.bytes.length % 2);
  const all = new Uint8Array(blocks.reduce((sum, {length}) => sum + length, spare + lists));
  let end = 0;
  const add = async (part: Uint8Array) => {
    const start = end;
    await inTurns(part.length, (from, to) => all.set(part.subarray(from, to), start + from), turn);
    end += part.length;
    return start;
  };
  await add(file.bytes);
  end = spare + lists;
  const starts: number[] = [];
  for (const block of blocks) starts.push(await add(block));
  const copy = new TiffFile(all);
  const [offsets, sizes] = blockTags(page);
  copy.setValues(page, offsets, starts, spare);
  const lengths = blocks.map(({length}) => length);
  copy.setValues(page, sizes, lengths, spare + lists / 2);
  copy.setValue(page, TAG.compression, DEFLATE);
  return copy;
}
