import {execFileSync} from 'node:child_process';
import type {ExecutionContext} from 'ava';
import {type OpenRegionsOptions, openRegions} from '../../../lib/image/regions/open-regions.js';
import type {Rect, RegionSource} from '../../../lib/image/regions/region-source.js';
import type {RgbImage} from '../../../lib/image/rgb-image.js';
import {python} from '../../python.js';

/** Pixels without any repetition or symmetry, smooth enough for JPEG. */
export function pattern(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const value of [x + y * 3, (x * y) / 97, x * 5 - y]) data[i++] = 128 + 127 * Math.sin(value / 61);
    }
  }
  return {data, width, height};
}

/** The rectangle of a whole image, cut out pixel by pixel. */
export function cut({data, width}: RgbImage, rect: Rect): Uint8Array {
  const rows: Uint8Array[] = [];
  for (let y = rect.top; y < rect.top + rect.height; y++) {
    rows.push(data.subarray((y * width + rect.left) * 3, (y * width + rect.left + rect.width) * 3));
  }
  return Buffer.concat(rows);
}

/** Rectangles in an image: all of it, its corners, one pixel, one row, one column, and across borders of tiles. */
export function rects({width, height}: {width: number; height: number}): Rect[] {
  const [w, h] = [Math.min(width, 70), Math.min(height, 90)];
  return [
    {left: 0, top: 0, width, height},
    {left: 0, top: 0, width: w, height: h},
    {left: width - w, top: height - h, width: w, height: h},
    {left: width - 1, top: height - 1, width: 1, height: 1},
    {left: 0, top: Math.floor(height / 2), width, height: 1},
    {left: Math.floor(width / 2), top: 0, width: 1, height},
    {
      left: Math.max(0, Math.min(63, width - 2)),
      top: Math.max(0, Math.min(63, height - 2)),
      width: Math.min(2, width),
      height: Math.min(2, height),
    },
    {left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h},
  ];
}

/** Asserts that each of `rects()` is the cut of `whole`. */
export async function sameAs(t: ExecutionContext, source: RegionSource, whole: RgbImage, name: string): Promise<void> {
  t.deepEqual([source.width, source.height], [whole.width, whole.height], name);
  for (const rect of rects(source)) {
    const {data, width, height} = await source.read(rect);
    t.deepEqual([width, height], [rect.width, rect.height], name);
    t.is(Buffer.compare(data, cut(whole, rect)), 0, `${name}: ${JSON.stringify(rect)}`);
  }
}

/** Opens a file, works with it and closes it. */
export async function using<T>(
  file: string,
  options: OpenRegionsOptions,
  work: (source: RegionSource) => Promise<T> | T,
): Promise<T> {
  const source = await openRegions(file, options);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/** Runs a script of Python in a folder. Its last line of output is JSON. */
export function runPython(folder: string, script: string): unknown {
  return JSON.parse(execFileSync(python, ['-c', script], {cwd: folder, encoding: 'utf8'}).trim().split('\n').at(-1)!);
}
