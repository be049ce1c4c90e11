import {join} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import type {Rule} from '../../basics/schema.js';
import {findPlace} from '../../distributed/place.js';

/** Part `number` of `of` parts, counted from 1. */
export type Shard = {number: number; of: number};

const parse = (value: unknown): Shard | undefined => {
  const [, number, of] = (/^(\d+)\/(\d+)$/.exec(String(value)) ?? []).map(Number);
  const fits = typeof value === 'string' && number! >= 1 && number! <= of!;
  return fits ? {number: number!, of: of!} : undefined;
};

/** 'K/N': part K of N. */
export const shardRule: Rule = {
  expected: "a part K/N, such as '3/8', with K in 1..N",
  accepts: (value) => parse(value) !== undefined,
};

/** The part that the option `shard` names, or else the launcher of this process; undefined for all. */
export function shardOf(option: string | undefined): Shard | undefined {
  if (option !== undefined) return parse(option);
  const place = findPlace();
  return place && {number: place.rank + 1, of: place.size};
}

/** Every N-th of `items`, so that parts are alike whatever the order is. Throws INVALID_OPTION if that is none. */
export function partOf<T>(items: readonly T[], shard: Shard | undefined): readonly T[] {
  if (shard === undefined) return items;
  const {number, of} = shard;
  const part = items.filter((_, i) => i % of === number - 1);
  if (part.length > 0) return part;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `Part ${number} of ${of} must have an image, and there are ${items.length}.`,
  );
}

/** The place among all items of item `i` of a part, counted from 0. */
export function indexOf(i: number, shard: Shard | undefined): number {
  return shard === undefined ? i : i * shard.of + shard.number - 1;
}

const NAME = /^part-(\d+)-of-(\d+)$/;

/** The part that a folder is of by its name; undefined if it is none. */
export function shardOfFolder(name: string): Shard | undefined {
  const [, number, of] = NAME.exec(name) ?? [];
  return of === undefined ? undefined : parse(`${number}/${of}`);
}

/** The folder for the files of a part: each part has its own, since some files are of all its images. */
export function shardFolder(folder: string, shard: Shard | undefined): string {
  return shard === undefined ? folder : join(folder, `part-${shard.number}-of-${shard.of}`);
}
