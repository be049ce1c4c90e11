import {loadSharp} from '../image/load-sharp.js';
import type {RgbImage} from '../image/read-image.js';
import type {Shape} from './canvas.js';
import type {Item} from './overlay.js';

/**
 * Shrinks an image and its objects so that the longer side has at most `side` pixels. Smaller images stay as they are.
 */
export async function fit(
  image: RgbImage,
  items: readonly Item[],
  side: number,
): Promise<{image: RgbImage; items: Item[]}> {
  const {data, width, height} = image;
  const factor = side / Math.max(width, height);
  if (factor >= 1) return {image, items: [...items]};
  const size = {width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor))};
  const sharp = await loadSharp();
  const resized = await sharp(data, {raw: {width, height, channels: 3}})
    .resize({...size, fit: 'fill'})
    .raw()
    .toBuffer();
  const scale = {x: size.width / width, y: size.height / height};
  return {
    image: {data: resized, ...size},
    items: items.map(({box: [x0, y0, x1, y1], shape, label}) => ({
      box: [x0 * scale.x, y0 * scale.y, x1 * scale.x, y1 * scale.y],
      shape: shape && shrink(shape, scale),
      label,
    })),
  };
}

/** Resizes by nearest neighbour: each pixel of the result takes the value at its centre. */
function shrink(shape: Shape, {x: scaleX, y: scaleY}: {x: number; y: number}): Shape {
  const left = Math.floor(shape.left * scaleX);
  const top = Math.floor(shape.top * scaleY);
  const width = Math.ceil((shape.left + shape.width) * scaleX) - left;
  const height = Math.ceil((shape.top + shape.height) * scaleY) - top;
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const sourceY = Math.floor((top + y + 0.5) / scaleY) - shape.top;
    if (sourceY < 0 || sourceY >= shape.height) continue;
    for (let x = 0; x < width; x++) {
      const sourceX = Math.floor((left + x + 0.5) / scaleX) - shape.left;
      if (sourceX < 0 || sourceX >= shape.width) continue;
      bitmap[y * width + x] = shape.bitmap[sourceY * shape.width + sourceX]!;
    }
  }
  return {bitmap, left, top, width, height};
}
