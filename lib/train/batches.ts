/**
 * Which samples an epoch takes, in order: take number `index + k * samples` is sample `index`, taken for the time k,
 * counted from 0. `random` gives a number in [0, 1) for each sample.
 */
export function takesOf(repeats: ArrayLike<number>, random: (index: number) => number): number[] {
  const takes: number[] = [];
  for (let index = 0; index < repeats.length; index++) {
    const whole = Math.floor(repeats[index]!);
    const fraction = repeats[index]! - whole;
    const times = whole + (fraction > 0 && random(index) < fraction ? 1 : 0);
    for (let k = 0; k < times; k++) takes.push(index + k * repeats.length);
  }
  return takes;
}

/**
 * Fills one batch per group. Full batches come in the order in which they fill up, followed by the incomplete batch of
 * each group. torchvision's GroupedBatchSampler instead completes those with earlier samples.
 */
export function formBatches(
  order: readonly number[],
  {
    batchSize,
    dropLast,
    groups,
    samples,
  }: {batchSize: number; dropLast: boolean; groups: readonly number[] | undefined; samples: number},
): number[][] {
  const batches: number[][] = [];
  const filling = new Map<number, number[]>();
  for (const take of order) {
    const group = groups?.[take % samples] ?? 0;
    const batch = [...(filling.get(group) ?? []), take];
    filling.set(group, batch.length === batchSize ? [] : batch);
    if (batch.length === batchSize) batches.push(batch);
  }
  return dropLast ? batches : [...batches, ...[...filling.values()].filter(({length}) => length > 0)];
}

/** The part of a batch that process `rank` of `size` takes. */
export function partOf(batch: readonly number[], {rank, size}: {rank: number; size: number}): readonly number[] {
  const begin = (rank: number) => Math.ceil((batch.length * rank) / size);
  return batch.slice(begin(rank), begin(rank + 1));
}
