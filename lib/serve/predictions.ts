import {TooManyPixels} from '../image/format.js';
import {lend} from '../image/lent-pixels.js';
import {checkNetworkSize} from '../image/network-size.js';
import {pixelOptionsOf} from '../image/pixel-options.js';
import {type RgbImage, readImage, readImageSize} from '../image/read-image.js';
import type {Detections} from '../model/detections.js';
import type {MaskRcnn} from '../model/model.js';
import type {Limits} from './options.js';
import {tooManyPixels} from './problem.js';
import type {RequestOptions} from './request-options.js';
import type {Upload} from './uploads.js';

/**
 * Reads an image that was sent. Its size is looked at before it is decoded. Throws TOO_MANY_PIXELS and INVALID_IMAGE.
 */
export async function readUpload(
  {name, bytes}: Upload,
  {model, options, limits}: {model: MaskRcnn; options: RequestOptions; limits: Limits},
): Promise<RgbImage> {
  const reading = {...model.pixels, ...pixelOptionsOf(options)};
  const {page} = reading;
  const {width, height} = await sizeOf(bytes, {name, page});
  if (width * height > limits.maxMegapixels * 1e6) {
    throw tooManyPixels(name, {width, height}, limits.maxMegapixels);
  }
  return lend(await readImage(bytes, {name, ...reading}));
}

/** The size in pixels, also of an image that is too large to be decoded. Throws INVALID_IMAGE. */
export async function sizeOf(bytes: Uint8Array, {name, page}: {name: string; page: number | undefined}) {
  try {
    return await readImageSize(bytes, {name, ...(page !== undefined && {page})});
  } catch (error) {
    if ((error as Error).cause instanceof TooManyPixels) return (error as Error).cause as TooManyPixels;
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
