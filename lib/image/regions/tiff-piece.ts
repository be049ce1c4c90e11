import {Undecodable} from '../bytes.js';
import {TAG} from '../tiff.js';
import type {DiskPage, TiffReader} from './tiff-reader.js';

/** A part of a page as a page of its own: strips below each other, or a rectangle of whole tiles. */
export type Piece = {
  width: number;
  height: number;
  segment: {rowsPerStrip: number} | {tileWidth: number; tileHeight: number};
  /**
   * Bytes of the strips or tiles, as they are in the file. If each channel is stored on its own: those of one after
   * another.
   */
  sizes: readonly number[];
  /** Reads them, one behind the other, into `bytes`, which holds all of them. */
  read(bytes: Uint8Array): Promise<void>;
};

/** A tag to write: its type and its values as they are in the file. */
export type PieceTag = {tag: number; type: number; count: number; bytes: Uint8Array};

/**
 * Tags that say how a segment is decoded: compression, type and meaning of its numbers (TIFF 6.0; 347: Technical
 * Note 2; 50674: LERC, whose error should name it).
 */
const DECODING = [
  TAG.bits,
  TAG.compression,
  TAG.photometric,
  TAG.fillOrder,
  TAG.samples,
  TAG.planar,
  292, // T4Options
  293, // T6Options
  TAG.predictor,
  320, // ColorMap
  332, // InkSet
  TAG.extraSamples,
  TAG.sampleFormat,
  347, // JPEGTables
  529, // YCbCrCoefficients
  TAG.subsampling,
  531, // YCbCrPositioning
  532, // ReferenceBlackWhite
  50674, // LercParameters
];

/** The type LONG of TIFF 6.0. The types above 12 are not in it. */
const LONG = 4;
const LAST_TYPE = 12;
const ENTRY_BYTES = 12;
const HEADER_BYTES = 8;

/** The most values of such a tag: more than those of a palette of 16 bits. */
const MOST_VALUES = 1 << 18;

/** The tags of a page that its pieces have too. */
export async function decodingTags(reader: TiffReader, page: DiskPage): Promise<PieceTag[]> {
  const tags: PieceTag[] = [];
  for (const tag of DECODING) {
    const entry = page.entries.get(tag);
    if (entry === undefined || entry.type > LAST_TYPE) continue;
    if (entry.count > MOST_VALUES) throw new Undecodable(`its tag ${tag} has ${entry.count} values`);
    const bytes = await reader.values(entry);
    tags.push({tag, type: entry.type, count: entry.count, bytes});
  }
  return tags;
}

/** A TIFF of one page, which is the piece. Its numbers have the byte order of the file it is from. */
export async function writePiece(
  piece: Piece,
  tags: readonly PieceTag[],
  isLittle: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  const {width, height, segment, sizes} = piece;
  const isTiled = 'tileWidth' in segment;
  const pixels = sizes.reduce((sum, size) => sum + size, 0);
  const start = HEADER_BYTES + pixels + (pixels % 2);
  const count = tags.length + (isTiled ? 6 : 5);
  let spare = start + 2 + count * ENTRY_BYTES + 4;
  const longs = (tag: number, ...values: number[]): PieceTag => {
    const view = new DataView(new ArrayBuffer(values.length * 4));
    for (const [i, value] of values.entries()) view.setUint32(i * 4, value, isLittle);
    return {tag, type: LONG, count: values.length, bytes: new Uint8Array(view.buffer)};
  };
  let at = HEADER_BYTES;
  const offsets = sizes.map((size) => {
    at += size;
    return at - size;
  });
  const own = isTiled
    ? [
        longs(TAG.tileWidth, segment.tileWidth),
        longs(TAG.tileHeight, segment.tileHeight),
        longs(TAG.tileOffsets, ...offsets),
        longs(TAG.tileBytes, ...sizes),
      ]
    : [
        longs(TAG.stripOffsets, ...offsets),
        longs(TAG.rowsPerStrip, segment.rowsPerStrip),
        longs(TAG.stripBytes, ...sizes),
      ];
  const all = [...tags, longs(TAG.width, width), longs(TAG.height, height), ...own].sort((a, b) => a.tag - b.tag);
  const length = all.reduce((sum, {bytes}) => sum + (bytes.length > 4 ? bytes.length + (bytes.length % 2) : 0), spare);
  const file = new Uint8Array(length);
  const view = new DataView(file.buffer);
  file.set(Buffer.from(isLittle ? 'II*\0' : 'MM\0*', 'latin1'));
  view.setUint32(4, start, isLittle);
  await piece.read(file.subarray(HEADER_BYTES, HEADER_BYTES + pixels));
  view.setUint16(start, all.length, isLittle);
  for (const [i, {tag, type, count: values, bytes}] of all.entries()) {
    const entry = start + 2 + i * ENTRY_BYTES;
    view.setUint16(entry, tag, isLittle);
    view.setUint16(entry + 2, type, isLittle);
    view.setUint32(entry + 4, values, isLittle);
    if (bytes.length <= 4) {
      file.set(bytes, entry + 8);
    } else {
      view.setUint32(entry + 8, spare, isLittle);
      file.set(bytes, spare);
      spare += bytes.length + (bytes.length % 2);
    }
  }
  return file;
}
