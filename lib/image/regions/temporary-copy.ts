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

/** For the lists of tiles in the file, and what the system needs for it. */
const OVERHEAD = 1.01;

/** With less room than this after a failure, the folder is full. */
const FULL_BYTES = 1e6;

const HINT = 'Set TMPDIR to another folder, or save the file as a tiled TIFF, of which no copy is made.';

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
  const [columns, rows] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
  const needed = columns * rows * TILE * TILE * pixelBytes * OVERHEAD + otherBytes; // tiles at the borders are whole
  const fail = (got: string, cause?: unknown) => {
    const message = `A temporary copy of ${file} needs ${formatMemory(needed)}, and ${root} ${got}.`;
    return new MaskRcnnError('WRITE_FAILED', message, {file, hint: HINT, cause});
  };
  const writable = (cause: NodeJS.ErrnoException) => {
    throw fail(`cannot be written to: ${cause.message}`, cause);
  };
  const room = await roomIn(root).catch(writable);
  if (room < needed) throw fail(`has ${formatMemory(room)}`);
  const folder = await makeTemporaryFolder('regions').catch(writable);
  try {
    const path = join(folder, 'image.tif');
    const image = await pixels(folder);
    await image.tiff({compression: 'none', tile: true, tileWidth: TILE, tileHeight: TILE, bigtiff: true}).toFile(path);
    return await open(path);
  } catch (cause) {
    // What decodes beside it may have taken the reason away, so the room is looked at, too.
    const isFull = isForRoom(cause) || (await roomIn(root).catch(() => Infinity)) < FULL_BYTES;
    throw isFull ? fail('is full', cause) : cause;
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}

/** The bytes that may still be written to a folder. Throws system errors. */
async function roomIn(folder: string): Promise<number> {
  const {bavail, bsize} = await statfs(folder);
  return bavail * bsize;
}

/** Full disks, quotas, and limits of files. libvips has the system's sentence among its lines. */
const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const NO_ROOM_SENTENCES = /No space left on device|quota exceeded|File too large/i;

/** Whether something failed because there is no room for it. */
function isForRoom(error: unknown): boolean {
  const {code, message} = error as NodeJS.ErrnoException;
  return NO_ROOM.includes(code!) || NO_ROOM_SENTENCES.test(message);
}
