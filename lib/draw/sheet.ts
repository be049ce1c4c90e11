import {basename} from 'node:path';
import type {RgbImage} from '../image/read-image.js';
import {cutText, textPath, textWidth} from './font.js';
import type {Drawing} from './overlay.js';

/** A line of text: a title that may be shortened, such as the path of a file, and a note after it. */
export type Caption = {title: string; note: string};
/** A drawing with a caption above it. */
export type Tile = Drawing & Caption;

const GAP = 8;
const LEAST_TEXT = 9;

/**
 * Arranges tiles in rows on a white background with captions above them. Columns are as wide as their widest tile, rows
 * as high as their highest tile. Captions are `textSize` pixels high. Long ones are drawn smaller, and their titles cut
 * in the middle if that is not enough.
 */
export function sheet(rows: readonly (readonly Tile[])[], textSize: number): Drawing {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({length: columns}, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.picture.width ?? 0)),
  );
  const header = textSize + 2 * GAP;
  const heights = rows.map((row) => header + Math.max(...row.map(({picture}) => picture.height)));
  const width = GAP + sum(widths.map((column) => column + GAP));
  const height = sum(heights) + GAP;
  const sheet: RgbImage = {data: new Uint8Array(width * height * 3).fill(255), width, height};
  const elements = rows.flatMap((row, r) =>
    row.flatMap(({picture, elements, ...caption}, column) => {
      const left = GAP + sum(widths.slice(0, column).map((other) => other + GAP));
      const top = sum(heights.slice(0, r)) + header;
      paste(picture, sheet, left, top);
      // Keeps a long caption from running into the next one.
      const room = widths[column]! - GAP;
      const {text, size} = fitCaption(caption, room, textSize);
      return [
        textPath(text, left, top - GAP, {size, color: '#222'}),
        // The inner <svg> clips what extends beyond its tile.
        `<svg x="${left}" y="${top}" width="${picture.width}" height="${picture.height}">${elements.join('')}</svg>`,
      ];
    }),
  );
  return {picture: sheet, elements};
}

/**
 * The caption in at most `room` pixels, and its text size. Smaller text comes first. Then the title is cut in the
 * middle; if not even the name of the file is left, it is the name alone. The note is cut last.
 */
export function fitCaption({title, note}: Caption, room: number, textSize: number): {text: string; size: number} {
  const whole = [title, note].filter(Boolean).join(' ');
  const fitting = (textSize * room) / Math.max(1, textWidth(whole, textSize));
  const size = Math.max(LEAST_TEXT, Math.min(textSize, fitting));
  if (textWidth(whole, size) <= room) return {text: whole, size};
  const suffix = note === '' ? '' : ` ${note}`;
  const roomOfTitle = room - textWidth(`${suffix} `, size);
  const name = basename(title);
  const cut = cutText(title, roomOfTitle, size, 'middle');
  const shown = cut.endsWith(name) ? cut : cutText(name, roomOfTitle, size, 'middle');
  return {text: cutText(`${shown}${suffix}`, room, size, 'middle'), size};
}

function paste(from: RgbImage, to: RgbImage, left: number, top: number): void {
  for (let y = 0; y < from.height; y++) {
    const row = from.data.subarray(y * from.width * 3, (y + 1) * from.width * 3);
    to.data.set(row, ((top + y) * to.width + left) * 3);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
