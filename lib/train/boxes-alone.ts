import {type Dataset, hasMask, type Sample} from '../datasets/dataset.js';

/** What it means for a network with or without masks that the training set says how many of its objects have masks. */
export function describeBoxesAlone({masks}: Dataset, networkMasks: 'instance' | 'none'): string[] {
  if (networkMasks === 'none' || masks === undefined || masks === 'all') return [];
  if (masks === 'some') return ['Only the box of some objects is known. They are left out of the mask loss.'];
  return [
    "No object of the training set has a mask, so the mask head is not trained. With option 'masks' as 'none' the " +
      'network has none, and predicts boxes alone.',
  ];
}

/** Tells of the first sample with an object without a mask, for a training set that does not say what masks it has. */
export function boxesAloneTeller(
  {masks}: Dataset,
  networkMasks: 'instance' | 'none',
  say: (text: string) => void,
): (sample: Sample) => void {
  let isTold = networkMasks === 'none' || masks !== undefined;
  return ({file, instances}) => {
    if (isTold || instances.every(hasMask)) return;
    isTold = true;
    say(`${file} has an object without a mask. Such objects are left out of the mask loss.`);
  };
}
