import {fileURLToPath} from 'node:url';
import {MaskRcnnError} from '../../basics/errors.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import {type ImageSource, type RawImage, readImage, refuseForRaw} from '../../image/read-image.js';
import {regionsOfImage} from '../../image/regions/image-regions.js';
import {type LevelOptions, largeImage} from '../../image/regions/large-image.js';
import {givesOwnPixels} from '../../image/regions/open-regions.js';
import type {TileSource} from '../../image/regions/region-source.js';

/** `isOwn`: whether it is known that nobody else has the pixels of a read. */
export type OpenedTileSource = {source: TileSource; isOwn: boolean; close: () => Promise<void>};

/**
 * The regions of an image that tiles are read from, and how to close them. A file is opened as `openRegions()` does.
 * It is read with `pixels`, and as the model's images, `ofModel`. Pixels and bytes are in memory already. A source of
 * regions is used as it is, and stays open. `name` is that of an image that has none. Throws INVALID_IMAGE, and
 * INVALID_OPTION for a level of an image that is not a file, and for `pixels` of one that has pixels already.
 */
export async function openTileSource(
  image: ImageSource | TileSource,
  {name, level, pixels, ofModel}: {name: string; level: LevelOptions; pixels: PixelOptions; ofModel: PixelOptions},
): Promise<OpenedTileSource> {
  if (typeof image === 'string' || image instanceof URL) {
    const file = typeof image === 'string' ? image : fileURLToPath(image);
    const source = await (await largeImage(file, {...level, ...ofModel, ...pixels})).open();
    return {source, isOwn: true, close: () => source.close()};
  }
  const unread = Object.keys(level)[0];
  if (unread !== undefined) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option '${unread}' is for image files, and ${name} is not given as one.`,
    );
  }
  const close = async () => {};
  if (image instanceof Uint8Array) {
    return {source: regionsOfImage(await readImage(image, {name, ...ofModel, ...pixels}), name), isOwn: true, close};
  }
  const named = image?.file ?? name;
  refuseForRaw(pixels, named, 'the prediction');
  if (typeof (image as TileSource | null)?.read === 'function') {
    return {source: image as TileSource, isOwn: givesOwnPixels(image), close};
  }
  return {source: regionsOfImage(await readImage(image as RawImage, {name}), named), isOwn: true, close};
}
