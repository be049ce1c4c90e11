import type {Instance, InstanceMask} from '../datasets/sample.js';
import {callback, checkOptions, number, type Schema} from '../options-check.js';
import type {Augmentation} from './augmentation.js';
import {isSliver, withMask} from './warp.js';

export type CopyPasteOptions = {
  /** Probability that an image gets objects of another, 0..1. Default 0.5. */
  chance?: number;
  /** Probability of each object of the other image to be among them, 0..1. Default 0.5. */
  share?: number;
  /** What happens to the other image before. Default: nothing. */
  augment?: Augmentation;
};

const share = number({min: 0, max: 1});
const COPY_PASTE: Schema = {chance: share, share, augment: callback};

/**
 * Pastes objects of another sample of the data set over the image, all shifted alike, at a random place (Ghiasi et al.,
 * "Simple copy-paste is a strong data augmentation method for instance segmentation", 2021). What they cover is taken from
 * the masks below; of instances that are cut, slivers are dropped. Throws INVALID_OPTION.
 */
export function copyPaste(options: CopyPasteOptions = {}): Augmentation {
  checkOptions(options, COPY_PASTE, 'copyPaste()');
  const {chance = 0.5, share = 0.5, augment} = options;
  return async (sample, random, context) => {
    if (!random.chance(chance)) return sample;
    const given = await context.another();
    const other = augment ? await augment(given, random, context) : given;
    const {width, height} = sample.image;
    const chosen = other.instances.filter(() => random.chance(share));
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
        data.set(other.image.data.subarray(from, from + 3), to * 3);
      });
      pasted.push(withMask(instance, {...moved, left: moved.left + right, top: moved.top + down}));
    }

    const below = sample.instances.flatMap((instance) => {
      const {mask} = instance;
      const seen = (x: number, y: number) => covered[(mask.top + y) * width + mask.left + x] === 0;
      if (holdsEverywhere(mask, seen)) return [instance];
      const left = trimmed(mask, seen);
      return left === undefined || isSliver(areaOf(left), areaOf(mask)) ? [] : [withMask(instance, left)];
    });
    return {...sample, image: {...sample.image, data}, instances: [...below, ...pasted]};
  };
}

/** The part of `mask` whose pixels (x, y of the bitmap) `keep`, cropped anew; undefined where nothing is left. */
function trimmed(mask: InstanceMask, keep: (x: number, y: number) => boolean): InstanceMask | undefined {
  const {left, top, width} = mask;
  let [x0, y0, x1, y1] = [Infinity, Infinity, 0, 0];
  const kept = mask.data.map((on, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (on === 0 || !keep(x, y)) return 0;
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    return 1;
  });
  if (x1 === 0) return undefined;
  const data = new Uint8Array((x1 - x0) * (y1 - y0));
  for (let y = y0; y < y1; y++) data.set(kept.subarray(y * width + x0, y * width + x1), (y - y0) * (x1 - x0));
  return {left: left + x0, top: top + y0, width: x1 - x0, height: y1 - y0, data};
}

function holdsEverywhere({data, width}: InstanceMask, seen: (x: number, y: number) => boolean): boolean {
  return data.every((on, i) => on === 0 || seen(i % width, Math.floor(i / width)));
}

/** Calls back with each of the mask's pixels in its image. */
function forEachPixel({left, top, width, data}: InstanceMask, visit: (x: number, y: number) => void): void {
  for (const [i, on] of data.entries()) if (on) visit(left + (i % width), top + Math.floor(i / width));
}

const areaOf = ({data}: InstanceMask): number => data.reduce((sum, on) => sum + on, 0);
