import {MaskRcnnError, sentenceOf} from '../../basics/errors.js';
import {inTurns} from '../../basics/turns.js';
import {show} from '../../basics/wording.js';
import type {RgbImage} from '../../image/read-image.js';
import {isBlank} from '../../image/regions/blank.js';
import type {TileSource} from '../../image/regions/region-source.js';
import type {TileGrid} from '../../image/regions/tile-grid.js';
import type {Rect} from '../../masks/placed-mask.js';

/** Names tile `index` in messages. */
export function nameOf(index: number, grid: TileGrid, source: Required<TileSource>): string {
  const {left, top, width, height} = grid.tile(index);
  return `Tile ${index + 1} of ${grid.count} of ${source.file} (${width} × ${height} pixels at ${left}, ${top})`;
}

/**
 * An error about a tile, with the name of the tile and the file. What is no error of this package becomes INVALID_IMAGE
 * with what was thrown as its cause.
 */
export function errorOfTile(error: unknown, name: string, {file}: Required<TileSource>): MaskRcnnError {
  if (!(error instanceof MaskRcnnError)) {
    const reason = error instanceof Error ? error.message : show(error);
    return new MaskRcnnError('INVALID_IMAGE', `${name} cannot be read: ${reason}`, {file, cause: error});
  }
  const {code, hint} = error;
  const details = {file, ...(hint !== undefined && {hint}), cause: error};
  return new MaskRcnnError(code, `${name}: ${sentenceOf(error)}`, details);
}

/** Reads a tile. Undefined if it is blank. Throws INVALID_IMAGE, with the name of the tile. */
export async function readTile(
  source: Required<TileSource>,
  grid: TileGrid,
  index: number,
  skipBlank: number | 'glass' | undefined,
): Promise<RgbImage | undefined> {
  const name = nameOf(index, grid, source);
  const tile = grid.tile(index);
  let image: RgbImage;
  try {
    image = await source.read(tile);
  } catch (error) {
    throw errorOfTile(error, name, source);
  }
  checkRegion(image, tile, name, source.file);
  if (skipBlank === undefined) return image;
  return (await (skipBlank === 'glass' ? isBlank(image) : isUniform(image, skipBlank))) ? undefined : image;
}

function checkRegion({data, width, height}: RgbImage, tile: Rect, name: string, file: string): void {
  if (width === tile.width && height === tile.height && data?.length === width * height * 3) return;
  throw new MaskRcnnError(
    'INVALID_IMAGE',
    `${name} was read as ${width} × ${height} pixels in ${data?.length} bytes, instead of 3 bytes for each pixel.`,
    {file},
  );
}

/** Whether the values of each channel differ by at most `most`. */
async function isUniform({data}: RgbImage, most: number): Promise<boolean> {
  const least = [255, 255, 255];
  const highest = [0, 0, 0];
  let blank = true;
  await inTurns(data.length / 3, (from, to) => {
    for (let c = 0; blank && c < 3; c++) {
      for (let i = 3 * from + c; i < 3 * to; i += 3) {
        const value = data[i]!;
        if (value < least[c]!) least[c] = value;
        if (value > highest[c]!) highest[c] = value;
      }
      blank = highest[c]! - least[c]! <= most;
    }
  });
  return blank;
}
