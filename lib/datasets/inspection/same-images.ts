import {count} from '../../basics/wording.js';

/**
 * An image of which only its name and the digest of its pixels are kept. An image of one colour without objects has
 * none: empty tiles of slides are equal, and no copies.
 */
export type DigestedImage = {file: string; digest: string | undefined};

/** An image as `inspect()` names it. `split` is the name of its part of the data set, if several are compared. */
export type NamedImage = {file: string; split?: string};

/**
 * Groups of images with identical pixels, in the order of the first image of each. Equal files have equal pixels, so
 * they are among them.
 */
export function sameImages<Image extends DigestedImage>(images: readonly Image[]): Image[][] {
  const byDigest = new Map<string, Image[]>();
  for (const image of images) {
    if (image.digest === undefined) continue;
    const others = byDigest.get(image.digest);
    if (others === undefined) byDigest.set(image.digest, [image]);
    else others.push(image);
  }
  return [...byDigest.values()].filter(({length}) => length > 1);
}

/** Number of groups, and of images of a group, that are named. The members `doubledImages` and `shared` have all. */
const MOST_GROUPS = 10;
const MOST_FILES = 5;

/** A sentence for each of the first groups, and one on how many more there are. */
export function describeSameImages(groups: readonly (readonly NamedImage[])[]): string[] {
  const sentences = groups.slice(0, MOST_GROUPS).map((group) => {
    const names = group
      .slice(0, MOST_FILES)
      .map(({file, split}) => (split === undefined ? file : `${file} (${split})`));
    const more = group.length - names.length;
    return `${names.join(' and ')}${more > 0 ? ` and ${count(more, 'more image')}` : ''} are the same image.`;
  });
  const more = groups.length - sentences.length;
  return more > 0 ? [...sentences, `${count(more, 'more image')} occur several times.`] : sentences;
}
