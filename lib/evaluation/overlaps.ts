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
  const counts = new Int32Array(columns * (mostOf(predicted) + 1));
  const shared = new Set<number>();
  for (let i = 0; i < truth.labels.length; i++) {
    const [label, other] = [truth.labels[i]!, predicted.labels[i]!];
    if (label === 0 || other === 0) continue;
    const key = other * columns + label;
    if (counts[key]!++ === 0) shared.add(key);
  }
  return [...shared]
    .sort((a, b) => a - b)
    .map((key) => ({predicted: Math.floor(key / columns), truth: key % columns, pixels: counts[key]!}));
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
