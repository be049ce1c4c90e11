import type {Sharp} from 'sharp';
import {rowsInTurns, type Turn} from '../basics/turns.js';
import {loadSharp} from '../image/load-sharp.js';
import type {RgbImage} from '../image/read-image.js';
import type {Color} from './colors.js';

/**
 * The pixels of an instance: `bitmap` (row-major, anything but 0 is the object) covers the whole picture or a rectangle
 * of it.
 */
export type Shape = {bitmap: Uint8Array; left: number; top: number; width: number; height: number};

/** Crops a bitmap of the whole picture to its object, because most objects are small. */
export function crop(bitmap: Uint8Array, width: number): Shape {
  let left = width;
  let right = 0;
  const top = Math.floor(Math.max(0, bitmap.findIndex(Boolean)) / width);
  const bottom = Math.floor(bitmap.findLastIndex(Boolean) / width) + 1;
  for (let y = top; y < bottom; y++) {
    const row = bitmap.subarray(y * width, (y + 1) * width);
    const first = row.findIndex(Boolean);
    if (first < 0) continue;
    left = Math.min(left, first);
    right = Math.max(right, row.findLastIndex(Boolean) + 1);
  }
  if (right === 0) return {bitmap: new Uint8Array(0), left: 0, top: 0, width: 0, height: 0};
  const shape = {left, top, width: right - left, height: bottom - top};
  const cropped = new Uint8Array(shape.width * shape.height);
  for (let y = 0; y < shape.height; y++) {
    const from = (top + y) * width + left;
    cropped.set(bitmap.subarray(from, from + shape.width), y * shape.width);
  }
  return {bitmap: cropped, ...shape};
}

/** `image` enlarged by an integer factor, so that each pixel becomes a square. Works in turns. */
export async function enlarge({data, width, height}: RgbImage, factor: number, turn: Turn): Promise<RgbImage> {
  const enlarged = new Uint8Array(data.length * factor * factor);
  const stride = width * factor * 3;
  await rowsInTurns(
    width,
    height,
    (y) => {
      const row = y * factor * stride;
      if (factor === 1) return enlarged.set(data.subarray(row, row + stride), row);
      for (let x = 0; x < width * factor; x++) {
        const from = (y * width + Math.floor(x / factor)) * 3;
        for (let c = 0; c < 3; c++) enlarged[row + x * 3 + c] = data[from + c]!;
      }
      for (let i = 1; i < factor; i++) enlarged.copyWithin(row + i * stride, row, row + stride);
    },
    turn,
  );
  return {data: enlarged, width: width * factor, height: height * factor};
}

/**
 * Blends `color` over the pixels of a shape with `opacity` 0..1, and draws its contour in full colour, `line` pixels
 * wide on the inside. The shape is in pixels of the picture before it was enlarged by `factor`. Works in turns.
 */
export async function paintShape(
  picture: RgbImage,
  shape: Shape,
  {color, opacity, line, factor}: {color: Color; opacity: number; line: number; factor: number},
  turn: Turn,
): Promise<void> {
  const isInside = (x: number, y: number) => {
    const sx = Math.floor(x / factor) - shape.left;
    const sy = Math.floor(y / factor) - shape.top;
    return sx >= 0 && sy >= 0 && sx < shape.width && sy < shape.height && shape.bitmap[sy * shape.width + sx] !== 0;
  };
  const {data, width} = picture;
  const right = Math.min(width, (shape.left + shape.width) * factor);
  const bottom = Math.min(picture.height, (shape.top + shape.height) * factor);
  const [firstX, firstY] = [shape.left * factor, shape.top * factor];
  const paintRow = (y: number) => {
    for (let x = firstX; x < right; x++) {
      if (!isInside(x, y)) continue;
      const isContour =
        line > 0 && !(isInside(x - line, y) && isInside(x + line, y) && isInside(x, y - line) && isInside(x, y + line));
      const share = isContour ? 1 : opacity;
      const at = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) data[at + c] = Math.round(data[at + c]! * (1 - share) + color[c]! * share);
    }
  };
  await rowsInTurns(Math.max(1, right - firstX), Math.max(0, bottom - firstY), (row) => paintRow(firstY + row), turn);
}

/** A picture with the SVG `elements` drawn over it, to be encoded. */
export async function compose({data, width, height}: RgbImage, elements: readonly string[]): Promise<Sharp> {
  const sharp = await loadSharp();
  const base = sharp(data, {raw: {width, height, channels: 3}});
  if (elements.length > 0) base.composite([{input: Buffer.from(svg(width, height, elements))}]);
  return base.removeAlpha();
}

/** The title of a picture as an SVG element. */
export function svgTitle(title: string): string {
  return `<title>${escapeMarkup(title)}</title>`;
}

/** `name="value"`, escaped for SVG and HTML. */
export function attribute(name: string, value: string): string {
  return `${name}="${escapeMarkup(value)}"`;
}

/** `text` escaped for SVG and HTML. */
export function escapeMarkup(text: string): string {
  const escapes: Record<string, string> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'};
  // XML cannot represent control characters.
  return text.replaceAll(/\p{Cc}/gu, ' ').replaceAll(/[&<>"]/g, (char) => escapes[char]!);
}

export function svg(width: number, height: number, elements: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n${elements.join('\n')}\n</svg>\n`;
}
