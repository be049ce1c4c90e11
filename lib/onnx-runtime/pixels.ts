import {MaskRcnnError} from '../basics/errors.js';
import type {OnnxInput} from './file-metadata.js';

/**
 * An image as bytes of RGB or RGBA, row by row: the `ImageData` of a canvas, or what sharp gives as raw pixels. Alpha
 * is left out.
 */
export type OnnxPixels = {data: Uint8Array | Uint8ClampedArray; width: number; height: number};

/** Throws INVALID_IMAGE unless the number of bytes fits the size. Returns the number of channels. */
export function checkPixels(image: OnnxPixels): 3 | 4 {
  const {data, width, height} = image ?? {};
  const pixels = width * height;
  const isWhole = [width, height].every((side) => Number.isSafeInteger(side) && side > 0);
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (isWhole && isBytes && data.length === pixels * 3) return 3;
  if (isWhole && isBytes && data.length === pixels * 4) return 4;
  const got = isBytes ? `${data.length} bytes for ${width} × ${height} pixels` : `a ${typeof data} as data`;
  throw new MaskRcnnError(
    'INVALID_IMAGE',
    `The image of predict() must have 3 or 4 bytes for each pixel, of a width and height of at least 1, got ${got}.`,
    {hint: 'Pass {data, width, height}, such as the ImageData of a canvas. Image files must be decoded before.'},
  );
}

/** The pixels as the file takes them: bytes [H,W,3], or floats [3,H,W] in 0..1. */
export function toInput(image: OnnxPixels, input: OnnxInput): {data: Uint8Array | Float32Array; dims: number[]} {
  const channels = checkPixels(image);
  const {data, width, height} = image;
  const pixels = width * height;
  if (input === 'uint8') {
    const dims = [height, width, 3];
    if (channels === 3) return {data: new Uint8Array(data.buffer, data.byteOffset, data.length), dims};
    const rgb = new Uint8Array(pixels * 3);
    for (let i = 0, from = 0, to = 0; i < pixels; i++, from += 4) {
      rgb[to++] = data[from]!;
      rgb[to++] = data[from + 1]!;
      rgb[to++] = data[from + 2]!;
    }
    return {data: rgb, dims};
  }
  const planes = new Float32Array(pixels * 3);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < pixels; i++) planes[channel * pixels + i] = data[i * channels + channel]! / 255;
  }
  return {data: planes, dims: [3, height, width]};
}
