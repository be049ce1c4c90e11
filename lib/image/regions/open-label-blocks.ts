import {type FileHandle, open} from 'node:fs/promises';
import {unreadable} from '../bytes.js';
import {detectFormat} from '../format.js';
import type {LabelBlocks} from './label-blocks.js';
import {PngLabelBlocks} from './png-label-blocks.js';
import {TiffLabelBlocks} from './tiff-label-blocks.js';

/** What a kind of files needs to be known by. */
const BEGINNING = 16;

/**
 * Opens a label mask with more than `above` pixels for reading it in parts: a PNG, or the first page of a TIFF. Only
 * the head of the file is read. Undefined for other files, and for those that have to be decoded as a whole:
 * interlaced PNGs, of which the first rows come last, and TIFFs with very large strips or tiles. Undefined, too, for
 * those whose head is damaged: the reader of whole masks says what is wrong. Throws INVALID_MASK if the file is not
 * there.
 */
export async function openLabelBlocks(file: string, above: number): Promise<LabelBlocks | undefined> {
  const handle = await open(file).catch((cause) => {
    throw unreadable(file, cause, 'INVALID_MASK');
  });
  let opened: LabelBlocks | undefined;
  try {
    opened = await blocksOfFile(file, handle, above);
    return opened;
  } catch {
    return undefined;
  } finally {
    if (opened === undefined) await handle.close();
  }
}

async function blocksOfFile(file: string, handle: FileHandle, above: number): Promise<LabelBlocks | undefined> {
  const beginning = new Uint8Array(BEGINNING);
  const {bytesRead} = await handle.read(beginning, 0, BEGINNING, 0);
  switch (detectFormat(beginning.subarray(0, bytesRead))) {
    case 'tiff':
      return TiffLabelBlocks.of(file, handle, above);
    case 'png':
      return PngLabelBlocks.of(file, handle, above);
    default:
      return undefined;
  }
}
