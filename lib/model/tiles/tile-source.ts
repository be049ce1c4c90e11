import {fileURLToPath} from 'node:url';
import {MaskRcnnError} from '../../basics/errors.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import {type ImageSource, readImage} from '../../image/read-image.js';
import {regionsOfImage} from '../../image/regions/image-regions.js';
import {type LevelOptions, largeImage} from '../../image/regions/large-image.js';
import type {TileSource} from '../../image/regions/region-source.js';

/**
 * The regions of an image that tiles are read from, and how to close them. A file is opened as `openRegions()` does.
 * Pixels and bytes are in memory already. A source of regions is used as it is, and stays open. `name` is that of an
 * image that has none. Throws INVALID_IMAGE, and INVALID_OPTION for a level of an image that is not a file.
 */
export async function openTileSource(
  image: ImageSource | TileSource,
  {name, level, pixels}: {name: string; level: LevelOptions; pixels: PixelOptions},
): Promise<{source: TileSource; close: () => Promise<void>}> {
  if (typeof image === 'string' || image instanceof URL) {
    const file = typeof image === 'string' ? image : fileURLToPath(image);
    const source = await (await largeImage(file, {...level, ...pixels})).open();
    return {source, close: () => source.close()};
  }
  const unread = Object.keys(level)[0];
  if (unread !== undefined) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option '${unread}' is for image files, and ${name} is not given as one.`,
    );
  }
  const close = async () => {};
  if (typeof (image as TileSource | null)?.read === 'function') return {source: image as TileSource, close};
  const pixelsOf = image as Exclude<ImageSource, string | URL>;
  const file = pixelsOf instanceof Uint8Array ? undefined : pixelsOf?.file;
  return {source: regionsOfImage(await readImage(pixelsOf, {name, ...pixels}), file ?? name), close};
}
