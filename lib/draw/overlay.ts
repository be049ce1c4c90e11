import {MaskRcnnError} from '../basics/errors.js';
import {bool, checkOptions, either, integer, number, oneOf, type Schema} from '../basics/schema.js';
import {runInTurns, Turn} from '../basics/turns.js';
import type {Instance} from '../datasets/dataset.js';
import {type ImageSource, type RgbImage, readImage} from '../image/read-image.js';
import {cropping, type Rle} from '../masks/rle.js';
import {crop, enlarge, paintShape, type Shape} from './canvas.js';
import {colorOf, css, inkOn} from './colors.js';
import {textPath, textWidth} from './font.js';
import {checkPictureOptions, encodePicture, PICTURE_SCHEMA, type PictureOptions} from './picture-format.js';

/** The parts of a detection result that are drawn. If `masks` is absent or empty, only boxes are drawn. */
export type DrawableDetections = {
  /** D×4: x0, y0, x1, y1 in pixels. */
  boxes: ArrayLike<number>;
  /** D: class names, written next to the objects. */
  classNames?: readonly string[];
  /** D: 0..1. */
  scores?: ArrayLike<number>;
  /** D: run-length encoded masks, or bitmaps of the whole image (row-major, anything but 0 is the object). */
  masks?: readonly (Rle | Uint8Array)[];
};

/** How objects are drawn over their image. */
export type DrawOptions = PictureOptions & {
  /** Objects with a lower score are not drawn, 0..1. Default 0. */
  scoreThreshold?: number;
  /** Whether to draw boxes. Default: only for objects without a mask. */
  boxes?: boolean;
  /** Whether to write class and score. Default true. */
  labels?: boolean;
  /**
   * Whether to write the number of each object before its class, such as #3: its place among the objects given, from 1.
   * It is the `id` of `detectionsToJson()` and the value in the mask of `detectionsToLabels()`. Needs `labels`. Default
   * false.
   */
  ids?: boolean;
  /** Opacity of the masks, 0..1. Default 0.35. */
  opacity?: number;
  /**
   * Integer factor 1..64 that enlarges the picture: each pixel of the image becomes a square of this side. 'auto' is
   * the smallest factor with which the longer side has at least 480 pixels, so that small images are legible: 3 for
   * 200 × 150 pixels, 1 from 480 pixels on. Pass 1 for a picture of the image's size. Default 'auto'.
   */
  scale?: number | 'auto';
};

export const DRAW_SCHEMA: Schema = {
  scoreThreshold: number({min: 0, max: 1}),
  boxes: bool,
  labels: bool,
  ids: bool,
  opacity: number({min: 0, max: 1}),
  scale: either(integer({min: 1, max: 64}), oneOf('auto')),
  ...PICTURE_SCHEMA,
};

const LEGIBLE_SIDE = 480;

/** An object to draw, in pixels of the image. */
export type Item = {box: readonly [number, number, number, number]; shape: Shape | undefined; label: string};

/**
 * Draws detections on their image, as PNG, JPEG or WebP: masks and contours in colours that people with any kind of
 * colour vision can tell apart, and class and score. It uses its own font, so the picture looks the same on a machine
 * without fonts. Images whose longer side has less than 480 pixels are enlarged: see `scale`.
 *
 * Throws INVALID_OPTION, INVALID_MASK if a mask does not have the size of the image, or errors of `readImage()`.
 */
export async function drawDetections(
  source: ImageSource,
  detections: DrawableDetections,
  options: DrawOptions = {},
): Promise<Buffer> {
  checkDrawOptions(options, DRAW_SCHEMA, 'drawDetections');
  const image = await readImage(source);
  const items = await detectionItems(image, detections, options.scoreThreshold ?? 0, options.ids);
  const {picture, elements} = await draw(image, items, options);
  return encodePicture(picture, elements, options);
}

/**
 * Draws the instances of a sample on their image, like `drawDetections()`. `classes` are the names of labels 1, 2, ...
 * Throws INVALID_OPTION or errors of `readImage()`.
 */
export async function drawInstances(
  source: ImageSource,
  instances: readonly Instance[],
  options: DrawOptions & {classes?: readonly string[]} = {},
): Promise<Buffer> {
  const {classes = [], ...drawing} = options;
  checkDrawOptions(drawing, DRAW_SCHEMA, 'drawInstances');
  const image = await readImage(source);
  const {picture, elements} = await draw(image, instanceItems(instances, classes, options.ids), drawing);
  return encodePicture(picture, elements, drawing);
}

/** Checks the options of a function that draws, whose rules are `schema`. Throws INVALID_OPTION. */
export function checkDrawOptions(options: DrawOptions, schema: Schema, where: string): void {
  checkOptions(options, schema, where);
  checkPictureOptions(options, where);
}

/** A picture and the SVG elements to draw over it. */
export type Drawing = {picture: RgbImage; elements: string[]};

/** Draws the items on a copy of the image. Works in turns, so that the event loop runs on. */
export async function draw(image: RgbImage, items: readonly Item[], options: DrawOptions): Promise<Drawing> {
  const {labels = true, opacity = 0.35, scale = 'auto'} = options;
  const longer = Math.max(image.width, image.height);
  const factor = scale === 'auto' ? Math.max(1, Math.ceil(LEGIBLE_SIDE / longer)) : scale;
  const turn = new Turn();
  const picture = await enlarge(image, factor, turn);
  const line = Math.max(1, Math.round((longer * factor) / 300));
  for (const [i, {shape}] of items.entries()) {
    if (shape) await paintShape(picture, shape, {color: colorOf(i), opacity, line, factor}, turn);
  }
  const elements = items.flatMap(({box, shape}, i) => {
    if (!(options.boxes ?? shape === undefined)) return [];
    const [x0, y0, x1, y1] = box.map((value) => value * factor) as [number, number, number, number];
    const at = `x="${x0}" y="${y0}" width="${Math.max(0, x1 - x0)}" height="${Math.max(0, y1 - y0)}"`;
    return [`<rect ${at} fill="none" stroke="${css(colorOf(i))}" stroke-width="${line}"/>`];
  });
  if (labels) elements.push(...labelElements(items, picture, {factor, boxes: options.boxes ?? false}));
  return {picture, elements};
}

/**
 * Labels on coloured plates. A plate is placed at the upper left of the box or, if no boxes are drawn, at the highest
 * point of the mask. Plates stay inside the picture and are moved apart where there is room.
 */
function labelElements(
  items: readonly Item[],
  {width, height}: RgbImage,
  {factor, boxes}: {factor: number; boxes: boolean},
): string[] {
  const size = Math.max(9, Math.min(24, Math.round(Math.max(width, height) / 75)));
  const padding = Math.round(size / 2.5);
  const plateHeight = size + 2 * padding;
  const placed: {x: number; y: number; width: number}[] = [];
  return items.flatMap(({box, shape, label}, i) => {
    if (label === '') return [];
    const [left, top] = boxes || shape === undefined ? box : highestPoint(shape);
    const plateWidth = textWidth(label, size) + 2 * padding;
    const x = Math.max(0, Math.min(left * factor, width - plateWidth));
    let y = Math.max(0, Math.min(top * factor, height - plateHeight));
    const overlaps = () =>
      placed.some(
        (other) => x < other.x + other.width && other.x < x + plateWidth && Math.abs(y - other.y) < plateHeight,
      );
    for (let tries = 0; tries < 4 && overlaps() && y + 2 * plateHeight <= height; tries++) y += plateHeight;
    placed.push({x, y, width: plateWidth});
    const color = colorOf(i);
    return [
      `<rect x="${x}" y="${y}" width="${plateWidth}" height="${plateHeight}" rx="2" fill="${css(color)}" fill-opacity="0.85"/>`,
      textPath(label, x + padding, y + padding + size, {size, color: inkOn(color)}),
    ];
  });
}

/** The start of a shape's first row. It places the label next to the object instead of in the corner of its box. */
function highestPoint({bitmap, left, top, width}: Shape): [number, number] {
  const first = Math.max(0, bitmap.findIndex(Boolean));
  return [left + (first % width || 0), top + (Math.floor(first / width) || 0)];
}

/** The detections as items, in turns. Throws INVALID_MASK for a mask of another size. */
export async function detectionItems(
  image: RgbImage,
  detections: DrawableDetections,
  scoreThreshold: number,
  ids = false,
): Promise<Item[]> {
  const {boxes, classNames = [], scores, masks = []} = detections;
  const items: Item[] = [];
  const turn = new Turn();
  for (let i = 0; i < boxes.length / 4; i++) {
    if (turn.isOver()) await turn.next();
    const score = scores?.[i];
    if (score !== undefined && score < scoreThreshold) continue;
    const box = [boxes[i * 4]!, boxes[i * 4 + 1]!, boxes[i * 4 + 2]!, boxes[i * 4 + 3]!] as const;
    const label = [ids && hashed(i), classNames[i], score?.toFixed(2)].filter(Boolean).join(' ');
    const mask = masks[i];
    items.push({box, label, shape: mask === undefined ? undefined : await wholeShape(mask, image, i, turn)});
  }
  return items;
}

export function instanceItems(instances: readonly Instance[], classes: readonly string[], ids = false): Item[] {
  return instances.map(({box, mask, label}, i) => ({
    box,
    label: [ids && hashed(i), classes[label - 1]].filter(Boolean).join(' '),
    shape: mask && {bitmap: mask.data, left: mask.left, top: mask.top, width: mask.width, height: mask.height},
  }));
}

/** '#1' for object 0. */
function hashed(index: number): string {
  return `#${index + 1}`;
}

async function wholeShape(
  mask: Rle | Uint8Array,
  {width, height}: RgbImage,
  index: number,
  turn: Turn,
): Promise<Shape> {
  const isBitmap = mask instanceof Uint8Array;
  const fits = isBitmap ? mask.length === width * height : mask.size[0] === height && mask.size[1] === width;
  if (!fits) {
    const size = isBitmap ? `${mask.length} pixels` : `${mask.size[1]} × ${mask.size[0]}`;
    throw new MaskRcnnError(
      'INVALID_MASK',
      `Mask ${index} of the detections must be of the image's size, ${width} × ${height}, got ${size}.`,
      {hint: 'Draw on the image that the detections were made from.'},
    );
  }
  return isBitmap ? crop(mask, width) : runInTurns(cropping(mask), turn);
}
