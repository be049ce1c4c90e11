import {MaskRcnnError} from '../../basics/errors.js';
import {callback, checkOptions, type Schema} from '../../basics/schema.js';
import {count, show} from '../../basics/wording.js';
import type {Dataset} from '../dataset.js';
import {type Inspection, type InspectOptions, inspectImages} from '../inspect.js';
import {describeInspection} from './describe-inspection.js';
import {type DigestedImage, describeSameImages, sameImages} from './same-images.js';

/** Options of `inspectSplits()`: those of `inspect()`, with another `onImage`. */
export type InspectSplitsOptions = Omit<InspectOptions, 'onImage'> & {
  /** Called after each image with the name of its split and the number of finished images of that split. */
  onImage?: (split: string, done: number) => void;
};

/** Images with identical pixels, of which at least two are in different splits. */
export type SharedPixels = {split: string; file: string}[];

/** Result of `inspectSplits()`. */
export type SplitsInspection = {
  /** What `inspect()` finds in each split, by its name. */
  splits: Record<string, Inspection>;
  /** Images that are in several splits, in the order of the first split. */
  shared: SharedPixels[];
  /** Things to check about the splits together, as sentences. */
  warnings: string[];
};

const OPTIONS: Schema = {onImage: callback};

/**
 * Does what `inspect()` does for each of `splits`, such as {train, validation}, and finds the images that are in
 * several of them. Images are compared by their decoded pixels, so a copy is found under any name and in any format
 * without loss. Each image is decoded once. Throws INVALID_OPTION, or the signal's reason.
 */
export async function inspectSplits(
  splits: Readonly<Record<string, Dataset>>,
  options: InspectSplitsOptions = {},
): Promise<SplitsInspection> {
  if (typeof splits !== 'object' || splits === null || Object.keys(splits).length === 0) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `inspectSplits() takes an object of data sets by name, got ${show(splits)}.`,
    );
  }
  const {onImage, ...others} = options;
  checkOptions({onImage}, OPTIONS, 'inspectSplits()');
  const inspections: Record<string, Inspection> = {};
  const all: (DigestedImage & {split: string})[] = [];
  for (const [split, data] of Object.entries(splits)) {
    const {inspection, images} = await inspectImages(data, {
      ...others,
      ...(onImage && {onImage: (done: number) => onImage(split, done)}),
    });
    inspections[split] = inspection;
    for (const {file, digest} of images) all.push({file, digest, split});
  }
  const shared = sharedPixels(all);
  return {splits: inspections, shared, warnings: describeSharedPixels(shared)};
}

/** The groups of images with identical pixels that are not all in one split. */
export function sharedPixels(images: readonly (DigestedImage & {split: string})[]): SharedPixels[] {
  return sameImages(images)
    .filter((group) => new Set(group.map(({split}) => split)).size > 1)
    .map((group) => group.map(({split, file}) => ({split, file})));
}

/** Sentences on the images that are in several splits; none if there are none. */
export function describeSharedPixels(shared: readonly SharedPixels[]): string[] {
  if (shared.length === 0) return [];
  const are = shared.length === 1 ? 'image is' : 'images are';
  return [
    `${shared.length} ${are} in several splits, which makes the scores on one of them too high.`,
    ...describeSameImages(shared),
  ];
}

/** Describes the inspection of splits as text: that of each split below its name, then what they share. */
export function describeSplits({splits, shared, warnings}: SplitsInspection): string {
  const parts = Object.entries(splits).map(([name, inspection]) => `${name}: ${describeInspection(inspection)}`);
  const together =
    warnings.length === 0
      ? ['No image is in several splits.']
      : [...warnings.map((warning) => `Warning: ${warning}`), `${count(shared.length, 'image')} in several splits.`];
  return [...parts, together.join('\n')].join('\n\n');
}
