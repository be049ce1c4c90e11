import type {Dataset} from '../datasets/dataset.js';

/** What it means for a network with or without masks that the training set says how many of its objects have masks. */
export function describeBoxesAlone({masks}: Dataset, networkMasks: 'instance' | 'none'): string[] {
  if (networkMasks === 'none' || masks === undefined || masks === 'all') return [];
  if (masks === 'some') return ['Only the box of some objects is known. They are left out of the mask loss.'];
  return [
    "No object of the training set has a mask, so the mask head is not trained. With option 'masks' as 'none' the " +
      'network has none, and predicts boxes alone.',
  ];
}
