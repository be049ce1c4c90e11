import {mapConcurrently} from '../basics/concurrently.js';
import {count, listed} from '../basics/wording.js';
import {contentDigest, middleDigest, sizeOf} from '../files/content.js';
import type {Dataset} from './dataset.js';
import {sourcesOf} from './sources.js';

/** Number of files that are read at the same time. */
const CONCURRENCY = 16;

/** Bytes in the middle of a file that are compared before the whole of it. Uncompressed images often have one size. */
const PIECE = 1 << 16;

/** An image file of the validation set, and one of the training set with the same content. */
export type SharedImage = {validation: string; training: string};

/** A file with the set that it is from. */
type Candidate = {file: string; side: 'training' | 'validation'};

/**
 * Finds the images of `validation` that are in `training`, too, in their order: the same file, or one with the same
 * content. Reads the sizes of all image files, a piece of those of one size, and the whole of those whose pieces are
 * equal. A data set without `sources` shares nothing. Throws the signal's reason.
 */
export async function sharedImages(
  training: Dataset,
  validation: Dataset,
  signal?: AbortSignal,
): Promise<SharedImage[]> {
  const images = {
    training: await imagesOf(training, 'training', signal),
    validation: await imagesOf(validation, 'validation', signal),
  };
  const bySize = await inBothSets([[...images.training, ...images.validation]], sizeOf, signal);
  const byPiece = await inBothSets(bySize, (file) => middleDigest(file, PIECE), signal);
  const byContent = await inBothSets(byPiece, (file) => contentDigest(file, signal), signal);
  const twins = new Map<Candidate, string>();
  for (const group of byContent) {
    const {file} = group.find(({side}) => side === 'training')!;
    for (const candidate of group) twins.set(candidate, file);
  }
  return images.validation.flatMap((candidate) => {
    const twin = twins.get(candidate);
    return twin === undefined ? [] : [{validation: candidate.file, training: twin}];
  });
}

/** A sentence that tells how many images are shared and names some; nothing if there are none. */
export function describeShared(shared: readonly SharedImage[]): string[] {
  if (shared.length === 0) return [];
  const names = shared.map(({validation, training}) =>
    validation === training ? validation : `${validation} (${training})`,
  );
  const are = shared.length === 1 ? 'is' : 'are';
  return [
    `${count(shared.length, 'image')} of the validation set ${are} also in the training set, which makes the scores too ` +
      `high: ${listed(names)}.`,
  ];
}

async function imagesOf(data: Dataset, side: Candidate['side'], signal: AbortSignal | undefined): Promise<Candidate[]> {
  const sources = (await sourcesOf(data, signal)) ?? [];
  // Samples may be tiles of the same image.
  const files = new Set(sources.flatMap(([file]) => file ?? []));
  return Array.from(files, (file) => ({file, side}));
}

/**
 * Divides each group into groups of equal `key` and keeps those with files of both sets. Files without a key, which
 * cannot be read, are left out.
 */
async function inBothSets(
  groups: readonly (readonly Candidate[])[],
  key: (file: string) => Promise<string | number | undefined>,
  signal: AbortSignal | undefined,
): Promise<Candidate[][]> {
  const candidates = groups.flatMap((group, number) => group.map((candidate) => ({candidate, number})));
  const keys = await mapConcurrently(candidates.length, CONCURRENCY, async (i) => {
    signal?.throwIfAborted();
    return key(candidates[i]!.candidate.file);
  });
  const divided = new Map<string, Candidate[]>();
  for (const [i, {candidate, number}] of candidates.entries()) {
    if (keys[i] === undefined) continue;
    const name = `${number} ${keys[i]}`;
    const others = divided.get(name);
    if (others === undefined) divided.set(name, [candidate]);
    else others.push(candidate);
  }
  return [...divided.values()].filter((group) => new Set(group.map(({side}) => side)).size === 2);
}
