/**
 * An image of a data set whose size is known from the head of its file, and which is opened for reading rectangles when
 * they are needed.
 */
import {open} from 'node:fs/promises';
import {integer, number, type Schema} from '../../basics/schema.js';
import {unreadable} from '../bytes.js';
import {detectFormat} from '../format.js';
import {readImage} from '../read-image.js';
import {regionsOfImage} from './image-regions.js';
import {type OpenRegionsOptions, openRegions, regionsSize} from './open-regions.js';
import type {RegionSource} from './region-source.js';

/** Which pixels of a pyramid are read, as in `openRegions()`. */
export type LevelOptions = Pick<OpenRegionsOptions, 'level' | 'micronsPerPixel'>;

/** The rules of these options. */
export const LEVEL_OPTIONS = {
  level: integer({min: 0}),
  micronsPerPixel: number({above: 0}),
} as const satisfies Schema;

/** Those of `options` that choose pixels of a pyramid and are given. */
export function levelOptionsOf({level, micronsPerPixel}: LevelOptions): LevelOptions {
  return {...(level !== undefined && {level}), ...(micronsPerPixel !== undefined && {micronsPerPixel})};
}

/** An image that is read in parts. */
export type LargeImage = {
  /** Its name in messages. */
  readonly file: string;
  /** Size of the pixels that are read. */
  readonly width: number;
  readonly height: number;
  /** How many pixels of the whole image a pixel is wide. */
  readonly downsample: number;
  /** Size of the image at full resolution, in whose pixels its objects are. */
  readonly full: {width: number; height: number};
  /** Opens the pixels. Who has called it closes what it returns. */
  open(): Promise<RegionSource>;
};

/**
 * An image file of up to this many pixels is decoded at once if its format has no parts: 50 MB in memory are less than
 * the time for a temporary copy.
 */
const SMALL = 4096 ** 2;

/**
 * An image file that is read in parts, upright as `readImage()` gives it. Formats without parts, such as JPEG and PNG,
 * are decoded whole when they are opened: in memory if they are small, otherwise into a temporary copy. So are files
 * that are read with the range 'percentile', which is that of a whole image. Throws INVALID_OPTION and INVALID_IMAGE as
 * `openRegions()` does.
 */
export async function largeImage(file: string, options: OpenRegionsOptions): Promise<LargeImage> {
  const {level, micronsPerPixel, ...pixels} = options;
  const isWhole = pixels.range === 'percentile' && !level && micronsPerPixel === undefined;
  const {range: _, ...others} = options;
  const {width, height, downsample, full} = await regionsSize(file, isWhole ? others : options);
  const atOnce = isWhole || (!(await isTiff(file)) && width * height <= SMALL && downsample === 1);
  return {
    file,
    width,
    height,
    downsample,
    full,
    open: async () => (atOnce ? regionsOfImage(await readImage(file, pixels), file) : openRegions(file, options)),
  };
}

async function isTiff(file: string): Promise<boolean> {
  const handle = await open(file).catch((cause) => {
    throw unreadable(file, cause, 'INVALID_IMAGE');
  });
  try {
    const {buffer, bytesRead} = await handle.read(new Uint8Array(16), 0, 16, 0);
    return detectFormat(buffer.subarray(0, bytesRead)) === 'tiff';
  } finally {
    await handle.close();
  }
}
