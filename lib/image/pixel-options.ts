import {MaskRcnnError} from '../basics/errors.js';
import {either, integer, listOf, object, oneOf, type Rule, type Schema} from '../basics/schema.js';

/**
 * Which stored values become black and white. 'full': the whole range of the type, and 0..1 for floating-point numbers;
 * 'percentile': from the 0.1 to the 99.9 percentile of each channel of each image; [low, high]: these values.
 */
export type PixelRange = 'full' | 'percentile' | readonly [low: number, high: number];

/** How the stored pixels of an image file become 8-bit RGB. */
export type PixelOptions = {
  /**
   * Which stored values become black and white. 'full': the whole range of the type, of which the upper 8 bits are
   * kept; floating-point numbers must be in 0..1. [low, high], low < high: a value v of any type becomes
   * floor(255 (v - low) / (high - low) + 0.5), at least 0 and at most 255. 'percentile': the same from the 0.1 to the
   * 99.9 percentile of each channel of each image (as numpy.percentile, without NaN and infinity). NaN is black.
   * Default 'full'.
   */
  range?: PixelRange;
  /**
   * Number of the page (TIFF) or frame (GIF, WebP) to read, counted from 0. Of an OME-TIFF, or a stack of ImageJ, whose
   * channels are pages: of the plane, slices first, then frames. Default 0.
   */
  page?: number;
  /**
   * One to three numbers of stored channels, counted from 0, that become red, green and blue. One channel becomes grey,
   * and of two the blue is black. Channels may be pages: an OME-TIFF, or a stack of ImageJ, says so. An alpha channel
   * has a number too; those of CMYK are 0 to 3. Default: the first three, or the first if there are fewer than three,
   * without alpha.
   */
  channels?: readonly number[];
};

const bounds: Rule = {
  expected: '[low, high] with low < high',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((bound) => typeof bound === 'number' && Number.isFinite(bound)) &&
    value[0] < value[1],
};

const channel = integer({min: 0});

const channelList: Rule = {
  expected: `an array of 1 to 3 items, each ${channel.expected}`,
  accepts: (value) => listOf(channel, {min: 1}).accepts(value) && (value as number[]).length <= 3,
};

export const PIXEL_OPTIONS: Schema = {
  range: either(oneOf('full', 'percentile'), bounds),
  page: integer({min: 0}),
  channels: channelList,
};

/** Pixel options as a value of their own. */
export const pixelsRule: Rule = {
  expected: `pixel options {range, page, channels}: ${Object.values(PIXEL_OPTIONS)
    .map(({expected}) => expected)
    .join('; ')}`,
  accepts: (value) =>
    object.accepts(value) &&
    Object.entries(value as object).every(
      ([name, each]) =>
        Object.hasOwn(PIXEL_OPTIONS, name) && (each === undefined || PIXEL_OPTIONS[name]!.accepts(each)),
    ),
};

/** Those of `options` that are pixel options and given. */
export function pixelOptionsOf(options: PixelOptions): PixelOptions {
  const {range, page, channels} = options;
  return {
    ...(range !== undefined && {range}),
    ...(page !== undefined && {page}),
    ...(channels !== undefined && {channels}),
  };
}

/** Whether images are read the same way with both. */
export function arePixelsEqual(a: PixelOptions, b: PixelOptions): boolean {
  return JSON.stringify(completed(a)) === JSON.stringify(completed(b));
}

function completed({range = 'full', page = 0, channels}: PixelOptions) {
  return [range, page, channels === undefined ? null : [...channels]];
}

/** The given options as they are written in code: range: [0, 4095], page: 2. */
export function describePixels(options: PixelOptions): string {
  const {range, page, channels} = options;
  const list = (numbers: readonly number[]) => `[${numbers.join(', ')}]`;
  return [
    ...(range === undefined ? [] : [`range: ${typeof range === 'string' ? `'${range}'` : list(range)}`]),
    ...(page === undefined ? [] : [`page: ${page}`]),
    ...(channels === undefined ? [] : [`channels: ${list(channels)}`]),
  ].join(', ');
}

/** A sentence if a data set reads images in another way than those that the weights were trained on. */
export function pixelsDifference(trained: PixelOptions, data: PixelOptions | undefined): string[] {
  if (data === undefined || arePixelsEqual(trained, data)) return [];
  const [before, now] = [trained, data].map((pixels) => describePixels({range: 'full', ...pixels}));
  return [`The weights were trained on images read with ${before}; the data set reads them with ${now}.`];
}

/** Throws INVALID_DATASET if `validation` reads images in another way than `data`, and both say how. */
export function requireSamePixels(data: PixelOptions | undefined, validation: PixelOptions | undefined): void {
  if (data === undefined || validation === undefined || arePixelsEqual(data, validation)) return;
  const [expected, got] = [data, validation].map((pixels) => describePixels({range: 'full', ...pixels}));
  throw new MaskRcnnError('INVALID_DATASET', `'validation' must read images with ${expected} as 'data', got ${got}.`, {
    hint: 'Open both data sets with the same `range`, `page` and `channels`.',
  });
}
