import type {RegionSource} from '../../../lib/image/regions/region-source.js';
import {encodeRle} from '../../../lib/index.js';
import {type Rect, wholeImageRle} from '../../../lib/masks/placed-mask.js';
import {decodeRle} from '../../../lib/masks/rle.js';
import type {Detections} from '../../../lib/model/detections.js';
import type {TilePredictor} from '../../../lib/model/tiles/options.js';
import type {TiledObject} from '../../../lib/model/tiles/tiled-object.js';
import {partsOf} from '../../masks/random-masks.js';

/** Whether a pixel belongs to an object. */
export type Shape = (x: number, y: number) => boolean;

/** `is` tells a reader of a failed test what was drawn. */
export type Drawn = {is: string; label: number; shape: Shape; bounds: Rect};

type Size = {width: number; height: number};

export type Scene = Size & {objects: readonly Drawn[]};

/** What a model does with object `index` in a tile. `shift` moves its mask; `undefined` is not found. */
export type Look = (index: number, tile: Rect) => {shift: [dx: number, dy: number]; score: number} | undefined;

export type Faults = {
  /**
   * A tile that shows no more than this number of pixels of an object does not find it, unless that is all that the
   * image has of it. Default 0.
   */
  blind?: number;
  /** Whether parts of an object that are not connected inside of a tile are found as several objects. Default false. */
  split?: boolean;
};

export const perfect: Look = () => ({shift: [0, 0], score: 0.9});

/**
 * A source without pixels, and a model that returns the drawn objects cropped to each tile that it is given.
 */
export function modelOf(
  scene: Scene,
  look: Look = perfect,
  faults: Faults = {},
): {source: RegionSource; model: TilePredictor} {
  const {width, height} = scene;
  const tiles = new WeakMap<Uint8Array | Uint8ClampedArray, Rect>();
  const source: RegionSource = {
    file: 'scene.tif',
    width,
    height,
    level: 0,
    downsample: 1,
    micronsPerPixel: undefined,
    levels: [{width, height, downsample: 1}],
    async read(rect) {
      const data = new Uint8Array(rect.width * rect.height * 3);
      tiles.set(data, rect);
      return {data, width: rect.width, height: rect.height};
    },
    async close() {},
  };
  const model: TilePredictor = {
    predict: async (images) => Promise.all(images.map(({data}) => detect(scene, tiles.get(data)!, look, faults))),
  };
  return {source, model};
}

async function detect(
  {objects, ...image}: Scene,
  tile: Rect,
  look: Look,
  {blind = 0, split = false}: Faults,
): Promise<Detections> {
  const {width, height} = tile;
  const found: Detections = {
    width,
    height,
    boxes: new Float32Array(),
    labels: new Int32Array(),
    classNames: [],
    scores: new Float32Array(),
    masks: [],
  };
  const boxes: number[] = [];
  const labels: number[] = [];
  const scores: number[] = [];
  for (const [index, {label, shape, bounds}] of objects.entries()) {
    const {shift, score} = look(index, tile) ?? {};
    if (shift === undefined) continue;
    const [dx, dy] = shift;
    const left = Math.max(0, bounds.left + dx - tile.left);
    const top = Math.max(0, bounds.top + dy - tile.top);
    const right = Math.min(width, bounds.left + bounds.width + dx - tile.left);
    const bottom = Math.min(height, bounds.top + bounds.height + dy - tile.top);
    if (left >= right || top >= bottom) continue;
    const pixels = new Uint8Array(width * height);
    const whole: number[] = [];
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        if (shape(tile.left + x - dx, tile.top + y - dy)) whole.push(y * width + x);
      }
    }
    for (const at of whole) pixels[at] = 1;
    const least = isAllIn(tile, {...bounds, left: bounds.left + dx, top: bounds.top + dy}, image) ? 1 : blind + 1;
    for (const part of split ? partsOf({width, height, pixels}, 1, true) : [whole]) {
      if (part.length < least) continue;
      const bitmap = new Uint8Array(width * height);
      for (const at of part) bitmap[at] = 1;
      boxes.push(left, top, right, bottom);
      labels.push(label);
      scores.push(score!);
      found.masks.push(await encodeRle(bitmap, width, height));
    }
  }
  return {
    ...found,
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from(labels),
    classNames: labels.map((label) => `class ${label}`),
    scores: Float32Array.from(scores),
  };
}

/** Whether a tile shows all that the image has of a rectangle. */
function isAllIn(tile: Rect, {left, top, width, height}: Rect, image: Size): boolean {
  return (
    Math.max(0, left) >= tile.left &&
    Math.max(0, top) >= tile.top &&
    Math.min(image.width, left + width) <= tile.left + tile.width &&
    Math.min(image.height, top + height) <= tile.top + tile.height
  );
}

/** The bitmap of a drawn object in the whole image. */
export function bitmapOf({width, height}: Size, {shape}: Pick<Drawn, 'shape'>): Uint8Array {
  return Uint8Array.from({length: width * height}, (_, i) => Number(shape(i % width, Math.floor(i / width))));
}

export async function bitmapOfFound({width, height}: Size, {mask}: TiledObject): Promise<Uint8Array> {
  return decodeRle(await wholeImageRle(mask, width, height));
}

/**
 * The bitmaps of what all masks of an object have in common that are moved by up to a pixel in each direction, and of
 * what any of them has. Parts of the object outside of the image can move into it.
 */
export function limitsOf({width, height}: Size, {shape}: Drawn): {least: Uint8Array; most: Uint8Array} {
  const [columns, rows] = [width + 2, height + 2];
  const wide = bitmapOf({width: columns, height: rows}, {shape: (x, y) => shape(x - 1, y - 1)});
  const least = new Uint8Array(width * height);
  const most = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let v = y; v < y + 3; v++) for (let u = x; u < x + 3; u++) sum += wide[v * columns + u]!;
      least[y * width + x] = Number(sum === 9);
      most[y * width + x] = Number(sum > 0);
    }
  }
  return {least, most};
}

export const isWithin = (inner: Uint8Array, outer: Uint8Array): boolean =>
  inner.every((pixel, i) => pixel <= outer[i]!);

export function disc(cx: number, cy: number, radius: number, label = 1): Drawn {
  const side = 2 * radius + 1;
  return {
    is: `disc(${cx}, ${cy}, ${radius}, ${label})`,
    label,
    shape: (x, y) => (x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2,
    bounds: {left: cx - radius, top: cy - radius, width: side, height: side},
  };
}

export function rectangle(left: number, top: number, width: number, height: number, label = 1): Drawn {
  const shape: Shape = (x, y) => x >= left && x < left + width && y >= top && y < top + height;
  const is = `rectangle(${left}, ${top}, ${width}, ${height}, ${label})`;
  return {is, label, shape, bounds: {left, top, width, height}};
}

/** A bar between two points, with round ends. */
export function bar(x0: number, y0: number, x1: number, y1: number, radius: number, label = 1): Drawn {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx ** 2 + dy ** 2;
  const shape: Shape = (x, y) => {
    const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / length));
    return (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2 <= radius ** 2;
  };
  const [left, top] = [Math.min(x0, x1) - radius, Math.min(y0, y1) - radius];
  const bounds = {left, top, width: Math.abs(dx) + 2 * radius + 1, height: Math.abs(dy) + 2 * radius + 1};
  return {is: `bar(${x0}, ${y0}, ${x1}, ${y1}, ${radius}, ${label})`, label, shape, bounds};
}

/** A U of two legs and a bottom of this thickness. */
export function horseshoe(left: number, top: number, width: number, height: number, thick: number, label = 1): Drawn {
  const {shape, bounds} = rectangle(left, top, width, height, label);
  const isGap: Shape = (x, y) => x >= left + thick && x < left + width - thick && y < top + height - thick;
  const is = `horseshoe(${left}, ${top}, ${width}, ${height}, ${thick}, ${label})`;
  return {is, label, shape: (x, y) => shape(x, y) && !isGap(x, y), bounds};
}
