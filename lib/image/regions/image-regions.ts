import {MaskRcnnError} from '../../basics/errors.js';
import type {RgbImage} from '../read-image.js';
import type {RegionSource} from './region-source.js';

/**
 * The regions of an image that is in memory, as `readImage()` gives it. `file` is its name in messages. Throws
 * INVALID_IMAGE if the pixels do not fit the size.
 */
export function regionsOfImage(image: RgbImage, file = 'The image'): RegionSource {
  const {data, width, height} = image;
  const isWhole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!isWhole || data.length !== width * height * 3) {
    throw new MaskRcnnError(
      'INVALID_IMAGE',
      `${file} must have 3 bytes for each of ${width} × ${height} pixels, got ${data.length} bytes.`,
      {file},
    );
  }
  return {
    file,
    width,
    height,
    level: 0,
    downsample: 1,
    micronsPerPixel: undefined,
    levels: [{width, height, downsample: 1}],
    async read(rect) {
      const {left, top} = rect;
      const [right, bottom] = [left + rect.width, top + rect.height];
      const isInside = [left, top, right, bottom].every(Number.isInteger) && left >= 0 && top >= 0;
      if (!isInside || left >= right || top >= bottom || right > width || bottom > height) {
        throw new MaskRcnnError(
          'INVALID_IMAGE',
          `A region of ${file} must lie inside its ${width} × ${height} pixels, ` +
            `got ${rect.width} × ${rect.height} at (${left}, ${top}).`,
          {file},
        );
      }
      const part = new Uint8Array(rect.width * rect.height * 3);
      for (let y = top; y < bottom; y++) {
        const row = data.subarray((y * width + left) * 3, (y * width + right) * 3);
        part.set(row, (y - top) * rect.width * 3);
      }
      return {data: part, width: rect.width, height: rect.height};
    },
    async close() {},
  };
}
