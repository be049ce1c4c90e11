import type {NativeImage, NativeTarget} from '../../binding.js';
import {hash} from './formula.js';

/** The parameters of an image and its objects. Every object fills its rectangle: left, top, width, height. */
export type Scene = {
  width: number;
  height: number;
  seed: number;
  objects: {rect: [number, number, number, number]; label: number}[];
};

/** The bitmap of object `index`: an ellipse, or for every third object a rectangle. */
function bitmap(index: number, width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const x = 2 * (i % width) + 1 - width;
    const y = 2 * Math.floor(i / width) + 1 - height;
    const inside = x * x * height * height + y * y * width * width <= width * width * height * height;
    data[i] = index % 3 === 2 || inside ? 1 : 0;
  }
  return data;
}

export function sceneTarget({objects}: Scene): NativeTarget {
  const bitmaps = objects.map(({rect}, index) => bitmap(index, rect[2], rect[3]));
  return {
    boxes: Float32Array.from(objects.flatMap(({rect: [x, y, w, h]}) => [x, y, x + w, y + h])),
    labels: Int32Array.from(objects, ({label}) => label),
    maskRects: Int32Array.from(objects.flatMap(({rect}) => rect)),
    maskData: Uint8Array.from(bitmaps.flatMap((data) => [...data])),
  };
}

/** A gradient with noise, and the objects in the colour of their label. */
export function sceneImage({width, height, seed, objects}: Scene): NativeImage {
  const values = new Float64Array(width * height * 3);
  for (let i = 0; i < values.length; i++) {
    const [channel, pixel] = [i % 3, Math.floor(i / 3)];
    values[i] = (pixel % width) + Math.floor(pixel / width) + 40 * channel + (hash(seed + i) & 31);
  }
  for (const [index, {rect, label}] of objects.entries()) {
    const [left, top, objectWidth, objectHeight] = rect;
    for (const [i, inside] of bitmap(index, objectWidth, objectHeight).entries()) {
      const pixel = (top + Math.floor(i / objectWidth)) * width + left + (i % objectWidth);
      for (let channel = 0; channel < 3; channel++) {
        values[pixel * 3 + channel]! += inside * (30 + 37 * label * (channel + 1));
      }
    }
  }
  return {data: Uint8Array.from(values, (value) => value % 256), width, height};
}

/** `target` without the masks of the instances `alone`. */
export function withoutMasks({maskRects, maskData, ...target}: NativeTarget, alone: readonly number[]): NativeTarget {
  const rects = maskRects.slice();
  const kept: number[] = [];
  let start = 0;
  for (let i = 0; i < rects.length / 4; i++) {
    const pixels = rects[4 * i + 2]! * rects[4 * i + 3]!;
    if (alone.includes(i)) rects.fill(0, 4 * i, 4 * i + 4);
    else kept.push(...maskData.subarray(start, start + pixels));
    start += pixels;
  }
  return {...target, maskRects: rects, maskData: Uint8Array.from(kept)};
}
