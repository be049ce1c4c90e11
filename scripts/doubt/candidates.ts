import type {RgbImage} from '../../lib/image/rgb-image.js';
import {type MaskRcnn, rleAreas} from '../../lib/index.js';
import {agreementOf, foregroundIou, matchesOf} from '../../lib/model/agreement.js';
import {doubtOf} from '../../lib/model/doubt.js';
import type {Found} from '../../lib/model/mirrored-views.js';
import {mean} from './ranks.js';

/** What definitions of doubt are made from, of one image. */
export type Looks = {
  /** What is found on each view, in coordinates of the image. */
  views: readonly Found[];
  /** The share of the pixels of all likely objects whose probability is between 0.3 and 0.7. */
  edges: number;
};

const LIKELY = 0.5;

/** The `edges` of what is found on the image as it is; 0 if there is no likely object. */
export async function edgesOf(model: MaskRcnn, image: RgbImage): Promise<number> {
  const areas = await Promise.all(
    [0.3, 0.7].map(async (maskThreshold) => {
      const [found] = await model.predict(image, {scoreThreshold: LIKELY, maskThreshold});
      return sum(await rleAreas(found!.masks));
    }),
  );
  return areas[0] === 0 ? 0 : 1 - areas[1]! / areas[0]!;
}

/** Definitions of the doubt of an image, by what they compare. All are larger where there is more doubt. */
export const CANDIDATES: Readonly<Record<string, (looks: Looks) => Promise<number> | number>> = {
  'objects and foregrounds': ({views}) => doubtOf(views),
  'objects alone': async ({views}) => {
    const all = await Promise.all(pairsOf(views).map(([one, other]) => agreementOf(one, other)));
    const weight = sum(all.map((both) => both.weight));
    return weight === 0 ? 0 : 1 - sum(all.map(({agreed}) => agreed)) / weight;
  },
  'foregrounds alone': async ({views}) =>
    mean(await Promise.all(pairsOf(views).map(async ([one, other]) => 1 - ((await foregroundIou(one, other)) ?? 1)))),
  'likely objects without a partner': async ({views}) =>
    mean(await Promise.all(pairsOf(views.map(likely)).map(([one, other]) => withoutPartner(one, other)))),
  'scores: the F1 to be expected': ({views}) => mean(views.map(({scores}) => 1 - expectedF1(Array.from(scores)))),
  'scores near the threshold': ({views}) =>
    mean(views.map(({scores}) => sum(scores.map((s) => s * (1 - s))) / Math.max(sum(scores), 1e-9))),
  'edges of masks': ({edges}) => edges,
};

/** The share of the objects of two views that have no partner, whose mask has an IoU of 0.5 at least. */
async function withoutPartner(one: Found, other: Found): Promise<number> {
  const all = one.scores.length + other.scores.length;
  const matched = (await matchesOf(one, other)).filter(({iou}) => iou >= 0.5);
  return all === 0 ? 0 : 1 - (2 * matched.length) / all;
}

/** The F1 of the likely objects, if the score of every object is its probability to be right. */
function expectedF1(scores: readonly number[]): number {
  const found = scores.filter((score) => score > LIKELY);
  return found.length === 0 ? 0 : (2 * sum(found)) / (found.length + sum(scores));
}

function likely(found: Found): Found {
  const kept = Array.from(found.scores.keys()).filter((i) => found.scores[i]! > LIKELY);
  const of = <T>(values: ArrayLike<T>) => kept.map((i) => values[i]!);
  return {
    ...found,
    boxes: Float32Array.from(kept.flatMap((i) => Array.from(found.boxes.subarray(4 * i, 4 * i + 4)))),
    labels: Int32Array.from(of(found.labels)),
    classNames: of(found.classNames),
    scores: Float32Array.from(of(found.scores)),
    masks: of(found.masks),
  };
}

function pairsOf<T>(values: readonly T[]): [T, T][] {
  return values.flatMap((one, i) => values.slice(i + 1).map((other): [T, T] => [one, other]));
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);
