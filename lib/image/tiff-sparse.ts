import {inTurns, Turn} from '../basics/turns.js';
import {TAG, TiffFile, type TiffPage} from './tiff.js';
import {blockTags} from './tiff-channels.js';
import {FILL_TAGS, FILL_VALUES, filledSegment, isMissing} from './tiff-fill.js';

/** Bytes of a file, from where on and how many. */
type Place = {start: number; length: number};

/** A file, and its first page. */
export type FileOfPage = {file: TiffFile; page: TiffPage};

/**
 * The file with the strips and tiles of its first page that it leaves out, as the fill value. It is a copy, unless none
 * is left out. libtiff refuses such files. Throws an Error with the reason.
 */
export async function withMissingBlocks(file: TiffFile, page: TiffPage): Promise<FileOfPage> {
  const [offsetsTag, sizesTag] = blockTags(page);
  const [offsets, sizes] = [await file.allValues(page, offsetsTag), await file.allValues(page, sizesTag)];
  const kind = {isTiled: page.entries.has(TAG.tileOffsets), count: offsets.length};
  if (!offsets.some((offset, i) => isMissing(offset, sizes[i], kind))) return {file, page};
  const filled = await filledSegment({
    tags: new Map(FILL_TAGS.map((tag) => [tag, file.values(page, tag, FILL_VALUES)])),
    nodata: file.text(page, TAG.nodata).split('\0', 1)[0]!,
    isLittle: file.isLittleEndian,
  });
  const blocks = offsets.map((start, i) =>
    isMissing(start, sizes[i], kind) ? filled : {start, length: sizes[i] ?? file.bytes.length - start},
  );
  return withBlocks(file, page, blocks);
}

/**
 * A copy of the file with other strips or tiles of its first page, in their order: those that are places stay where
 * they are, and the others are behind the end of the file. Bytes that are there several times are written once.
 */
export async function withBlocks(
  file: TiffFile,
  page: TiffPage,
  blocks: readonly (Uint8Array | Place)[],
  turn = new Turn(),
): Promise<FileOfPage> {
  const added = new Set(blocks.filter((block) => block instanceof Uint8Array));
  const lists = 2 * 4 * blocks.length;
  // Lists of numbers begin at an even byte (TIFF 6.0, section 2).
  const spare = file.bytes.length + (file.bytes.length % 2);
  const all = new Uint8Array([...added].reduce((sum, {length}) => sum + length, spare + lists));
  const put = (part: Uint8Array, start: number) =>
    inTurns(part.length, (from, to) => all.set(part.subarray(from, to), start + from), turn);
  await put(file.bytes, 0);
  let end = spare + lists;
  const starts = new Map<Uint8Array | Place, number>();
  for (const block of added) {
    await put(block, end);
    starts.set(block, end);
    end += block.length;
  }
  const copy = new TiffFile(all);
  const [offsets, sizes] = blockTags(page);
  copy.setValues(
    page,
    offsets,
    blocks.map((block) => starts.get(block) ?? (block as Place).start),
    spare,
  );
  // Where the size of a single block is not stated, decoders take what follows, which is nothing else.
  if (blocks.length !== 1 || page.entries.has(sizes)) {
    copy.setValues(
      page,
      sizes,
      blocks.map(({length}) => length),
      spare + lists / 2,
    );
  }
  const [changed] = await copy.pages();
  return {file: copy, page: changed!};
}
