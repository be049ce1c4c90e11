import {hausdorff, type Points, type Shape} from './hausdorff.js';
import type {LabelMap} from './label-map.js';
import {meanScores, share} from './mean-scores.js';
import {areasOf, type Overlap, overlapsOf} from './overlaps.js';
import {type DetectionScores, detectionScores, type ObjectTally, tallyOf, truePositives} from './true-positives.js';

/** The contribution of one image to the scores: see `objectScores()`. */
export type ObjectCounts = ObjectTally & {
  /** Total number of pixels of the ground-truth objects and of the predicted objects. */
  trueArea: number;
  predictedArea: number;
  /** For each side, the sum over its objects of area × score with the partner. */
  dice: {truth: number; predicted: number};
  hausdorff: {truth: number; predicted: number};
};

/**
 * Object scores of the GlaS contest: Sirinukunwattana et al., "Gland segmentation in colon histology images: The GlaS
 * challenge contest", Medical Image Analysis 35, 2017, section 4.
 */
export type ObjectScores = DetectionScores & {
  /**
   * Dice coefficient of each object and the one that it overlaps most, weighted by area and averaged over both sides,
   * 0..1; null if neither side has objects.
   */
  dice: number | null;
  /**
   * Hausdorff distance of the same pairs in pixels, weighted and averaged likewise; 0 is best. An object that overlaps
   * none is paired with the nearest one. null if neither side has objects.
   */
  hausdorff: number | null;
};

/**
 * Scores of a data set: averaged over images, and computed from the objects of all images together. The tally is of all
 * images together too: `pooled.precision` is truePositives / predicted.
 */
export type ObjectSummary = ObjectTally & {
  images: number;
  /** Images without ground-truth objects. `mean` leaves them out; `pooled` counts what is predicted there as wrong. */
  emptyImages: number;
  /** Mean number of predicted objects on an image without ground-truth objects; null if there is no such image. */
  falseAlarmsPerEmptyImage: number | null;
  /** Over the images with ground-truth objects. Images on which nothing is predicted have no precision. */
  mean: ObjectScores;
  pooled: ObjectScores;
};

type Extent = {left: number; top: number; right: number; bottom: number};

type LabelledObject = Shape & {extent: Extent; area: number; partner: LabelledObject | undefined; overlap: number};

/**
 * Compares the objects of two maps of the same image. The paper defines no distance if one side has no objects. In that
 * case each object of the other side counts with the length of the image's diagonal; the contest's own program gives
 * infinity. `detections` is the number of detections that `predictedMap` was made of, if not all of them are in it.
 */
export function compareObjects(predictedMap: LabelMap, trueMap: LabelMap, detections?: number): ObjectCounts {
  const {width, height} = trueMap;
  const overlaps = overlapsOf(predictedMap, trueMap);
  const [truth, predicted] = [objectsOf(trueMap), objectsOf(predictedMap)];
  pairUp(truth, predicted, overlaps);
  const [trueObjects, predictedObjects] = [[...truth.values()], [...predicted.values()]];

  const dice = ({area, partner, overlap}: LabelledObject) =>
    partner === undefined ? 0 : (2 * overlap) / (area + partner.area);
  const distance = (object: LabelledObject, others: readonly LabelledObject[]) =>
    object.partner === undefined
      ? nearest(object, others, Math.hypot(width, height))
      : hausdorff(object, object.partner);
  return {
    truth: trueObjects.length,
    predicted: predictedObjects.length,
    truePositives: truePositives(overlaps, areasOf(trueMap)).size,
    dropped: (detections ?? predicted.size) - predicted.size,
    trueArea: weighted(trueObjects, () => 1),
    predictedArea: weighted(predictedObjects, () => 1),
    dice: {truth: weighted(trueObjects, dice), predicted: weighted(predictedObjects, dice)},
    hausdorff: {
      truth: weighted(trueObjects, (object) => distance(object, predictedObjects)),
      predicted: weighted(predictedObjects, (object) => distance(object, trueObjects)),
    },
  };
}

export function objectScores(counts: ObjectCounts): ObjectScores {
  const {truth, predicted, trueArea, predictedArea} = counts;
  // A side without objects has no score, so the other side alone decides.
  const bothSides = (sums: {truth: number; predicted: number}) => {
    const sides = [
      ...(truth > 0 ? [sums.truth / trueArea] : []),
      ...(predicted > 0 ? [sums.predicted / predictedArea] : []),
    ];
    return share(
      sides.reduce((sum, side) => sum + side, 0),
      sides.length,
    );
  };
  return {
    ...detectionScores(counts),
    dice: bothSides(counts.dice),
    hausdorff: bothSides(counts.hausdorff),
  };
}

/** Summarises the images of a data set. `images` must not be empty. */
export function summarizeObjects(images: readonly ObjectCounts[]): ObjectSummary {
  if (images.length === 0) throw new RangeError('A summary needs at least one image, got none.');
  const total = images.reduce(added);
  const empty = images.filter(({truth}) => truth === 0);
  return {
    images: images.length,
    ...tallyOf(total),
    emptyImages: empty.length,
    falseAlarmsPerEmptyImage: share(
      empty.reduce((sum, {predicted}) => sum + predicted, 0),
      empty.length,
    ),
    mean: meanScores(
      images.map((counts) => ({scores: objectScores(counts), isEmpty: counts.truth === 0})),
      ['f1', 'precision', 'recall', 'dice', 'hausdorff'],
    ),
    pooled: objectScores(total),
  };
}

function added(a: ObjectCounts, b: ObjectCounts): ObjectCounts {
  const sides = (name: 'dice' | 'hausdorff') => ({
    truth: a[name].truth + b[name].truth,
    predicted: a[name].predicted + b[name].predicted,
  });
  return {
    truth: a.truth + b.truth,
    predicted: a.predicted + b.predicted,
    truePositives: a.truePositives + b.truePositives,
    dropped: a.dropped + b.dropped,
    trueArea: a.trueArea + b.trueArea,
    predictedArea: a.predictedArea + b.predictedArea,
    dice: sides('dice'),
    hausdorff: sides('hausdorff'),
  };
}

function weighted(objects: readonly LabelledObject[], score: (object: LabelledObject) => number): number {
  return objects.reduce((sum, object) => sum + object.area * score(object), 0);
}

/**
 * Distance to the nearest of `others`, or `without` if there are none. Begins with the one whose extent is nearest,
 * because most others are then too far away to be compared pixel by pixel.
 */
function nearest(object: LabelledObject, others: readonly LabelledObject[], without: number): number {
  if (others.length === 0) return without;
  const atLeast = others.map(({extent}) => leastDistance(object.extent, extent));
  const first = atLeast.reduce((best, distance, i) => (distance < atLeast[best]! ? i : best), 0);
  let least = hausdorff(object, others[first]!);
  for (const [i, other] of others.entries()) {
    if (atLeast[i]! < least) least = Math.min(least, hausdorff(object, other, least));
  }
  return least;
}

/** Hausdorff's distance is no less: from each side of an extent, it leads to the same side of the other one. */
function leastDistance(a: Extent, b: Extent): number {
  return Math.max(
    Math.abs(a.left - b.left),
    Math.abs(a.top - b.top),
    Math.abs(a.right - b.right),
    Math.abs(a.bottom - b.bottom),
  );
}

function extentOf(points: Points): Extent {
  const extent = {left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity};
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i]!, points[i + 1]!];
    extent.left = Math.min(extent.left, x);
    extent.right = Math.max(extent.right, x);
    extent.top = Math.min(extent.top, y);
    extent.bottom = Math.max(extent.bottom, y);
  }
  return extent;
}

/**
 * Pairs each object with the object of the other side that it shares most pixels with. In a tie, the lowest number
 * wins, as in the contest's own program.
 */
function pairUp(
  truth: ReadonlyMap<number, LabelledObject>,
  predicted: ReadonlyMap<number, LabelledObject>,
  overlaps: readonly Overlap[],
): void {
  for (const {predicted: predictedLabel, truth: trueLabel, pixels} of overlaps) {
    const [of, and] = [truth.get(trueLabel)!, predicted.get(predictedLabel)!];
    for (const [object, other] of [
      [of, and],
      [and, of],
    ] as const) {
      if (pixels > object.overlap) Object.assign(object, {partner: other, overlap: pixels});
    }
  }
}

/** The objects of a map that have at least one pixel, by label. */
function objectsOf(map: LabelMap): Map<number, LabelledObject> {
  const {width, height, labels} = map;
  const areas = areasOf(map);
  const points = Array.from(areas, (area, label) => new Int32Array(label === 0 ? 0 : 2 * area));
  const boundaries = Array.from(areas, (): number[] => []);
  const filled = new Int32Array(areas.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = labels[i]!;
      if (label === 0) continue;
      const own = points[label]!;
      own[filled[label]!++] = x;
      own[filled[label]!++] = y;
      const isInner =
        x > 0 &&
        x < width - 1 &&
        y > 0 &&
        y < height - 1 &&
        labels[i - 1] === label &&
        labels[i + 1] === label &&
        labels[i - width] === label &&
        labels[i + width] === label;
      if (!isInner) boundaries[label]!.push(x, y);
    }
  }
  const objects = new Map<number, LabelledObject>();
  for (const [label, area] of areas.entries()) {
    if (label === 0 || area === 0) continue;
    objects.set(label, {
      points: points[label]!,
      boundary: Int32Array.from(boundaries[label]!),
      extent: extentOf(points[label]!),
      has: (x, y) => labels[y * width + x] === label,
      area,
      partner: undefined,
      overlap: 0,
    });
  }
  return objects;
}
