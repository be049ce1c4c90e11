import {rowsInTurns} from '../../basics/turns.js';
import type {RgbImage} from '../rgb-image.js';
import type {Rect, RegionPixels} from './region-source.js';

/** How an upright image is stored (Exif 2.32, tag 274): whether x and y are swapped first, then which are mirrored. */
const STORED: Readonly<Record<number, {swaps: boolean; mirrorsX: boolean; mirrorsY: boolean}>> = {
  2: {swaps: false, mirrorsX: true, mirrorsY: false},
  3: {swaps: false, mirrorsX: true, mirrorsY: true},
  4: {swaps: false, mirrorsX: false, mirrorsY: true},
  5: {swaps: true, mirrorsX: false, mirrorsY: false},
  6: {swaps: true, mirrorsX: false, mirrorsY: true},
  7: {swaps: true, mirrorsX: true, mirrorsY: true},
  8: {swaps: true, mirrorsX: true, mirrorsY: false},
};

/** Pixels turned upright by their orientation tag, 1 to 8. */
export function upright(pixels: RegionPixels, orientation: number): RegionPixels {
  const stored = STORED[orientation];
  if (stored === undefined) return pixels;
  const {swaps, mirrorsX, mirrorsY} = stored;
  const [width, height] = swaps ? [pixels.height, pixels.width] : [pixels.width, pixels.height];
  return {
    width,
    height,
    async read(rect) {
      const part = swaps ? swapped(rect) : rect;
      const image = await pixels.read({
        ...part,
        left: mirrorsX ? pixels.width - part.left - part.width : part.left,
        top: mirrorsY ? pixels.height - part.top - part.height : part.top,
      });
      return turned(image, rect, stored);
    },
  };
}

function swapped({left, top, width, height}: Rect): Rect {
  return {left: top, top: left, width: height, height: width};
}

async function turned(
  image: RgbImage,
  {width, height}: Rect,
  {swaps, mirrorsX, mirrorsY}: {swaps: boolean; mirrorsX: boolean; mirrorsY: boolean},
): Promise<RgbImage> {
  const data = new Uint8Array(image.data.length);
  // Steps through the stored pixels, in pixels, for a step along x and y.
  const stepX = mirrorsX ? -1 : 1;
  const stepY = (mirrorsY ? -1 : 1) * image.width;
  const start = (mirrorsX ? image.width - 1 : 0) + (mirrorsY ? (image.height - 1) * image.width : 0);
  const [alongX, alongY] = swaps ? [stepY, stepX] : [stepX, stepY];
  await rowsInTurns(width, height, (y) => {
    let from = (start + y * alongY) * 3;
    for (let to = y * width * 3; to < (y + 1) * width * 3; to += 3, from += alongX * 3) {
      data[to] = image.data[from]!;
      data[to + 1] = image.data[from + 1]!;
      data[to + 2] = image.data[from + 2]!;
    }
  });
  return {...image, data, width, height};
}
