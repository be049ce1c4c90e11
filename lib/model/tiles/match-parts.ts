import type {Binding} from '../../addon/binding.js';
import type {Turn} from '../../basics/turns.js';
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

/** What a part shows of the pixels that two tiles share: `area` pixels, in `rect`. */
type View = {part: Part; rect: Rect; counts: string; area: number};

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
  turn: Turn,
): Promise<[Part, Part][]> {
  const ones = await viewsOf(binding, parts, shared, turn);
  const overlaps = await overlapsOf(binding, ones, await viewsOf(binding, others, shared, turn), shared);
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
 * The views of the parts that show something of `shared`. A part that reaches a few pixels into it and goes on
 * elsewhere tells nothing there: its edge is not known so well.
 */
async function viewsOf(binding: Binding, parts: readonly Part[], shared: Rect, turn: Turn): Promise<View[]> {
  const views: View[] = [];
  for (const part of parts) {
    const whole = rectOf(part.mask);
    const rect = sharedRect(whole, shared);
    if (rect === undefined) continue;
    if (rect.width < Math.min(SLACK, whole.width) || rect.height < Math.min(SLACK, whole.height)) continue;
    if (turn.isOver()) await turn.next();
    const counts = countsWithin(binding, part.mask, shared);
    const [area] = binding.rle.areas([counts], shared.width, shared.height);
    views.push({part, rect, counts, area: area!});
  }
  return views;
}

/** The views of one tile and of another one, of equal class, that share pixels. */
async function overlapsOf(
  {rle}: Binding,
  ones: readonly View[],
  others: readonly View[],
  {width, height}: Rect,
): Promise<Overlap[]> {
  const countsOf = (views: readonly View[]) => views.map(({counts}) => counts);
  const shared = await rle.sharedPixels(countsOf(others), countsOf(ones), width, height);
  const overlaps: Overlap[] = [];
  for (const [i, pixels] of shared.pixels.entries()) {
    const other = others[shared.pairs[2 * i]!]!;
    const one = ones[shared.pairs[2 * i + 1]!]!;
    if (one.part.label !== other.part.label) continue;
    overlaps.push({one, other, pixels, iou: pixels / (one.area + other.area - pixels)});
  }
  return overlaps;
}

function isMostOf(view: View, pixels: number): boolean {
  return pixels / view.area > MAJORITY;
}

/** The pixels that two views share, as a fraction of those of the first. */
function fractionIn({rle}: Binding, first: View, second: View, {width, height}: Rect): number {
  return rle.iou([first.counts], [second.counts], Uint8Array.of(1), width, height)[0]!;
}
