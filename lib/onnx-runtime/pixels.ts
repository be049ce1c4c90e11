import {MaskRcnnError} from '../basics/errors.js';
import type {OnnxInput} from './file-metadata.js';

/**
 * An image as bytes of RGB or RGBA, row by row: the `ImageData` of a canvas, or what sharp gives as raw pixels. Alpha
 * is left out.
 */
export type OnnxPixels = {data: Uint8Array | Uint8ClampedArray; width: number; height: number};

/** Throws INVALID_IMAGE, with the image's `name`, unless the bytes fit the size. Returns the number of channels. */
export function checkPixels(image: OnnxPixels, name = 'The image of predict()'): 3 | 4 {
  const {data, width, height} = image ?? {};
  const pixels = width * height;
  const isWhole = [width, height].every((side) => Number.isSafeInteger(side) && side > 0);
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (isWhole && isBytes && data.length === pixels * 3) return 3;
  if (isWhole && isBytes && data.length === pixels * 4) return 4;
  const kind = Object.prototype.toString.call(data).slice('[object '.length, -1);
  const got = isBytes ? `${data.length} bytes for ${width} × ${height} pixels` : `data of type ${kind}`;
  throw new MaskRcnnError(
    'INVALID_IMAGE',
    `${name} must have 3 or 4 bytes for each pixel, of a width and height of at least 1, got ${got}.`,
    {
      hint:
        'Pass {data, width, height}, such as the ImageData of a canvas. Image files must be decoded before, and grey ' +
        "pixels become RGB: sharp(file).toColourspace('srgb').raw().",
    },
  );
}

/** The numbers of images in groups of one size with at most `most` images. */
export function groupsOfOneSize(images: readonly OnnxPixels[], most: number): number[][] {
  const groups: number[][] = [];
  const open = new Map<string, number[]>();
  for (const [number, {width, height}] of images.entries()) {
    const size = `${width} ${height}`;
    const group = open.get(size);
    if (group !== undefined && group.length < most) group.push(number);
    else {
      const begun = [number];
      open.set(size, begun);
      groups.push(begun);
    }
  }
  return groups;
}

/**
 * The pixels of images of one size as the file takes them: bytes [H,W,3], or floats [3,H,W] in 0..1, of one image after
 * the other. With `batch` the images are a first axis of `dims`.
 */
export function toInput(
  images: readonly OnnxPixels[],
  {input, batch}: {input: OnnxInput; batch: boolean},
): {data: Uint8Array | Float32Array; dims: number[]} {
  const {data: first, width, height} = images[0]!;
  const own = input === 'uint8' ? [height, width, 3] : [3, height, width];
  const dims = batch ? [images.length, ...own] : own;
  const length = width * height * 3;
  // ONNX Runtime takes no shared memory.
  if (input === 'uint8' && images.length === 1 && first.length === length && first.buffer instanceof ArrayBuffer) {
    return {data: new Uint8Array(first.buffer, first.byteOffset, length), dims};
  }
  const data = input === 'uint8' ? new Uint8Array(images.length * length) : new Float32Array(images.length * length);
  for (const [i, image] of images.entries()) {
    const part = data.subarray(i * length, (i + 1) * length);
    if (part instanceof Uint8Array) withoutAlpha(image, part);
    else toPlanes(image, part);
  }
  return {data, dims};
}

function withoutAlpha({data, width, height}: OnnxPixels, to: Uint8Array): void {
  if (data.length === to.length) {
    to.set(data);
    return;
  }
  for (let i = 0, at = 0; i < 4 * width * height; i += 4) {
    to[at++] = data[i]!;
    to[at++] = data[i + 1]!;
    to[at++] = data[i + 2]!;
  }
}

function toPlanes({data, width, height}: OnnxPixels, to: Float32Array): void {
  const pixels = width * height;
  const channels = data.length / pixels;
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < pixels; i++) to[channel * pixels + i] = data[i * channels + channel]! / 255;
  }
}
