import {MaskRcnnError} from '../../basics/errors.js';
import {checkOptions, number} from '../../basics/schema.js';
import {inTurns} from '../../basics/turns.js';
import type {RgbImage} from '../rgb-image.js';

/** Options of `isBlank()`. */
export type BlankOptions = {
  /** The share of background from which on an image is blank, above 0, at most 1. Default 0.999. */
  share?: number;
};

/**
 * The largest saturation of the background, of 255: the threshold with which CLAM finds tissue in biopsies (Lu et al.,
 * Nature Biomedical Engineering 2021; `sthresh` of its presets is 8 or 15). CLAM smooths the saturation first.
 */
const MOST_SATURATION = 15;

/** The least brightness of the background, of 255. This package's own choice, without a source. */
const LEAST_BRIGHTNESS = 200;

/**
 * Whether an image is empty glass of a slide in bright field. A pixel is background if it is bright and has little
 * colour, in terms of HSV: value max(R, G, B) of at least 200, and saturation 255 (max - min) / max of at most 15. The
 * rule is the same for all images, with no threshold made for each slide (as by Otsu's method), so a tile tells by
 * itself. It does not fit fluorescence, where the background is dark. Throws INVALID_OPTION and INVALID_IMAGE.
 */
export async function isBlank(image: RgbImage, options: BlankOptions = {}): Promise<boolean> {
  checkOptions(options, {share: number({above: 0, max: 1})}, 'isBlank');
  const {share = 0.999} = options;
  const {data, width, height} = image;
  const pixels = width * height;
  if (!(data instanceof Uint8Array) || !(pixels > 0) || data.length !== pixels * 3) {
    throw new MaskRcnnError(
      'INVALID_IMAGE',
      `isBlank needs an RGB image, got ${width} × ${height} pixels in \
${data?.length} bytes.`,
    );
  }
  let background = 0;
  await inTurns(pixels, (from, to) => {
    for (let at = from * 3; at < to * 3; at += 3) {
      const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!];
      const brightest = Math.max(red, green, blue);
      const spread = brightest - Math.min(red, green, blue);
      if (brightest >= LEAST_BRIGHTNESS && 255 * spread <= MOST_SATURATION * brightest) background++;
    }
  });
  return background >= share * pixels;
}
