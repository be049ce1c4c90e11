import {TooManyPixels} from '../image/format.js';
import {lend} from '../image/lent-pixels.js';
import {checkNetworkSize} from '../image/network-size.js';
import {type PixelOptions, pixelOptionsOf} from '../image/pixel-options.js';
import {type RgbImage, readImage, readImageSize} from '../image/read-image.js';
import type {Detections} from '../model/detections.js';
import type {MaskRcnn} from '../model/model.js';
import type {Limits} from './options.js';
import {tooManyPixels} from './problem.js';
import type {RequestOptions} from './request-options.js';
import type {Upload} from './uploads.js';

/** A size in pixels. */
export type Size = {width: number; height: number};

/** How images become 8-bit RGB: as the request says, otherwise as those that the network was trained on. */
export function readingOf(model: MaskRcnn, options: RequestOptions): PixelOptions {
  return {...model.pixels, ...pixelOptionsOf(options)};
}

/**
 * Reads an image that was sent. Its size is looked at before it is decoded. Throws TOO_MANY_PIXELS and INVALID_IMAGE.
 */
export async function readUpload(
  upload: Upload,
  {model, options, limits}: {model: MaskRcnn; options: RequestOptions; limits: Limits},
): Promise<RgbImage> {
  const reading = readingOf(model, options);
  return readWhole(upload, await sizeOf(upload, reading), {reading, limits});
}

/** Reads an image whose size is known. Throws TOO_MANY_PIXELS and INVALID_IMAGE. */
export async function readWhole(
  {name, bytes}: Upload,
  size: Size,
  {reading, limits}: {reading: PixelOptions; limits: Limits},
): Promise<RgbImage> {
  if (isLarge(size, limits)) throw tooManyPixels(name, size, limits.maxMegapixels);
  return lend(await readImage(bytes, {name, ...reading}));
}

/** Whether an image is too large to be decoded as a whole. */
export function isLarge({width, height}: Size, {maxMegapixels}: Limits): boolean {
  return width * height > maxMegapixels * 1e6;
}

/** The size, also of an image that is too large to be decoded. Throws INVALID_IMAGE. */
export async function sizeOf({name, bytes}: Upload, {page}: PixelOptions): Promise<Size> {
  try {
    return await readImageSize(bytes, {name, ...(page !== undefined && {page})});
  } catch (error) {
    const {cause} = error as Error;
    if (cause instanceof TooManyPixels) return {width: cause.width, height: cause.height};
    throw error;
  }
}

/** Finds the objects of an image. Throws INVALID_OPTION, INVALID_IMAGE, or the reason of an aborted signal. */
export async function detect(
  pixels: RgbImage,
  {
    name,
    model,
    options,
    limits,
    signal,
  }: {
    name: string;
    model: MaskRcnn;
    options: RequestOptions;
    limits: Limits;
    signal: AbortSignal;
  },
): Promise<Detections> {
  const {tiles, overlap, skipBlank, masks} = options;
  const how = detectionOptionsOf(options, {limits, signal});
  if (tiles !== undefined) {
    const cut = {
      size: tiles,
      ...(overlap !== undefined && {overlap}),
      ...(skipBlank !== undefined && {skipBlank}),
    };
    const [found] = await model.predict(pixels, {...how, tiles: cut});
    return masks === 'none' ? {...found, masks: []} : found;
  }
  checkNetworkSize(pixels, model.options, {name, file: undefined});
  const [found] = await (masks === 'none'
    ? model.predict(pixels, {...how, maskFormat: 'none'})
    : model.predict(pixels, how));
  return found as Detections;
}

/** Those options of a request that whole images and tiles have in common. */
export function detectionOptionsOf(
  {scoreThreshold, maxDetections, maskThreshold, views}: RequestOptions,
  {limits, signal}: {limits: Limits; signal: AbortSignal},
) {
  return {
    scoreThreshold: scoreThreshold ?? limits.scoreThreshold,
    signal,
    ...(maxDetections !== undefined && {maxDetections}),
    ...(maskThreshold !== undefined && {maskThreshold}),
    ...(views !== undefined && {views}),
  };
}
