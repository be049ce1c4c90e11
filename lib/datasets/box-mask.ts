import type {InstanceMask} from './dataset.js';

/** A mask of all pixels that a box touches: x0, y0, x1, y1 with exclusive maxima. */
export function boxMask([x0, y0, x1, y1]: readonly [number, number, number, number]): InstanceMask {
  const [left, top] = [Math.floor(x0), Math.floor(y0)];
  const [width, height] = [Math.ceil(x1) - left, Math.ceil(y1) - top];
  return {left, top, width, height, data: new Uint8Array(width * height).fill(1)};
}
