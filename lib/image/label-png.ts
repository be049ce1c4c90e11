import {loadSharp} from './load-sharp.js';

/** A grey PNG of 16 bits. `labels` are row-major. */
export async function labelPng(labels: Uint16Array, width: number, height: number): Promise<Buffer> {
  const sharp = await loadSharp();
  // Without the colour space, libvips would write the upper 8 bits.
  return sharp(labels, {raw: {width, height, channels: 1}})
    .toColourspace('grey16')
    .png()
    .toBuffer();
}
