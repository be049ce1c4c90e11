import {rowsInTurns, Turn} from '../../basics/turns.js';
import type {RgbImage} from '../rgb-image.js';
import type {RegionPixels} from './region-source.js';

/**
 * Pixels at another scale: each is `scale` pixels wide. Every pixel is a weighted mean, with a triangle that is as wide
 * as two pixels of the coarser of both images. This is Pillow's bilinear `resize`, without rounding between both
 * directions. The weights depend on where a pixel is in the whole image alone, so neighbouring regions fit together.
 * That is why sharp does not do it: it resizes from whole pixels only.
 */
export function resampled(pixels: RegionPixels, scale: number): RegionPixels {
  const {width, height} = scaledSize(pixels, scale);
  return {
    width,
    height,
    async read(rect) {
      const whole = new Uint8Array(rect.width * rect.height * 3);
      const side = Math.max(1, Math.floor(STORED_SIDE / scale));
      let notices: RgbImage['notices'];
      for (let y = 0; y < rect.height; y += side) {
        for (let x = 0; x < rect.width; x += side) {
          const size = {width: Math.min(side, rect.width - x), height: Math.min(side, rect.height - y)};
          const across = tapsOf(rect.left + x, size.width, pixels.width, scale);
          const down = tapsOf(rect.top + y, size.height, pixels.height, scale);
          const source = await pixels.read({
            left: across.from,
            top: down.from,
            width: across.to - across.from,
            height: down.to - down.from,
          });
          notices ??= source.notices;
          await weigh(source, {...size, across, down}, (row, from) => {
            whole.set(row, ((y + from) * rect.width + x) * 3);
          });
        }
      }
      return {data: whole, width: rect.width, height: rect.height, ...(notices !== undefined && {notices})};
    },
  };
}

/** The size of an image whose pixels become `scale` pixels wide. */
export function scaledSize(image: {width: number; height: number}, scale: number): {width: number; height: number} {
  const size = (length: number) => (scale === 1 ? length : Math.max(1, Math.floor(length / scale + 1e-6)));
  return {width: size(image.width), height: size(image.height)};
}

/** Side of the largest square of stored pixels that is worked on at a time. Limits the memory if `scale` is large. */
const STORED_SIDE = 2048;

/** The stored pixels that some pixels are made of, `from` to `to` without `to`, and the weights for each of them. */
type Taps = {
  from: number;
  to: number;
  /** For each pixel: its first stored pixel, counted from `from`. */
  firsts: Int32Array;
  /** For each pixel `most` weights, whose sum is 1. */
  weights: Float32Array;
  most: number;
};

function tapsOf(start: number, length: number, stored: number, scale: number): Taps {
  const reach = Math.max(1, scale);
  const most = Math.ceil(reach) * 2 + 1;
  const firsts = new Int32Array(length);
  const weights = new Float32Array(length * most);
  let [from, to] = [stored, 0];
  for (let i = 0; i < length; i++) {
    const centre = Math.min((start + i + 0.5) * scale, stored);
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(stored, Math.max(first + 1, Math.floor(centre + reach + 0.5)));
    let sum = 0;
    for (let j = first; j < end; j++) {
      const weight = Math.max(0, 1 - Math.abs(j + 0.5 - centre) / reach);
      weights[i * most + j - first] = weight;
      sum += weight;
    }
    for (let j = 0; j < end - first; j++) weights[i * most + j]! /= sum;
    firsts[i] = first;
    from = Math.min(from, first);
    to = Math.max(to, end);
  }
  for (let i = 0; i < length; i++) firsts[i]! -= from;
  return {from, to, firsts, weights, most};
}

/** Computes a rectangle of pixels, and calls `take` for each of its rows. */
async function weigh(
  source: RgbImage,
  {width, height, across, down}: {width: number; height: number; across: Taps; down: Taps},
  take: (row: Uint8Array, y: number) => void,
): Promise<void> {
  const turn = new Turn();
  const rows = new Float32Array(width * source.height * 3);
  // The rows between two looks at the clock depend on the work for a row.
  await rowsInTurns(
    width * across.most,
    source.height,
    (y) => {
      const row = y * source.width;
      for (let x = 0; x < width; x++) {
        let [red, green, blue] = [0, 0, 0];
        let at = (row + across.firsts[x]!) * 3;
        const end = Math.min(across.most, source.width - across.firsts[x]!);
        for (let j = 0; j < end; j++, at += 3) {
          const weight = across.weights[x * across.most + j]!;
          red += weight * source.data[at]!;
          green += weight * source.data[at + 1]!;
          blue += weight * source.data[at + 2]!;
        }
        const to = (y * width + x) * 3;
        rows[to] = red;
        rows[to + 1] = green;
        rows[to + 2] = blue;
      }
    },
    turn,
  );
  const result = new Uint8Array(width * 3);
  await rowsInTurns(
    width * down.most,
    height,
    (y) => {
      const first = down.firsts[y]!;
      const end = Math.min(down.most, source.height - first);
      for (let i = 0; i < width * 3; i++) {
        let sum = 0;
        for (let j = 0; j < end; j++) sum += down.weights[y * down.most + j]! * rows[(first + j) * width * 3 + i]!;
        result[i] = sum + 0.5;
      }
      take(result, y);
    },
    turn,
  );
}
