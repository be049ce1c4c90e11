/** The pages of a TIFF on disk, and what its metadata say that they are. */
import {Turn} from '../../basics/turns.js';
import {Undecodable} from '../bytes.js';
import {type Stack, stackOf} from '../stack.js';
import {MOST_VALUES, TAG} from '../tiff.js';
import type {DiskEntry, DiskPage, TiffReader} from './tiff-reader.js';

/** `samples`: channels of a pixel of a page, alpha included. */
export type StackOnDisk = {
  pages: readonly DiskPage[];
  stack: Stack;
  samples: (page: number) => Promise<number>;
};

/** Reads the pages of a file and their meaning. Throws an Undecodable with the reason. */
export async function readStack(reader: TiffReader): Promise<StackOnDisk> {
  const found = await reader.pages();
  const description = await reader.text(found[0]!, TAG.description);
  const pages = await withSlices(reader, found, description);
  const samples = (page: number) => reader.first(pages[page]!, TAG.samples, 1);
  return {pages, samples, stack: await stackOf({description, pages: pages.length, samples})};
}

/** More images than these belong to a damaged description. */
const MOST_SLICES = 1e5;

/** The type LONG8 of BigTIFF. */
const LONG8 = 16;

/** With a page for each image that ImageJ has written behind the first page, without a gap and without entries. */
async function withSlices(
  reader: TiffReader,
  pages: readonly DiskPage[],
  description: string,
): Promise<readonly DiskPage[]> {
  const images = description.startsWith('ImageJ=') ? Number(/^images=(\d+)/m.exec(description)?.[1] ?? 1) : 1;
  const [first] = pages as [DiskPage];
  const isRaw = (await reader.first(first, TAG.compression, 1)) === 1;
  if (pages.length > 1 || !isRaw || images < 2 || images > MOST_SLICES) return pages;
  const offsets = await reader.numbers(first, TAG.stripOffsets);
  if (offsets.length === 0) return pages;
  const strips = images * offsets.length;
  if (strips > MOST_VALUES) throw new Undecodable(`its ${images} images have ${strips} strips`);
  const bytes = (await reader.numbers(first, TAG.stripBytes)).reduce((sum, each) => sum + each, 0);
  const slices: DiskPage[] = [];
  const turn = new Turn();
  for (let image = 0; image < images; image++) {
    if (turn.isOver()) await turn.next();
    const moved = offsets.map((offset) => BigInt(offset + image * bytes));
    const entries = new Map([...first.entries, [TAG.stripOffsets, longs(moved, reader.isLittle)]]);
    slices.push({...first, entries});
  }
  return slices;
}

function longs(values: readonly bigint[], isLittle: boolean): DiskEntry {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (const [i, value] of values.entries()) view.setBigUint64(8 * i, value, isLittle);
  return {type: LONG8, count: values.length, at: 0, inline: new Uint8Array(view.buffer)};
}
