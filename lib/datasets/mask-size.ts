import {MaskRcnnError} from '../basics/errors.js';
import type {ImagePair} from './folder-scan.js';

export type Size = {width: number; height: number};

/** Throws INVALID_MASK if a mask does not have the size of its image. */
export function checkSizes({image: file, mask: maskFile}: ImagePair, image: Size, mask: Size): void {
  if (image.width === mask.width && image.height === mask.height) return;
  const turned = image.width === mask.height && image.height === mask.width;
  throw new MaskRcnnError(
    'INVALID_MASK',
    `${maskFile} must be of the size of ${file}, ${image.width} × ${image.height}, got ${mask.width} × ${mask.height}.`,
    {
      file: maskFile,
      hint: turned
        ? 'One is turned by 90°: if the mask was drawn on the pixels as stored, pass exifOrientation: false.'
        : 'Image and mask must show the same pixels: export the mask again from this image.',
    },
  );
}
