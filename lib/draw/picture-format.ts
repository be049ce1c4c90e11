import {MaskRcnnError} from '../basics/errors.js';
import {integer, oneOf, type Schema} from '../basics/schema.js';
import type {RgbImage} from '../image/read-image.js';
import {compose} from './canvas.js';

export type PictureFormat = 'png' | 'jpeg' | 'webp';

/** How a picture is encoded. */
export type PictureOptions = {
  /**
   * Format of the picture. 'png' keeps every pixel; of photos, 'jpeg' and 'webp' make much smaller files. Default
   * 'png'.
   */
  format?: PictureFormat;
  /** Quality 1..100 of 'jpeg' and 'webp'. Default 90, at which thin contours stay sharp. */
  quality?: number;
};

export const PICTURE_SCHEMA: Schema = {
  format: oneOf('png', 'jpeg', 'webp'),
  quality: integer({min: 1, max: 100}),
};

const DEFAULT_QUALITY = 90;

const FORMATS = {
  png: {extension: '.png', mostPixels: Infinity},
  jpeg: {extension: '.jpg', mostPixels: 0xffff},
  webp: {extension: '.webp', mostPixels: 0x3fff},
} as const;

/** The extension of the files of a format, with its dot. */
export function pictureExtension(format: PictureFormat): string {
  return FORMATS[format].extension;
}

/** Throws INVALID_OPTION if `quality` is given for PNG, which loses nothing. `where` names the function or command. */
export function checkPictureOptions({format = 'png', quality}: PictureOptions, where: string): void {
  if (quality === undefined || format !== 'png') return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `${where} takes a quality for JPEG and WebP only, got ${quality} for PNG.`,
    {
      hint: "Choose the format 'jpeg' or 'webp', or leave the quality out: PNG keeps every pixel.",
    },
  );
}

/**
 * Encodes a picture with the SVG `elements` drawn over it. Throws INVALID_OPTION if a side is too long for the format.
 */
export async function encodePicture(
  picture: RgbImage,
  elements: readonly string[],
  {format = 'png', quality = DEFAULT_QUALITY}: PictureOptions,
): Promise<Buffer> {
  const {width, height} = picture;
  const {mostPixels} = FORMATS[format];
  if (Math.max(width, height) > mostPixels) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `A picture in the format '${format}' must have at most ${mostPixels} pixels on each side, got ${width} × ${height}.`,
      {hint: "Choose the format 'png'."},
    );
  }
  const composed = await compose(picture, elements);
  switch (format) {
    case 'jpeg':
      // At half the resolution of colours, thin contours would be blurred.
      return composed.jpeg({quality, chromaSubsampling: '4:4:4'}).toBuffer();
    case 'webp':
      return composed.webp({quality, smartSubsample: true}).toBuffer();
    default:
      return composed.png().toBuffer();
  }
}
