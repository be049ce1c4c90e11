import type {Binding} from '../addon/binding.js';
import type {PlacedObject} from '../datasets/dataset.js';
import type {PlacedMask, Rect} from '../masks/placed-mask.js';

/** An object in the pixels of the level that is read. */
export type ObjectAtLevel = PlacedObject & {
  /** The rectangle of whole pixels around the object. */
  bounds: Rect;
  /** Pixels of its mask, or the area of its box. */
  area: number;
};

type Level = {width: number; height: number; downsample: number};

/**
 * The object in pixels of a level. At another resolution, a pixel belongs to the object if the pixel under its centre
 * does, and the box becomes that of the mask. Undefined if no pixel is left of the object.
 */
export function atLevel(binding: Binding, object: PlacedObject, level: Level): ObjectAtLevel | undefined {
  const {downsample} = level;
  const {mask: given} = object;
  const mask = given && (downsample === 1 ? given : resampledMask(binding, given, level));
  if (mask === undefined) return boxAtLevel(object, downsample);
  const {
    left,
    top,
    rle: {counts, size},
  } = mask;
  const [height, width] = size;
  const [x, y, columns, rows] = binding.rle.boxes([counts], width, height);
  if (columns === 0) return undefined;
  const bounds = {left: left + x!, top: top + y!, width: columns!, height: rows!};
  const box = downsample === 1 ? object.box : boxOf(bounds);
  return {...object, box, mask, bounds, area: binding.rle.areas([counts], width, height)[0]!};
}

export function boxOf({left, top, width, height}: Rect): PlacedObject['box'] {
  return [left, top, left + width, top + height];
}

function boxAtLevel(object: PlacedObject, downsample: number): ObjectAtLevel {
  const box = object.box.map((value) => value / downsample) as PlacedObject['box'];
  const [left, top] = [Math.floor(box[0]), Math.floor(box[1])];
  const bounds = {left, top, width: Math.ceil(box[2]) - left, height: Math.ceil(box[3]) - top};
  return {...object, box, bounds, area: (box[2] - box[0]) * (box[3] - box[1])};
}

/** The mask in pixels that are `downsample` pixels wide, from run lengths to run lengths, without a bitmap. */
function resampledMask({rle: addon}: Binding, {left, top, rle}: PlacedMask, level: Level): PlacedMask {
  const [height, width] = rle.size;
  const {downsample} = level;
  // The first pixel of the level whose centre is at `at` or beyond.
  const first = (at: number, most: number) => Math.min(most, Math.max(0, Math.ceil(at / downsample - 0.5)));
  const [x0, x1] = [first(left, level.width), first(left + width, level.width)];
  const [y0, y1] = [first(top, level.height), first(top + height, level.height)];
  if (x0 >= x1 || y0 >= y1) return {left: 0, top: 0, rle: {size: [1, 1], counts: addon.fromRuns([1], 1, 1)}};
  const columns = columnsOf(addon.toRuns(rle.counts, width, height), height);
  const runs: number[] = [];
  let end = 0; // of the last run of the object
  for (let x = x0; x < x1; x++) {
    const column = Math.min(width - 1, Math.floor((x + 0.5) * downsample) - left);
    for (const [from, to] of columns.get(column) ?? []) {
      const [start, stop] = [first(top + from, y1) - y0, first(top + to, y1) - y0];
      if (start >= stop) continue;
      const at = (x - x0) * (y1 - y0);
      runs.push(at + start - end, stop - start);
      end = at + stop;
    }
  }
  runs.push((x1 - x0) * (y1 - y0) - end);
  const size: [number, number] = [y1 - y0, x1 - x0];
  return {left: x0, top: y0, rle: {size, counts: addon.fromRuns(runs, size[1], size[0])}};
}

type Span = [from: number, to: number];

/** The rows of the object in each column that has any. */
function columnsOf(runs: Uint32Array, height: number): Map<number, Span[]> {
  const columns = new Map<number, Span[]>();
  let at = 0;
  for (const [index, length] of runs.entries()) {
    const stop = at + length;
    while (index % 2 === 1 && at < stop) {
      const column = Math.floor(at / height);
      const from = at - column * height;
      const to = Math.min(height, from + stop - at);
      const spans = columns.get(column);
      if (spans === undefined) columns.set(column, [[from, to]]);
      else spans.push([from, to]);
      at += to - from;
    }
    at = stop;
  }
  return columns;
}
