import {MaskRcnnError} from '../basics/errors.js';
import {checkNetworkSize} from '../image/network-size.js';
import {pixelOptionsOf} from '../image/pixel-options.js';
import {type RgbImage, readImage, readImageSize} from '../image/read-image.js';
import type {Detections} from '../model/detections.js';
import type {MaskRcnn} from '../model/model.js';
import type {Limits} from './options.js';
import {Problem} from './problem.js';
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
  const {width, height} = await readImageSize(bytes, {name, ...(page !== undefined && {page})});
  if (width * height > limits.maxMegapixels * 1e6) {
    throw new Problem(
      413,
      'TOO_MANY_PIXELS',
      `${name} must have at most ${limits.maxMegapixels} megapixels, got ${width} × ${height}.`,
    );
  }
  return readImage(bytes, {name, ...reading});
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
  const {scoreThreshold = limits.scoreThreshold, maxDetections, maskThreshold, views, masks, tiles, overlap} = options;
  if (overlap !== undefined && tiles === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', "Option 'overlap' of POST /predict needs 'tiles'.");
  }
  const how = {
    scoreThreshold,
    signal,
    ...(maxDetections !== undefined && {maxDetections}),
    ...(maskThreshold !== undefined && {maskThreshold}),
    ...(views !== undefined && {views}),
  };
  if (tiles !== undefined) {
    const cut = {size: tiles, ...(overlap !== undefined && {overlap})};
    const [found] = await model.predict(pixels, {...how, tiles: cut});
    return masks === 'none' ? {...found, masks: []} : found;
  }
  checkNetworkSize(pixels, model.options, {name, file: undefined});
  const [found] = await (masks === 'none'
    ? model.predict(pixels, {...how, maskFormat: 'none'})
    : model.predict(pixels, how));
  return found as Detections;
}
