import type {Sample} from '../datasets/sample.js';
import {MaskRcnnError} from '../errors.js';
import type {Rle} from '../predict.js';

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
  for (const {counts} of masks) paint(counts, foreground, width, height);
  return foreground;
}

/** Sets the pixels of the runs of 1. The runs go down the columns. */
function paint(counts: string, foreground: Uint8Array, width: number, height: number): void {
  let position = 0;
  for (const [index, run] of runLengths(counts).entries()) {
    const end = position + run;
    if (run < 0 || end > foreground.length) {
      throw new MaskRcnnError('INVALID_MASK', `The run lengths must fill ${width} × ${height} pixels, got more.`);
    }
    if (index % 2 === 1) {
      for (; position < end; position++) foreground[(position % height) * width + Math.floor(position / height)] = 1;
    }
    position = end;
  }
}

/**
 * Unpacks COCO's counts string (cocoapi common/maskApi.c, rleFrString): each number is written in groups of 5 bits, low
 * ones first, bit 6 says that another group follows and the last group's top bit is the sign; from the fourth number
 * on it is the difference to the number two before.
 */
function runLengths(counts: string): number[] {
  const runs: number[] = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0;
    let shift = 0;
    let group: number;
    do {
      group = counts.charCodeAt(at++) - 48;
      value += (group & 31) * 2 ** shift;
      shift += 5;
    } while (group & 32 && at < counts.length);
    if (group & 16) value -= 2 ** shift;
    if (runs.length > 2) value += runs.at(-2)!;
    runs.push(value);
  }
  return runs;
}
