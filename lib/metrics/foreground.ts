import type {Sample} from '../datasets/sample.js';
import {decodeRle, type Rle} from '../rle.js';

/** The union of the instances of `sample`: width × height bytes of 0 and 1 in reading order. */
export function trueForeground({image, instances}: Sample): Uint8Array {
  const foreground = new Uint8Array(image.width * image.height);
  for (const {mask} of instances) {
    for (let y = 0; y < mask.height; y++) {
      const row = (mask.top + y) * image.width + mask.left;
      for (let x = 0; x < mask.width; x++) {
        if (mask.data[y * mask.width + x] !== 0) foreground[row + x] = 1;
      }
    }
  }
  return foreground;
}

/** The union of `masks`, all of one image of width × height pixels, as bytes of 0 and 1 in reading order. */
export function predictedForeground(masks: readonly Rle[], width: number, height: number): Uint8Array {
  const foreground = new Uint8Array(width * height);
  for (const mask of masks) {
    const bitmap = decodeRle(mask);
    for (let i = 0; i < foreground.length; i++) foreground[i]! |= bitmap[i]!;
  }
  return foreground;
}
