import {loadSharp} from './load-sharp.js';
import type {RgbImage} from './rgb-image.js';

/** The pixels mirrored left to right, top to bottom, or both, off the main thread. */
export async function mirrorImage(
  {data, width, height}: RgbImage,
  {leftRight, topBottom}: {leftRight: boolean; topBottom: boolean},
): Promise<RgbImage> {
  const sharp = await loadSharp();
  const image = sharp(data, {raw: {width, height, channels: 3}, limitInputPixels: false});
  if (leftRight) image.flop();
  if (topBottom) image.flip();
  return {data: await image.raw().toBuffer(), width, height};
}
