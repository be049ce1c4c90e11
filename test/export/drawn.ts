import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import sharp from 'sharp';
import type {Dataset, Instance, TrueObject} from '../../lib/datasets/dataset.js';
import {objectsOf} from '../../lib/evaluation/scored-data.js';
import {encodeRle} from '../../lib/masks/rle-operations.js';

/** Whether pixel (x, y) belongs to an object. */
export type Shape = (x: number, y: number) => boolean;

/** An image with objects, by their labels and shapes. */
export type Drawn = {name: string; width: number; height: number; objects: readonly (readonly [number, Shape])[]};

const disc =
  (cx: number, cy: number, r: number): Shape =>
  (x, y) =>
    (x - cx) ** 2 + (y - cy) ** 2 <= r ** 2;

const box =
  (x0: number, y0: number, x1: number, y1: number): Shape =>
  (x, y) =>
    x >= x0 && x < x1 && y >= y0 && y < y1;

export const shapes = {disc, box};

/** Shapes that formats get wrong. No two of them overlap. */
export const HARD: Drawn = {
  name: 'hard.png',
  width: 61,
  height: 47,
  objects: [
    [1, disc(8, 8, 7)],
    // A ring, at the border of the image.
    [2, (x, y) => disc(52, 8, 8)(x, y) && !disc(52, 8, 3)(x, y)],
    // Two holes.
    [2, (x, y) => box(18, 2, 36, 12)(x, y) && !box(20, 4, 24, 8)(x, y) && !box(28, 5, 33, 10)(x, y)],
    // Two parts far from each other.
    [1, (x, y) => box(0, 18, 5, 22)(x, y) || disc(30, 20, 4)(x, y)],
    // An island in a hole.
    [1, (x, y) => (box(40, 20, 58, 38)(x, y) && !box(43, 23, 55, 35)(x, y)) || box(47, 27, 51, 31)(x, y)],
    // One pixel, a pixel that touches it at a corner, and two pixels of one object that touch so.
    [1, box(10, 30, 11, 31)],
    [2, box(11, 31, 12, 32)],
    [2, (x, y) => box(15, 30, 16, 31)(x, y) || box(16, 31, 17, 32)(x, y)],
    // Neighbours that share an edge.
    [1, box(0, 36, 9, 47)],
    [2, box(9, 36, 20, 47)],
    // Lines of one pixel's width, also in the corner of the image.
    [1, box(22, 44, 61, 45)],
    [2, box(60, 46, 61, 47)],
    // A chessboard: parts and holes that touch at corners only.
    [1, (x, y) => box(24, 30, 34, 40)(x, y) && (x + y) % 2 === 0],
  ],
};

export const FULL: Drawn = {name: 'full.png', width: 13, height: 9, objects: [[2, () => true]]};
export const PIXEL: Drawn = {name: 'pixel.png', width: 1, height: 1, objects: [[1, () => true]]};
export const EMPTY: Drawn = {name: 'empty.png', width: 20, height: 10, objects: []};
export const OVERLAP: Drawn = {
  name: 'overlap.png',
  width: 30,
  height: 20,
  objects: [
    [1, box(2, 2, 20, 18)],
    [2, box(10, 6, 28, 12)],
  ],
};

export function bitmapOf({width, height}: {width: number; height: number}, shape: Shape): Uint8Array {
  return Uint8Array.from({length: width * height}, (_, i) => Number(shape(i % width, Math.floor(i / width))));
}

/** A temporary folder. */
export async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-export-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return folder;
}

/** Writes grey images and makes a data set of them. */
export async function drawnDataset(
  folder: string,
  images: readonly Drawn[],
  classes: readonly string[] = ['gland', 'lumen & co'],
): Promise<Dataset> {
  const files = images.map(({name}) => join(folder, name));
  for (const [i, {width, height}] of images.entries()) {
    await sharp({create: {width, height, channels: 3, background: '#808080'}}).toFile(files[i]!);
  }
  return {
    length: images.length,
    classes,
    sources: (i) => [files[i]!],
    size: async (i) => images[i]!,
    truth: (i) => trueObjects(images[i]!),
    async get(i) {
      const {width, height, objects} = images[i]!;
      const instances = objects.map(([label, shape]): Instance => {
        const data = bitmapOf(images[i]!, shape);
        return {label, box: [0, 0, width, height], mask: {left: 0, top: 0, width, height, data}};
      });
      return {file: files[i]!, image: {data: new Uint8Array(3 * width * height), width, height}, instances};
    },
  };
}

export async function trueObjects(image: Drawn): Promise<TrueObject[]> {
  const {width, height} = image;
  return Promise.all(
    image.objects.map(async ([label, shape]): Promise<TrueObject> => {
      const bitmap = bitmapOf(image, shape);
      const at = [...bitmap.keys()].filter((i) => bitmap[i] === 1);
      const [xs, ys] = [at.map((i) => i % width), at.map((i) => Math.floor(i / width))];
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      const box: TrueObject['box'] = [left, top, Math.max(...xs) + 1 - left, Math.max(...ys) + 1 - top];
      return {label, box, area: at.length, crowd: false, mask: await encodeRle(bitmap, width, height)};
    }),
  );
}

/** The objects of image `index`, whether the data set has `truth()` or not. */
export async function trueObjectsOf(data: Dataset, index: number): Promise<TrueObject[]> {
  return data.truth === undefined ? objectsOf(await data.get(index)) : data.truth(index);
}

/** What a data set says of its images, by their names: class and mask of each object. */
export async function contentOf(
  data: Dataset,
): Promise<Record<string, {class: string; counts: string; size: string}[]>> {
  const content: Awaited<ReturnType<typeof contentOf>> = {};
  for (let i = 0; i < data.length; i++) {
    const name = data.sources!(i)[0]!.split('/').at(-1)!;
    const objects = await trueObjectsOf(data, i);
    content[name] = objects.map(({label, mask}) => ({
      class: data.classes[label - 1]!,
      counts: mask!.counts,
      size: mask!.size.join(' × '),
    }));
  }
  return content;
}

/** The masks of the objects of each image. */
export function masksOf(content: Awaited<ReturnType<typeof contentOf>>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(content).map(([name, objects]) => [name, objects.map(({counts}) => counts)]),
  );
}

type Size = {width: number; height: number};

/**
 * A bitmap with the holes of its parts filled: background that no way over sides of pixels connects with the border,
 * except through other parts. Parts are connected by sides too. Independent of outlines.
 */
export function filled(size: Size, bitmap: Uint8Array): Uint8Array {
  const rest = Uint8Array.from(bitmap);
  const whole = new Uint8Array(bitmap.length);
  for (let first = rest.indexOf(1); first !== -1; first = rest.indexOf(1)) {
    const part = flooded(size, [first], (at) => rest[at] === 1);
    const border = [...part.keys()].filter((at) => isAtBorder(size, at) && part[at] === 0);
    const outside = flooded(size, border, (at) => part[at] === 0);
    for (const [at, value] of part.entries()) {
      if (value === 1) rest[at] = 0;
      if (outside[at] === 0) whole[at] = 1;
    }
  }
  return whole;
}

function isAtBorder({width, height}: Size, at: number): boolean {
  const [x, y] = [at % width, Math.floor(at / width)];
  return x === 0 || y === 0 || x === width - 1 || y === height - 1;
}

/** The pixels that a way over sides connects with one of the first. */
function flooded({width, height}: Size, first: readonly number[], isOpen: (at: number) => boolean): Uint8Array {
  const reached = new Uint8Array(width * height);
  const stack = [...first];
  while (stack.length > 0) {
    const at = stack.pop()!;
    if (reached[at] === 1 || !isOpen(at)) continue;
    reached[at] = 1;
    const x = at % width;
    if (x > 0) stack.push(at - 1);
    if (x < width - 1) stack.push(at + 1);
    if (at >= width) stack.push(at - width);
    if (at < width * (height - 1)) stack.push(at + width);
  }
  return reached;
}
