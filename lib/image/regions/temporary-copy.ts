import type {FileHandle} from 'node:fs/promises';
import {open, rm, statfs} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Sharp} from 'sharp';
import {MaskRcnnError} from '../../basics/errors.js';
import {formatMemory} from '../../basics/wording.js';
import {makeTemporaryFolder, removeAbandonedFolders} from '../../files/temporary-folder.js';

/** Side of the tiles of the copy. */
const TILE = 512;

/** Tiles at the borders are whole, and the file has lists of its tiles. */
const OVERHEAD = 1.1;

const HINT = 'Set TMPDIR to another folder, or save it as a tiled TIFF, of which no copy is made.';

/** A file of which a copy is made. */
type Original = {file: string; width: number; height: number; pixelBytes: number; otherBytes?: number};

/**
 * Decodes an image once, row by row, into a tiled BigTIFF without compression in the temporary folder, and opens it.
 * The file is deleted at once: its space is free again when it is closed, however the process ends. What a process that
 * was killed before that has left is removed first. Throws WRITE_FAILED if the folder has too little room or may not
 * be written to, and what sharp throws.
 */
export async function openTemporaryCopy(
  image: Sharp,
  {file, width, height}: {file: string; width: number; height: number},
): Promise<FileHandle> {
  const pixels = image.removeAlpha().toColourspace('srgb');
  return openTemporaryTiff({file, width, height, pixelBytes: 3}, async () => pixels);
}

/**
 * The same for numbers of any type. `pixels` gives the image, whose pixels have `pixelBytes` bytes. It may write
 * `otherBytes` bytes to the folder that it is given, which is deleted, too. Throws what `pixels` and sharp throw, and
 * WRITE_FAILED.
 */
export async function openTemporaryTiff(
  {file, width, height, pixelBytes, otherBytes = 0}: Original,
  pixels: (folder: string) => Promise<Sharp>,
): Promise<FileHandle> {
  await removeAbandonedFolders();
  const root = tmpdir();
  const needed = width * height * pixelBytes * OVERHEAD + otherBytes;
  const fail = (got: string, cause?: unknown) => {
    const message = `A temporary copy of ${file} needs ${formatMemory(needed)}, and ${root} ${got}.`;
    return new MaskRcnnError('WRITE_FAILED', message, {file, hint: HINT, cause});
  };
  const writable = (cause: NodeJS.ErrnoException) => {
    throw fail(`cannot be written to: ${cause.message}`, cause);
  };
  const {bavail, bsize} = await statfs(root).catch(writable);
  if (bavail * bsize < needed) throw fail(`has ${formatMemory(bavail * bsize)}`);
  const folder = await makeTemporaryFolder('regions').catch(writable);
  try {
    const path = join(folder, 'image.tif');
    const image = await pixels(folder);
    await image.tiff({compression: 'none', tile: true, tileWidth: TILE, tileHeight: TILE, bigtiff: true}).toFile(path);
    return await open(path);
  } catch (cause) {
    throw isForRoom(cause) ? fail('is full', cause) : cause;
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}

/** Whether something failed because the disk is full. libvips has the system's sentence among its lines. */
function isForRoom(error: unknown): boolean {
  const {code, message} = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || message.includes('No space left on device');
}
