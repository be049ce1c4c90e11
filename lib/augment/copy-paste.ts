import {callback, checkOptions, number, type Schema} from '../basics/schema.js';
import {boxMask} from '../datasets/box-mask.js';
import {hasMask, type Instance, type InstanceMask} from '../datasets/dataset.js';
import type {Augmentation} from './augmentation.js';
import {isSliver, withMask} from './warp.js';

/** Options of `copyPaste()`. */
export type CopyPasteOptions = {
  /** Probability that objects are pasted into an image, 0..1. Default 0.5. */
  chance?: number;
  /** Probability that an object of the other image is pasted, 0..1. Default 0.5. */
  share?: number;
  /** Augmentation of the other image before its objects are copied. Default: none. */
  augment?: Augmentation;
};

const share = number({min: 0, max: 1});
const COPY_PASTE: Schema = {chance: share, share, augment: callback};

/**
 * Pastes objects of another sample of the data set into the image (Ghiasi et al., "Simple copy-paste is a strong data
 * augmentation method for instance segmentation", 2021).
 *
 * Objects keep their position. If the two images differ in size, all objects are shifted by the same random amount. Use
 * `augment` for other positions and sizes. The masks of covered objects lose the covered pixels, which may split a mask
 * into several parts. Slivers that remain of cut instances are dropped. Objects without a mask are not pasted. Throws
 * INVALID_OPTION.
 */
export function copyPaste(options: CopyPasteOptions = {}): Augmentation {
  checkOptions(options, COPY_PASTE, 'copyPaste()');
  const {chance = 0.5, share = 0.5, augment} = options;
  return async (sample, random, context) => {
    if (!random.chance(chance)) return sample;
    const given = await context.another();
    const other = augment ? await augment(given, random, context) : given;
    const {width, height} = sample.image;
    const chosen = other.instances.filter(() => random.chance(share)).filter(hasMask);
    const shift = (own: number, others: number) =>
      Math.min(0, own - others) + random.integer(Math.abs(own - others) + 1);
    const [right, down] = [shift(width, other.image.width), shift(height, other.image.height)];

    const data = sample.image.data.slice();
    const covered = new Uint8Array(width * height);
    const pasted: Instance[] = [];
    for (const instance of chosen) {
      const {mask} = instance;
      const moved = trimmed(mask, (x, y) => {
        const [column, row] = [mask.left + x + right, mask.top + y + down];
        return column >= 0 && row >= 0 && column < width && row < height;
      });
      if (moved === undefined || isSliver(areaOf(moved), areaOf(mask))) continue;
      forEachPixel(moved, (x, y) => {
        const to = (y + down) * width + x + right;
        const from = (y * other.image.width + x) * 3;
        covered[to] = 1;
        for (let c = 0; c < 3; c++) data[to * 3 + c] = other.image.data[from + c]!;
      });
      pasted.push(withMask(instance, {...moved, left: moved.left + right, top: moved.top + down}));
    }

    const below = sample.instances.flatMap((instance) => {
      const {mask = boxMask(instance.box)} = instance;
      const seen = (x: number, y: number) => covered[(mask.top + y) * width + mask.left + x] === 0;
      const left = trimmed(mask, seen);
      if (left === undefined) return [];
      const [area, whole] = [areaOf(left), areaOf(mask)];
      if (area === whole) return [instance];
      if (isSliver(area, whole)) return [];
      // How far an object without a mask reaches under what covers it is not known: its box stays.
      return [instance.mask === undefined ? instance : withMask(instance, left)];
    });
    return {...sample, image: {...sample.image, data}, instances: [...below, ...pasted]};
  };
}

/**
 * `mask` without the pixels (x, y of the bitmap) that `keep` rejects, cropped to what remains; undefined if that is
 * empty.
 */
function trimmed(mask: InstanceMask, keep: (x: number, y: number) => boolean): InstanceMask | undefined {
  const {left, top, width, height} = mask;
  let [x0, y0, x1, y1] = [width, height, 0, 0];
  const kept = new Uint8Array(mask.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask.data[y * width + x] === 0 || !keep(x, y)) continue;
      kept[y * width + x] = 1;
      if (x < x0) x0 = x;
      if (x >= x1) x1 = x + 1;
      if (y < y0) y0 = y;
      y1 = y + 1;
    }
  }
  if (x1 === 0) return undefined;
  const data = new Uint8Array((x1 - x0) * (y1 - y0));
  for (let y = y0; y < y1; y++) data.set(kept.subarray(y * width + x0, y * width + x1), (y - y0) * (x1 - x0));
  return {left: left + x0, top: top + y0, width: x1 - x0, height: y1 - y0, data};
}

/** Calls `visit` with the image coordinates of each pixel of the mask. */
function forEachPixel({left, top, width, height, data}: InstanceMask, visit: (x: number, y: number) => void): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (data[y * width + x] === 1) visit(left + x, top + y);
  }
}

function areaOf({data}: InstanceMask): number {
  let area = 0;
  for (let i = 0; i < data.length; i++) area += data[i]!;
  return area;
}
