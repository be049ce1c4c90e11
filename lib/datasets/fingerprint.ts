import {createHash} from 'node:crypto';
import {basename} from 'node:path';
import {mapConcurrently} from '../basics/concurrently.js';
import {inTurns, Turn} from '../basics/turns.js';
import {count, listed} from '../basics/wording.js';
import {contentDigest, sizeOf} from '../files/content.js';
import {PIXEL_OPTIONS, type PixelOptions} from '../image/pixel-options.js';
import type {Dataset} from './dataset.js';
import {sourcesOf} from './sources.js';

/** What tells a data set from another: see `fingerprintOf()`. It is saved with the state of a run. */
export type Fingerprint = {
  length: number;
  classes: readonly string[];
  /** The data set's own `fingerprint`. */
  own?: string | undefined;
  /** How the data set reads image files. Missing if it does not say, and in fingerprints of older versions. */
  pixels?: PixelOptions;
  /** Digest of the contents of the files that several samples share. */
  shared?: string;
  /** A digest of `DIGEST` characters for each sample, in order. A data set without `sources` has none. */
  samples?: string;
};

/** A difference between two data sets: the end of a sentence that begins with the name of the data set. */
export type Difference = {text: string; file?: string | undefined};

/** Characters of a sample's digest: 48 bits in base64. */
const DIGEST = 8;

/** Up to this size, the contents of the files are compared. The first epoch has to read them anyway. */
const COMPARED = {bytes: 512e6, samples: 10_000};

/** Number of files that are read at the same time. */
const CONCURRENCY = 16;

/** Samples between two looks at the clock. */
const SAMPLES_AT_ONCE = 100;

/**
 * The fingerprint of a data set. Files count by name, without folders, and by size. In data sets of at most 10,000
 * samples and 512 MB, they count by content, too. A file that samples of several images share, such as annotations,
 * always counts by content. Times of change do not count, because copying a file changes them. A missing file counts as
 * such.
 *
 * Throws the signal's reason, and errors of `data.sources()`.
 */
export async function fingerprintOf(data: Dataset, signal?: AbortSignal): Promise<Fingerprint> {
  const {length, classes, fingerprint: own, pixels} = data;
  const base = {length, classes: [...classes], own, ...(pixels && {pixels})};
  const sources = await sourcesOf(data, signal);
  if (sources === undefined) return base;
  const shared = repeated(sources);
  const ownFiles = (index: number) => sources[index]!.filter((file) => !shared.has(file));
  // Tiles of an image are samples with the same files.
  const files = [...new Set(Array.from({length}, (_, index) => ownFiles(index)).flat())];
  const sizes = await mapConcurrently(files.length, CONCURRENCY, async (i) => {
    signal?.throwIfAborted();
    return sizeOf(files[i]!);
  });
  const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const isSmall = bytes <= COMPARED.bytes && length <= COMPARED.samples;
  const described = await mapConcurrently(files.length, CONCURRENCY, async (i) => {
    const [file, size] = [files[i]!, sizes[i]];
    const isRead = isSmall && size !== undefined;
    return [file, [basename(file), size, isRead ? await contentDigest(file, signal) : undefined]] as const;
  });
  const descriptions = new Map(described);
  const digests: string[] = [];
  const digest = (from: number, to: number) => {
    for (let index = from; index < to; index++) {
      digests.push(digestOf(ownFiles(index).map((file) => descriptions.get(file))));
    }
  };
  await inTurns(length, digest, new Turn(), SAMPLES_AT_ONCE);
  const contents = await mapConcurrently(shared.size, 1, (i) => contentDigest([...shared][i]!, signal));
  return {...base, samples: digests.join(''), ...(shared.size > 0 && {shared: contents.join(' ')})};
}

/** How `data` with the fingerprint `now` differs from the data set with the fingerprint `before`. Empty: not at all. */
export function compareFingerprints(before: Fingerprint, now: Fingerprint, data: Dataset): Difference[] {
  if (before.length !== now.length) {
    return [{text: `must have its ${count(before.length, 'image')}, got ${now.length}`}];
  }
  const differences: Difference[] = [];
  const must = (what: string, then: string | undefined, got: string | undefined) => {
    if (then !== got) differences.push({text: `must have the ${what} ${then ?? 'none'}, got ${got ?? 'none'}`});
  };
  must('classes', before.classes.join(', '), now.classes.join(', '));
  const [ownBefore, ownNow] = [before.own, now.own].map(optionsIn);
  if (ownBefore === undefined || ownNow === undefined) must('fingerprint', before.own, now.own);
  else {
    // What `MaskFolder` and `Coco` say of themselves: only the options that differ are of interest.
    const names = new Set([...Object.keys(ownBefore), ...Object.keys(ownNow)]);
    for (const name of names) must(`option \`${name}\``, JSON.stringify(ownBefore[name]), JSON.stringify(ownNow[name]));
  }
  for (const name of Object.keys(PIXEL_OPTIONS) as (keyof PixelOptions)[]) {
    must(`option \`${name}\``, JSON.stringify(before.pixels?.[name]), JSON.stringify(now.pixels?.[name]));
  }
  if (before.samples === undefined || now.samples === undefined) return differences;
  if (before.shared !== now.shared) {
    const file = data.sources!(0).at(-1);
    differences.push({text: `must have its annotations, but ${file} has changed`, file});
  }
  return [...differences, ...compareSamples(partsOf(before.samples), partsOf(now.samples), data)];
}

/** The options in a fingerprint that is a JSON object; undefined for any other text. */
function optionsIn(fingerprint: string | undefined): Record<string, unknown> | undefined {
  if (!fingerprint?.startsWith('{')) return undefined;
  try {
    return JSON.parse(fingerprint);
  } catch {
    return undefined;
  }
}

function compareSamples(before: readonly string[], now: readonly string[], data: Dataset): Difference[] {
  const known = new Set(before);
  const fileOf = (index: number) => data.sources!(index)[0] ?? `image ${index + 1}`;
  const others = now.flatMap((digest, index) => (known.has(digest) ? [] : [fileOf(index)]));
  if (others.length > 0) {
    const what = others.length === 1 ? 'image or its mask is another one' : 'images or their masks are others';
    return [{text: `must have its files, but ${others.length} ${what}: ${listed(others)}`, file: others[0]}];
  }
  const moved = now.findIndex((digest, index) => digest !== before[index]);
  if (moved < 0) return [];
  const file = fileOf(moved);
  return [{text: `must have its images in the same order, but ${file} has another place`, file}];
}

/** The files of samples of several images. The image is the first file of a sample. */
function repeated(sources: readonly (readonly string[])[]): Set<string> {
  const imageOf = new Map<string, string>();
  const shared = new Set<string>();
  for (const files of sources) {
    for (const file of files) {
      const image = imageOf.get(file);
      if (image === undefined) imageOf.set(file, files[0]!);
      else if (image !== files[0]) shared.add(file);
    }
  }
  return shared;
}

function digestOf(value: unknown): string {
  return createHash('sha1').update(JSON.stringify(value)).digest('base64').slice(0, DIGEST);
}

function partsOf(samples: string): string[] {
  return Array.from({length: samples.length / DIGEST}, (_, i) => samples.slice(i * DIGEST, (i + 1) * DIGEST));
}
