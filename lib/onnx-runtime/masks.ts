import {mapInTurns} from '../basics/turns.js';
import type {MaskFormat, Masks} from '../model/detections.js';
import {type Pasted, pasteMask} from './paste.js';
import {encodeRuns, type Rect} from './run-lengths.js';
import type {OnnxTensor} from './session.js';

type Size = {width: number; height: number};

/**
 * Masks [D,M,M] of probabilities over the boxes (D×4), in the format. Works in turns, so that the event loop runs on.
 */
export async function masksOfBoxes<F extends MaskFormat>(
  {data, dims}: OnnxTensor,
  boxes: Float32Array,
  {format, threshold, size, count}: {format: F; threshold: number; size: Size; count: number},
): Promise<Masks<F>> {
  const side = dims[1]!;
  const numbers = [...Array(count).keys()];
  const least = Math.fround(threshold);
  const masks = await mapInTurns<number, unknown>(numbers, (index) => {
    const mask = (data as Float32Array).subarray(index * side * side, (index + 1) * side * side);
    const pasted = pasteMask(mask, side, boxes.subarray(4 * index, 4 * index + 4), size);
    if (format === 'float') return onImage(new Float32Array(size.width * size.height), pasted, size, (value) => value);
    if (format === 'bitmap') {
      return onImage(new Uint8Array(size.width * size.height), pasted, size, (value) => (value >= least ? 1 : 0));
    }
    const {left, top, width, values} = pasted;
    const isObject = (x: number, y: number) => values[(y - top) * width + x - left]! >= least;
    return {size: [size.height, size.width], counts: encodeRuns(pasted, size, isObject)};
  });
  return masks as Masks<F>;
}

/** Masks [D,H,W] of 0 and 1, as run lengths or bitmaps. */
export async function masksOfImage<F extends MaskFormat>(
  {data}: OnnxTensor,
  boxes: Float32Array,
  {format, size, count}: {format: F; size: Size; count: number},
): Promise<Masks<F>> {
  const pixels = size.width * size.height;
  const numbers = [...Array(count).keys()];
  const masks = await mapInTurns<number, unknown>(numbers, (index) => {
    const bitmap = (data as Uint8Array).subarray(index * pixels, (index + 1) * pixels);
    if (format === 'bitmap') return bitmap.slice();
    const isObject = (x: number, y: number) => bitmap[y * size.width + x] === 1;
    const rect = surroundings(boxes.subarray(4 * index, 4 * index + 4), size);
    return {size: [size.height, size.width], counts: encodeRuns(rect, size, isObject)};
  });
  return masks as Masks<F>;
}

function onImage<T extends Float32Array | Uint8Array>(
  image: T,
  {left, top, width, height, values}: Pasted,
  size: Size,
  convert: (value: number) => number,
): T {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) image[(top + y) * size.width + left + x] = convert(values[y * width + x]!);
  }
  return image;
}

/** Twice the box, within the image. A mask's margin is at most that wide, whatever the number of its cells. */
function surroundings([x0, y0, x1, y1]: Float32Array, {width, height}: Size): Rect {
  const [marginX, marginY] = [(x1! - x0!) / 2 + 2, (y1! - y0!) / 2 + 2];
  const left = Math.max(0, Math.floor(x0! - marginX));
  const top = Math.max(0, Math.floor(y0! - marginY));
  return {
    left,
    top,
    width: Math.min(width, Math.ceil(x1! + marginX)) - left,
    height: Math.min(height, Math.ceil(y1! + marginY)) - top,
  };
}
