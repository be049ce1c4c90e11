/** Several data sets as one, such as the training and the validation split of a data set. */
import {MaskRcnnError} from '../basics/errors.js';
import type {LevelOptions} from '../image/regions/large-image.js';
import type {Dataset} from './dataset.js';

/**
 * The samples of all `parts`, one part after the other, read on request. The ids of images are those of the parts if
 * none occurs twice. Optional members are there if all parts have them. Throws INVALID_DATASET if the classes differ.
 */
export function joined(parts: readonly Dataset[]): Dataset {
  const [first] = parts as [Dataset];
  const {classes, categoryIds, pixels} = first;
  for (const part of parts) {
    if (JSON.stringify(part.classes) === JSON.stringify(classes)) continue;
    const [expected, got] = [classes, part.classes].map((names) => names.join(', '));
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `Joined splits must have the same classes, got ${expected} and ${got}.`,
      {
        hint: 'Pass `classes`, in the order to use.',
      },
    );
  }
  const places = parts.flatMap((part) => Array.from({length: part.length}, (_, index) => ({part, index})));
  const has = (member: keyof Dataset) => parts.every((part) => part[member] !== undefined);
  const at = (index: number) => {
    const place = places[index];
    if (place !== undefined) return place;
    throw new RangeError(`The index must be in 0..${places.length - 1}, got ${index}.`);
  };
  const ids = places.map(({part, index}) => part.imageId?.(index) ?? index + 1);
  const areIdsUnique = new Set(ids).size === ids.length;
  const masks = new Set(parts.map((part) => part.masks ?? 'all'));
  return {
    length: places.length,
    classes,
    get notices() {
      return [...new Set(parts.flatMap((part) => part.notices ?? []))];
    },
    get: async (index) => of(at(index), (part, i) => part.get(i)),
    masks: masks.size === 1 ? [...masks][0]! : 'some',
    ...(has('size') && {size: async (index: number) => of(at(index), (part, i) => part.size!(i))}),
    ...(has('labels') && {labels: async (index: number) => of(at(index), (part, i) => part.labels!(i))}),
    ...(has('truth') && {truth: async (index: number) => of(at(index), (part, i) => part.truth!(i))}),
    ...(has('largeImage') && {
      largeImage: async (index: number, options: LevelOptions) =>
        of(at(index), (part, i) => part.largeImage!(i, options)),
    }),
    ...(has('objects') && {
      objects: async (index: number, size: {width: number; height: number}) =>
        of(at(index), (part, i) => part.objects!(i, size)),
    }),
    group: (index) => of(at(index), (part, i) => part.group?.(i)),
    ...(has('sources') && {sources: (index: number) => of(at(index), (part, i) => part.sources!(i))}),
    ...(has('fingerprint') && {fingerprint: JSON.stringify(parts.map((part) => part.fingerprint))}),
    ...(categoryIds !== undefined && {categoryIds}),
    ...(first.labelOf !== undefined && {labelOf: (id: number) => first.labelOf!(id)}),
    ...(pixels !== undefined && {pixels}),
    imageId: (index) => (areIdsUnique ? ids[index]! : index + 1),
  };
}

const of = <T>({part, index}: {part: Dataset; index: number}, read: (part: Dataset, index: number) => T): T =>
  read(part, index);
