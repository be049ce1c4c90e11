import type {LabelMap} from './label-map.js';

/** The number of pixels that a predicted object shares with a ground-truth object, both given by their labels. */
export type Overlap = {predicted: number; truth: number; pixels: number};

/**
 * The pairs of objects that share pixels, sorted by predicted label, then by ground-truth label. Throws RangeError if
 * the maps differ in size.
 */
export function overlapsOf(predicted: LabelMap, truth: LabelMap): Overlap[] {
  if (predicted.width !== truth.width || predicted.height !== truth.height) {
    throw new RangeError(
      `The maps must have one size, got ${predicted.width} × ${predicted.height} and ${truth.width} × ${truth.height}.`,
    );
  }
  const columns = mostOf(truth) + 1;
  // Only of pairs that share pixels: a table of all pairs would need memory for their product.
  const counts = new Map<number, number>();
  const {length} = truth.labels;
  for (let i = 0; i < length; ) {
    const [label, other] = [truth.labels[i]!, predicted.labels[i]!];
    const start = i++;
    while (i < length && truth.labels[i] === label && predicted.labels[i] === other) i++;
    if (label === 0 || other === 0) continue;
    const key = other * columns + label;
    counts.set(key, (counts.get(key) ?? 0) + i - start);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([key, pixels]) => ({predicted: Math.floor(key / columns), truth: key % columns, pixels}));
}

/** Number of pixels by label. Label 0 is the background. */
export function areasOf(map: LabelMap): Int32Array {
  const areas = new Int32Array(mostOf(map) + 1);
  for (const label of map.labels) areas[label]!++;
  return areas;
}

function mostOf({labels}: LabelMap): number {
  return labels.reduce((most, label) => Math.max(most, label), 0);
}
