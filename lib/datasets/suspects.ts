import {rowsInTurns, Turn} from '../basics/turns.js';
import {type TrainingSize, trainingScale} from '../image/network-size.js';
import {boxMask} from './box-mask.js';
import type {InstanceMask, Sample} from './dataset.js';
import {type MeasuredMask, nearDoubles} from './inspection/near-doubles.js';
import {instanceName} from './targets.js';

/** Objects that are legal, but worth a look. */
export type Suspects = {
  /** Number of objects. */
  count: number;
  /** Up to three of them: 'Instance 2 (id 17) of plate_1.png', and what is odd about it. */
  examples: string[];
};

/** Objects that do not stop training, but that may be mistakes or too small to learn from. */
export type SuspectObjects = {
  /**
   * Boxes that do not fit their masks: an edge is off by more than 2 pixels, or by more than 1 pixel and 10 % of the
   * mask's width or height.
   */
  boxes: Suspects;
  /** Objects of one pixel. */
  onePixel: Suspects;
  /** Objects that are less than one pixel wide or high at the training size. */
  subPixel: Suspects;
  /** Objects with the same label and the same mask (or box, without one) as an earlier object of their image. */
  doubled: Suspects;
  /** Objects with the label of another object of their image and an IoU of masks above 0.9 with it, but below 1. */
  nearDoubled: Suspects;
};

export type SuspectKind = keyof SuspectObjects;

/** What is odd about an instance. */
export type Suspicion = {kind: SuspectKind; text: string};

/** The smallest rectangle around the pixels of a mask, and where they are in it. Maxima are exclusive. */
type Extent = Pick<MeasuredMask, 'x0' | 'y0' | 'x1' | 'y1' | 'area' | 'centre'>;

/**
 * Largest difference between an edge of a box and of its mask that is not told, in pixels, for this width or height.
 */
function tolerance(side: number): number {
  // Polygons have fractions, masks do not: up to a pixel is rounding.
  return Math.min(2, Math.max(1, 0.1 * side));
}

/**
 * Suspicions about those instances of `sample` that `isSound` accepts: they have no faults. One without a mask counts
 * with the pixels of its box. Works in turns, so that the event loop runs on.
 */
export async function suspicions(
  {file, image, instances}: Sample,
  isSound: (index: number) => boolean,
  size: TrainingSize,
): Promise<Suspicion[]> {
  const scale = trainingScale(image, size);
  const earlier = new Map<string, {name: string; mask: InstanceMask; extent: Extent}[]>();
  const turn = new Turn();
  const found: Suspicion[] = [];
  const single: (MeasuredMask & {name: string})[] = [];
  for (const [index, instance] of instances.entries()) {
    if (!isSound(index)) continue;
    const name = instanceName(instance, index);
    const {box, mask = boxMask(box)} = instance;
    const what = instance.mask === undefined ? 'box' : 'mask';
    const extent = await extentOf(mask, turn);
    const {x0, y0, x1, y1, area} = extent;
    const [width, height] = [x1 - x0, y1 - y0];
    const edges = [x0, y0, x1, y1];
    const tell = (kind: SuspectKind, what: string) => found.push({kind, text: `${name} of ${file}${what}`});
    if (instance.box.some((edge, i) => Math.abs(edge - edges[i]!) > tolerance(i % 2 === 0 ? width : height))) {
      tell('boxes', ` has the box [${instance.box.map(rounded).join(', ')}], its mask [${edges.join(', ')}]`);
    }
    if (area === 1) tell('onePixel', '');
    if (width * scale.x < 1 || height * scale.y < 1) {
      tell('subPixel', ` has ${width} × ${height} of ${image.width} × ${image.height} pixels`);
    }
    const key = `${instance.label} ${edges} ${area}`;
    const alike = earlier.get(key) ?? [];
    let twin: (typeof alike)[number] | undefined;
    for (const other of alike) {
      if (await samePixels(mask, other.mask, extent, turn)) {
        twin = other;
        break;
      }
    }
    if (twin === undefined) single.push({...extent, name, label: instance.label, mask});
    else tell('doubled', ` has the ${what} of ${twin.name.replace('Instance', 'instance')}`);
    if (alike.length === 0) earlier.set(key, alike);
    alike.push({name, mask, extent});
  }
  for (const [i, twin] of await nearDoubles(single, turn)) {
    const of = single[twin]!.name.replace('Instance', 'instance');
    found.push({kind: 'nearDoubled', text: `${single[i]!.name} of ${file} has almost the mask of ${of}`});
  }
  return found;
}

const MOST_EXAMPLES = 3;

const KINDS: readonly SuspectKind[] = ['boxes', 'onePixel', 'subPixel', 'doubled', 'nearDoubled'];

/** Counts what was found on an image. Of a crowded image, only the examples are kept as text. */
export function gather(found: readonly Suspicion[]): SuspectObjects {
  return byKind((kind) => {
    const texts = found.filter((each) => each.kind === kind).map(({text}) => text);
    return {count: texts.length, examples: texts.slice(0, MOST_EXAMPLES)};
  });
}

/** Joins the suspects of images, in their order. */
export function joinSuspects(images: readonly SuspectObjects[]): SuspectObjects {
  return byKind((kind) => {
    const examples: string[] = [];
    let count = 0;
    for (const {[kind]: suspects} of images) {
      count += suspects.count;
      examples.push(...suspects.examples.slice(0, MOST_EXAMPLES - examples.length));
    }
    return {count, examples};
  });
}

function byKind(of: (kind: SuspectKind) => Suspects): SuspectObjects {
  return Object.fromEntries(KINDS.map((kind) => [kind, of(kind)])) as SuspectObjects;
}

/** One sentence for each kind of suspects that occurs. */
export function suspectWarnings(suspects: SuspectObjects, {minSize, maxSize, fixedSize}: TrainingSize): string[] {
  const size = fixedSize === null ? `minSize ${minSize}, maxSize ${maxSize}` : `fixedSize [${fixedSize.join(', ')}]`;
  const one = (number: number, singular: string, plural: string) =>
    number === 1 ? `1 ${singular}` : `${number} ${plural}`;
  const words: Record<SuspectKind, (number: number) => string> = {
    boxes: (number) =>
      `${one(number, 'box does not fit its mask', 'boxes do not fit their masks')} ` +
      '(an edge is off by more than 2 pixels, or by more than 1 pixel and 10 % of the side)',
    onePixel: (number) => one(number, 'object is of one pixel', 'objects are of one pixel'),
    subPixel: (number) =>
      `${one(number, 'object is', 'objects are')} less than one pixel wide or high at the training size (${size})`,
    doubled: (number) =>
      `${one(number, 'object has', 'objects have')} the label and the mask of another object of the same image`,
    nearDoubled: (number) =>
      `${one(number, 'object has', 'objects have')} the label and almost the mask of another object of the same image ` +
      '(IoU above 0.9)',
  };
  return Object.entries(words).flatMap(([kind, say]) => {
    const {count, examples} = suspects[kind as SuspectKind];
    if (count === 0) return [];
    const more = count > examples.length ? `; and ${count - examples.length} more` : '';
    return [`${say(count)}: ${examples.join('; ')}${more}.`];
  });
}

async function extentOf({left, top, width, height, data}: InstanceMask, turn: Turn): Promise<Extent> {
  let [x0, y0, x1, y1, area, sumX, sumY] = [width, height, 0, 0, 0, 0, 0];
  const row = (y: number) => {
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (data[i] === 0) continue;
      area++;
      sumX += x;
      sumY += y;
      if (x < x0) x0 = x;
      if (x >= x1) x1 = x + 1;
      if (y < y0) y0 = y;
      y1 = y + 1;
    }
  };
  await rowsInTurns(width, height, row, turn);
  const centre = {x: left + sumX / area, y: top + sumY / area};
  return {x0: left + x0, y0: top + y0, x1: left + x1, y1: top + y1, area, centre};
}

/** Whether two masks have the same pixels within `extent`. */
async function samePixels(a: InstanceMask, b: InstanceMask, {x0, y0, x1, y1}: Extent, turn: Turn): Promise<boolean> {
  let same = true;
  const row = (i: number) => {
    const [inA, inB] = [(y0 + i - a.top) * a.width - a.left, (y0 + i - b.top) * b.width - b.left];
    for (let x = x0; same && x < x1; x++) same = a.data[inA + x] === b.data[inB + x];
  };
  await rowsInTurns(x1 - x0, y1 - y0, row, turn);
  return same;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
