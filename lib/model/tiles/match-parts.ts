import type {Binding} from '../../addon/binding.js';
import {countsWithin, type Rect, rectOf, sharedRect} from '../../masks/placed-mask.js';
import {type Part, SLACK} from './part.js';

/**
 * Parts are of one object if they share more than this fraction of the pixels of each. Of masks that do not overlap in
 * one tile, at most one can then fit a mask of another tile, because two of them cannot both have more than half of it.
 * Kirillov et al. ("Panoptic segmentation", 2019, section 4.1) show it for more than half of the union. That is too
 * much for small objects: two squares of 8 × 8 pixels that are 2 pixels apart in both directions have an intersection
 * over union of 0.39, but share 0.56 of each.
 */
const MAJORITY = 0.5;

/** A part that shows something of the pixels that two tiles share, in `rect`. */
type Seen = {part: Part; rect: Rect};

/** How many pixels it shows, and, if asked for, the run lengths of `shared`. */
type View = Seen & {area: number; counts?: string};

/** Two views that share `pixels` pixels. */
type Overlap = {one: View; other: View; pixels: number; iou: number};

/**
 * Pairs of parts of two tiles that are of one object, by their masks in `shared`, the pixels that both tiles contain:
 *
 * 1. The two of one class that overlap most by their intersection over union, if each of them is mostly in the other;
 *    then the two of the rest that overlap most, and so on.
 * 2. A part that was cut and found no partner, such as one leg of a U, if more than half of it is in an object of the
 *    other tile. This is not done if it is also in the partner of that object in its own tile: then it is a smaller
 *    object inside of a large one.
 */
export async function matchParts(
  binding: Binding,
  parts: readonly Part[],
  others: readonly Part[],
  shared: Rect,
): Promise<[Part, Part][]> {
  const overlaps = await overlapsOf(binding, seenIn(shared, parts), seenIn(shared, others), shared);
  overlaps.sort((a, b) => b.iou - a.iou);

  const partners = new Map<View, View>();
  for (const {one, other, pixels} of overlaps) {
    if (partners.has(one) || partners.has(other)) continue;
    if (!isMostOf(one, pixels) || !isMostOf(other, pixels)) continue;
    partners.set(one, other);
    partners.set(other, one);
  }
  const pairs = overlaps.filter(
    ({one, other, pixels}) => partners.get(one) === other || isLeg(one, other, pixels) || isLeg(other, one, pixels),
  );
  return pairs.map(({one, other}) => [one.part, other.part]);

  function isLeg(leg: View, body: View, pixels: number): boolean {
    if (partners.has(leg) || leg.part.cutAt.length === 0) return false;
    if (Math.min(leg.rect.width, leg.rect.height) < SLACK) return false; // the rim of a neighbour, which `body` touches
    if (!isMostOf(leg, pixels)) return false;
    const beside = partners.get(body);
    return beside === undefined || fractionIn(binding, leg, beside, shared) <= MAJORITY;
  }
}

/**
 * The parts that show something of `shared`. One that reaches a few pixels into it and goes on elsewhere tells nothing
 * there: its edge is not known so well.
 */
function seenIn(shared: Rect, parts: readonly Part[]): Seen[] {
  return parts.flatMap((part) => {
    const whole = rectOf(part.mask);
    const rect = sharedRect(whole, shared);
    if (rect === undefined) return [];
    const isRim = rect.width < Math.min(SLACK, whole.width) || rect.height < Math.min(SLACK, whole.height);
    return isRim ? [] : [{part, rect}];
  });
}

/** The views of one tile and of another one, of equal class, that share pixels. */
async function overlapsOf(
  {rle}: Binding,
  ones: readonly Seen[],
  others: readonly Seen[],
  shared: Rect,
): Promise<Overlap[]> {
  if (ones.length === 0 || others.length === 0) return [];
  const {areas, otherAreas, pairs, pixels} = await rle.sharedPixels(
    ...[countsOf(others), placesOf(others, shared)],
    ...[countsOf(ones), placesOf(ones, shared)],
    ...[shared.width, shared.height],
  );
  const withAreas = (seen: readonly Seen[], sizes: Float64Array): View[] =>
    seen.map((one, i) => ({...one, area: sizes[i]!}));
  const [views, otherViews] = [withAreas(ones, otherAreas), withAreas(others, areas)];
  const overlaps: Overlap[] = [];
  for (const [i, count] of pixels.entries()) {
    const other = otherViews[pairs[2 * i]!]!;
    const one = views[pairs[2 * i + 1]!]!;
    if (one.part.label !== other.part.label) continue;
    overlaps.push({one, other, pixels: count, iou: count / (one.area + other.area - count)});
  }
  return overlaps;
}

function countsOf(seen: readonly Seen[]): string[] {
  return seen.map(({part}) => part.mask.rle.counts);
}

/** The rectangles of the masks, counted from the first pixel of `shared`. */
function placesOf(seen: readonly Seen[], shared: Rect): Int32Array {
  const places = new Int32Array(4 * seen.length);
  for (const [i, {part}] of seen.entries()) {
    const {left, top, width, height} = rectOf(part.mask);
    places.set([left - shared.left, top - shared.top, width, height], 4 * i);
  }
  return places;
}

function isMostOf(view: View, pixels: number): boolean {
  return pixels / view.area > MAJORITY;
}

/** The pixels that two views share, as a fraction of those of the first. */
function fractionIn(binding: Binding, first: View, second: View, shared: Rect): number {
  const counts = (view: View) => (view.counts ??= countsWithin(binding, view.part.mask, shared));
  return binding.rle.iou([counts(first)], [counts(second)], Uint8Array.of(1), shared.width, shared.height)[0]!;
}
