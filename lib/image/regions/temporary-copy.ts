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

/**
 * Decodes an image once, row by row, into a tiled BigTIFF without compression in the temporary folder, and opens it.
 * The file is deleted at once: its space is free again when it is closed, however the process ends. What a process that
 * was killed before that has left is removed first. Throws WRITE_FAILED if the folder has too little room, and what
 * sharp throws.
 */
export async function openTemporaryCopy(
  image: Sharp,
  {file, width, height}: {file: string; width: number; height: number},
): Promise<FileHandle> {
  await removeAbandonedFolders();
  const root = tmpdir();
  const needed = width * height * 3 * OVERHEAD;
  const {bavail, bsize} = await statfs(root);
  if (bavail * bsize < needed) {
    throw new MaskRcnnError(
      'WRITE_FAILED',
      `A temporary copy of ${file} needs ${formatMemory(needed)}, and ${root} has ${formatMemory(bavail * bsize)}.`,
      {file, hint: 'Set TMPDIR to another folder, or save the image as a tiled TIFF, of which no copy is made.'},
    );
  }
  const folder = await makeTemporaryFolder('regions');
  try {
    const path = join(folder, 'image.tif');
    await image
      .removeAlpha()
      .toColourspace('srgb')
      .tiff({compression: 'none', tile: true, tileWidth: TILE, tileHeight: TILE, bigtiff: true})
      .toFile(path);
    return await open(path);
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}
