/** Writes tiled TIFFs that are large and of which no tile is there, which take a few bytes a tile. */
import {writeFile} from 'node:fs/promises';
import {TAG} from '../../../lib/image/tiff.js';
import {directoryAt, LONG, SHORT, tiffHeader} from '../../../lib/image/tiff-directory.js';

const TILE = 1024;

/** An RGB image without pixels: readers take the parts that a TIFF leaves out for black. */
export async function writeEmptySlide(path: string, width: number, height: number): Promise<void> {
  const tiles = new Uint32Array(Math.ceil(width / TILE) * Math.ceil(height / TILE));
  const start = tiffHeader(0).length;
  const directory = directoryAt(start, [
    [TAG.width, LONG, [width]],
    [TAG.height, LONG, [height]],
    [TAG.bits, SHORT, [8, 8, 8]],
    [TAG.compression, SHORT, [1]],
    [TAG.photometric, SHORT, [2]],
    [TAG.samples, SHORT, [3]],
    [TAG.tileWidth, LONG, [TILE]],
    [TAG.tileHeight, LONG, [TILE]],
    [TAG.tileOffsets, LONG, tiles],
    [TAG.tileBytes, LONG, tiles],
  ]);
  await writeFile(path, Buffer.concat([tiffHeader(start), directory]));
}
