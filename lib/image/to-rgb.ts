import {inTurns} from '../basics/turns.js';

/** RGB of grey, grey with alpha, RGB or RGBA, of 8 bits per channel, and whether some pixel is not opaque. */
export async function toRgb(
  data: Uint8Array | Uint8ClampedArray,
  {width, height, channels}: {width: number; height: number; channels: number},
): Promise<{rgb: Uint8Array; isTransparent: boolean}> {
  if (channels === 3) return {rgb: new Uint8Array(data.buffer, data.byteOffset, data.length), isTransparent: false};
  const rgb = new Uint8Array(width * height * 3);
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const alpha = channels % 2 === 0 ? channels - 1 : undefined;
  let isTransparent = false;
  await inTurns(width * height, (from, to) => {
    for (let i = from, at = from * channels, out = from * 3; i < to; i++, at += channels, out += 3) {
      rgb[out] = data[at]!;
      rgb[out + 1] = data[at + green]!;
      rgb[out + 2] = data[at + blue]!;
      if (alpha !== undefined && data[at + alpha]! < 255) isTransparent = true;
    }
  });
  return {rgb, isTransparent};
}
