import type {Sample} from '../../lib/index.js';

export const side = 40;

/** A grey image with a ground-truth square in its corner. Its first byte is its index. */
export function squareSample(index: number, file: string): Sample {
  const data = new Uint8Array(side * side * 3).fill(100);
  data[0] = index;
  const mask = {left: 0, top: 0, width: 10, height: 10, data: new Uint8Array(100).fill(1)};
  const image = {data, width: side, height: side};
  return {file, image, instances: [{label: 1, box: [0, 0, 10, 10], mask}]};
}
