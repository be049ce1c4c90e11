/**
 * Divides samples so that each part has its share of every class: iterative stratification of Sechidis, Tsoumakas and
 * Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011, algorithm 1.
 */
import {Random} from '../basics/random.js';
import type {Dataset} from './dataset.js';
import {labelsOfImages} from './labels.js';

/** What is divided: groups of samples that stay together, with the labels of the objects of each sample. */
export type Stratified = {groups: readonly (readonly number[])[]; labels: readonly ArrayLike<number>[]};

/** A group: its samples, and per label how many of them have it, and how many objects of it they have. */
type Counted = {samples: readonly number[]; images: Map<number, number>; objects: Map<number, number>};

/** What a part still lacks of what it should have. */
type Lack = {samples: number; images: Map<number, number>; objects: Map<number, number>};

/** The labels of the objects of each sample. Throws errors of the data set. */
export async function labelsToStratify(data: Dataset, signal?: AbortSignal): Promise<(readonly number[])[]> {
  return labelsOfImages(data, {mayLack: () => false, signal});
}

/**
 * The part of each sample. `shares`: of the samples, that each part should have; their sum is 1. The class that is in
 * the fewest groups left comes first. Its groups go, one after another, to the part that lacks most of the images with
 * that class; of several, to the one that lacks most of its objects, then most images, then by `seed`. Groups without
 * objects follow. Groups of more images and objects come first, which the paper, with neither groups nor numbers of
 * objects, does not have. Each part has one group at least, so there must be as many.
 */
export function stratify({groups, labels}: Stratified, shares: readonly number[], seed: number): Int32Array {
  const random = new Random(seed);
  const left = new Set<Counted>(random.permutation(groups.length).map((place) => counted(groups[place]!, labels)));
  const lacks = shares.map((share) => lackOf([...left], share));
  const ofLabel = new Map<number, Counted[]>();
  for (const group of left) {
    for (const label of group.images.keys()) {
      if (!ofLabel.has(label)) ofLabel.set(label, []);
      ofLabel.get(label)!.push(group);
    }
  }
  const members: Counted[][] = shares.map(() => []);
  const give = (group: Counted, label: number | undefined) => {
    const order = random.permutation(shares.length);
    const part = order.reduce((best, other) => (compare(lacks[other]!, lacks[best]!, label) > 0 ? other : best));
    members[part]!.push(group);
    take(lacks[part]!, group);
    left.delete(group);
  };
  while (ofLabel.size > 0) {
    for (const [label, all] of ofLabel) {
      const others = all.filter((group) => left.has(group));
      if (others.length === 0) ofLabel.delete(label);
      else ofLabel.set(label, others);
    }
    const rarest = [...ofLabel].reduce<[number, Counted[]] | undefined>(
      (least, other) => (least === undefined || other[1].length < least[1].length ? other : least),
      undefined,
    );
    if (rarest === undefined) break;
    const [label, its] = rarest;
    for (const group of bySize(its, label)) give(group, label);
  }
  for (const group of bySize([...left])) give(group, undefined);
  fillEmpty(members);
  const parts = new Int32Array(labels.length);
  for (const [part, all] of members.entries())
    for (const {samples} of all) for (const sample of samples) parts[sample] = part;
  return parts;
}

function counted(samples: readonly number[], labels: readonly ArrayLike<number>[]): Counted {
  const images = new Map<number, number>();
  const objects = new Map<number, number>();
  for (const sample of samples) {
    const own = Array.from(labels[sample]!);
    for (const label of own) objects.set(label, (objects.get(label) ?? 0) + 1);
    for (const label of new Set(own)) images.set(label, (images.get(label) ?? 0) + 1);
  }
  return {samples, images, objects};
}

function lackOf(groups: readonly Counted[], share: number): Lack {
  const lack: Lack = {samples: 0, images: new Map(), objects: new Map()};
  for (const group of groups) {
    lack.samples += share * group.samples.length;
    for (const kind of ['images', 'objects'] as const) {
      for (const [label, number] of group[kind]) lack[kind].set(label, (lack[kind].get(label) ?? 0) + share * number);
    }
  }
  return lack;
}

function take(lack: Lack, {samples, images, objects}: Counted): void {
  lack.samples -= samples.length;
  for (const [label, number] of images) lack.images.set(label, lack.images.get(label)! - number);
  for (const [label, number] of objects) lack.objects.set(label, lack.objects.get(label)! - number);
}

/** Above 0 if `a` lacks more than `b`. Rounding of shares decides nothing. */
function compare(a: Lack, b: Lack, label: number | undefined): number {
  const differences = [
    ...(label === undefined
      ? []
      : [a.images.get(label)! - b.images.get(label)!, a.objects.get(label)! - b.objects.get(label)!]),
    a.samples - b.samples,
  ];
  return differences.find((difference) => Math.abs(difference) > 1e-6) ?? 0;
}

/** Sorting is stable, so groups of one size stay in random order. */
function bySize(groups: readonly Counted[], label?: number): Counted[] {
  const sizes = ({samples, images, objects}: Counted) =>
    label === undefined ? [samples.length, 0] : [images.get(label)!, objects.get(label)!];
  return [...groups].sort((a, b) => {
    const [sizesA, sizesB] = [sizes(a), sizes(b)];
    return sizesB[0]! - sizesA[0]! || sizesB[1]! - sizesA[1]!;
  });
}

/** Gives each part that has nothing the smallest group of the part with the most groups. */
function fillEmpty(members: Counted[][]): void {
  for (const part of members) {
    if (part.length > 0) continue;
    const largest = members.reduce((most, other) => (other.length > most.length ? other : most));
    const smallest = largest.reduce((least, other) => (other.samples.length <= least.samples.length ? other : least));
    largest.splice(largest.indexOf(smallest), 1);
    part.push(smallest);
  }
}
