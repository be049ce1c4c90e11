import {loadBinding} from '../lib/addon/binding.js';
import type {Detections} from '../lib/index.js';

/** One more than 16 bits tell apart. */
export const MANY = 65_536;

/** Objects of one pixel each, on an image of two pixels for each: object `id` is in pixel `2 * (id - 1)`. */
export async function manyObjects(count: number): Promise<Detections> {
  const {rle} = await loadBinding();
  const width = 256;
  const height = (2 * count) / width;
  const masks = Array.from({length: count}, (_, i): Detections['masks'][number] => {
    // Run lengths count column by column.
    const at = ((2 * i) % width) * height + Math.floor((2 * i) / width);
    const runs = [at, 1, width * height - at - 1];
    return {size: [height, width], counts: rle.fromRuns(runs, width, height)};
  });
  return {
    ...{width, height, masks},
    boxes: new Float32Array(4 * count),
    labels: new Int32Array(count).fill(1),
    classNames: masks.map(() => 'cell'),
    scores: new Float32Array(count).fill(0.5),
  };
}

/** The label mask of `manyObjects()`. */
export function labelsOfMany({width, height}: Detections): Int32Array {
  return Int32Array.from({length: width * height}, (_, i) => (i % 2 === 0 ? i / 2 + 1 : 0));
}
