import {loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {lend} from '../image/lent-pixels.js';
import {pixelOptionsOf} from '../image/pixel-options.js';
import type {RgbImage} from '../image/read-image.js';
import {isAsStored, readStored} from '../image/read-stored.js';
import {levelOptionsOf} from '../image/regions/large-image.js';
import type {RegionSource} from '../image/regions/region-source.js';
import type {Detections} from '../model/detections.js';
import type {MaskRcnn} from '../model/model.js';
import {detectionsOfTiles} from '../model/tiles/detections-of-tiles.js';
import type {TiledObject} from '../model/tiles/tiled-object.js';
import {type LargeUpload, openLargeUpload} from './large-upload.js';
import type {AnswerFormat, Limits} from './options.js';
import {detect, detectionOptionsOf, readUpload, sizeOf} from './predictions.js';
import {Problem} from './problem.js';
import type {RequestOptions} from './request-options.js';
import type {Upload} from './uploads.js';

/** An image with what was found on it. */
export type Found = {
  upload: Upload;
  detections: Detections;
  /** Its pixels, unless it is so large that they are read in parts. */
  pixels: RgbImage | undefined;
  /** Its parts, and the objects in the order of `detections`. */
  large: (LargeUpload & {objects: readonly TiledObject[]}) | undefined;
  /** Whether the pixels are those of a level of a pyramid instead of the file's own. */
  level: {downsample: number; micronsPerPixel: number | undefined} | undefined;
  /** How long the network took. */
  seconds: number;
};

/** What finding objects needs. */
export type Finding = {
  model: MaskRcnn;
  options: RequestOptions;
  /** What the answer will be. */
  format: AnswerFormat;
  limits: Limits;
  signal: AbortSignal;
};

/**
 * Finds the objects of an image that was sent. With `tiles`, one that is too large to be decoded as a whole is read in
 * parts. The caller calls `dispose()` with the result. Throws TOO_MANY_PIXELS, INVALID_OPTION, INVALID_IMAGE, or the
 * reason of an aborted signal.
 */
export async function find(upload: Upload, finding: Finding): Promise<Found> {
  const {model, options, format, limits, signal} = finding;
  requireTiles(options);
  const scale = levelOptionsOf({
    ...(options.level !== undefined && {level: options.level}),
    ...(options.pixelSize !== undefined && {micronsPerPixel: options.pixelSize}),
  });
  const hasLevel = Object.keys(scale).length > 0;
  if (options.tiles === undefined || !(hasLevel || (await isLarge(upload, finding)))) {
    const pixels = await readUpload(upload, {model, options, limits});
    return foundOn(upload, pixels, undefined, finding);
  }
  const reading = {...model.pixels, ...pixelOptionsOf(options), ...scale};
  const most = {most: limits.maxTiledMegapixels, mostWhole: limits.maxMegapixels};
  const large = await openLargeUpload(upload, reading, most);
  try {
    signal.throwIfAborted();
    const {width, height, downsample, micronsPerPixel} = large.source;
    const level = hasLevel ? {downsample, micronsPerPixel} : undefined;
    if (width * height > limits.maxMegapixels * 1e6) {
      if (format === 'labels') throw noLabels(large.source, limits);
      return await large.named(() => foundInParts(upload, large, level, finding));
    }
    const pixels = lend(await large.named(() => large.source.read({left: 0, top: 0, width, height})));
    await large.close();
    return await foundOn(upload, pixels, level, finding);
  } catch (error) {
    await large.close();
    throw error;
  }
}

async function isLarge({name, bytes}: Upload, {model, options, limits}: Finding): Promise<boolean> {
  const {page} = {...model.pixels, ...pixelOptionsOf(options)};
  const {width, height} = await sizeOf(bytes, {name, page});
  return width * height > limits.maxMegapixels * 1e6;
}

async function foundOn(
  upload: Upload,
  pixels: RgbImage,
  level: Found['level'],
  {model, options, limits, signal}: Finding,
): Promise<Found> {
  try {
    signal.throwIfAborted();
    const began = performance.now();
    const detections = await detect(pixels, {name: upload.name, model, options, limits, signal});
    return {upload, detections, pixels, large: undefined, level, seconds: (performance.now() - began) / 1000};
  } catch (error) {
    await free(pixels);
    throw error;
  }
}

async function foundInParts(
  upload: Upload,
  large: LargeUpload,
  level: Found['level'],
  {model, options, limits, signal}: Finding,
): Promise<Found> {
  const {source} = large;
  const {tiles, overlap, skipBlank} = options;
  const cut = {
    ...(tiles !== undefined && {size: tiles}),
    ...(overlap !== undefined && {overlap}),
    ...(skipBlank !== undefined && {skipBlank}),
  };
  const objects: TiledObject[] = [];
  const began = performance.now();
  const how = {...detectionOptionsOf(options, {limits, signal}), ...cut};
  for await (const object of model.predictTiles(source, how)) objects.push(object);
  objects.sort((a, b) => b.score - a.score);
  const {width, height} = source;
  const found = await detectionsOfTiles(objects, {width, height});
  const detections = options.masks === 'none' ? {...found, masks: []} : found;
  return {
    upload,
    detections,
    pixels: undefined,
    large: {...large, objects},
    level,
    seconds: (performance.now() - began) / 1000,
  };
}

function noLabels({width, height}: RegionSource, {maxMegapixels}: Limits): Problem {
  const message = `A label mask has at most ${maxMegapixels} megapixels, got ${width} × ${height}.`;
  return new Problem(406, 'NOT_ACCEPTABLE', message, {hint: 'Ask for GeoJSON or JSON.'});
}

/** Throws INVALID_OPTION for options of tiles without tiles. */
function requireTiles(options: RequestOptions): void {
  if (options.tiles !== undefined) {
    if (options.level === undefined || options.pixelSize === undefined) return;
    throw new MaskRcnnError('INVALID_OPTION', "POST /predict takes 'level' or 'pixelSize', got both.");
  }
  const given = (['overlap', 'skipBlank', 'level', 'pixelSize'] as const).find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new MaskRcnnError('INVALID_OPTION', `Option '${given}' of POST /predict needs 'tiles'.`);
}

/** The numbers in which intensities are measured: those of the file, or of a level as 8-bit RGB. */
export async function storedValues({upload, pixels, level}: Found, page: number | undefined) {
  if (pixels !== undefined && (level !== undefined || isAsStored(pixels))) return {...pixels, channels: 3};
  return lend(await readStored(upload.bytes, {name: upload.name, page}));
}

/** Frees the memory of what was found on, and its file, at once. Nothing may be reading it. */
export async function dispose({upload, pixels, large}: Found): Promise<void> {
  await large?.close();
  if (pixels !== undefined) await free(pixels);
  await free({data: upload.bytes});
}

/**
 * Frees the memory of an array at once. The garbage collector would come to it late, or not at all while nothing is
 * asked for.
 */
export async function free({data}: {data: Uint8Array | Uint16Array | Float32Array}): Promise<void> {
  const {freeBytes} = await loadBinding();
  freeBytes(data);
}
