import {loadBinding} from '../addon/binding.js';
import {boxMask} from '../datasets/box-mask.js';
import {hasMask, type Instance, type MaskedInstance, type Sample} from '../datasets/dataset.js';
import type {Rle} from '../masks/rle.js';
import type {Detections} from '../model/detections.js';

/** The pixels of the objects on an image that an evaluation compares. */
export type Regions = {
  instances: readonly MaskedInstance[];
  /** One for each detection. */
  masks: readonly Rle[];
};

/**
 * The masks of an image's objects and detections. If the network makes none, or if only the box of some object is
 * known, these are the pixels of the boxes, on both sides.
 */
export async function regionsOf(
  {image: {width, height}, instances}: Sample,
  {boxes, scores, masks}: Pick<Detections, 'boxes' | 'scores' | 'masks'>,
  networkMasks: 'instance' | 'none',
): Promise<Regions> {
  if (networkMasks === 'instance' && instances.every(hasMask)) return {instances, masks};
  const {rle} = await loadBinding();
  const found = Array.from(scores, (_, i): Rle => {
    const counts = rle.encodeCrop(wholePixels([...boxes.subarray(4 * i, 4 * i + 4)]), width, height);
    return {size: [height, width], counts};
  });
  return {instances: instances.map((instance) => ({...instance, mask: wholePixels(instance.box)})), masks: found};
}

/** The pixels whose centre is in the box. */
function wholePixels(box: readonly number[]) {
  return boxMask(box.map(Math.round) as Instance['box']);
}
