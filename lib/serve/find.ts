import {MaskRcnnError} from '../basics/errors.js';
import {discard} from '../image/discard.js';
import {lend} from '../image/lent-pixels.js';
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
import {detect, detectionOptionsOf, isLarge, readingOf, readWhole, sizeOf} from './predictions.js';
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
  /** The page of its file that was read. Undefined for the first. */
  page: number | undefined;
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
  const reading = readingOf(model, options);
  if (!hasLevel) {
    const size = await sizeOf(upload, reading);
    if (options.tiles === undefined || !isLarge(size, limits)) {
      const pixels = await readWhole(upload, size, {reading, limits});
      return foundOn(upload, pixels, {page: reading.page, level: undefined}, finding);
    }
  }
  const most = {most: limits.maxTiledMegapixels, mostWhole: limits.maxMegapixels};
  const large = await openLargeUpload(upload, {...reading, ...scale}, most);
  try {
    signal.throwIfAborted();
    const {width, height, downsample, micronsPerPixel} = large.source;
    const place = {page: reading.page, level: hasLevel ? {downsample, micronsPerPixel} : undefined};
    if (isLarge(large.source, limits)) {
      if (format === 'labels') throw noLabels(large.source, limits);
      return await large.named(() => foundInParts(upload, large, place, finding));
    }
    const pixels = lend(await large.named(() => large.source.read({left: 0, top: 0, width, height})));
    await large.source.close();
    return await foundOn(upload, pixels, place, finding);
  } catch (error) {
    await large.source.close();
    throw error;
  }
}

/** Which pixels of a file were read. */
type Place = Pick<Found, 'page' | 'level'>;

async function foundOn(
  upload: Upload,
  pixels: RgbImage,
  place: Place,
  {model, options, limits, signal}: Finding,
): Promise<Found> {
  try {
    signal.throwIfAborted();
    const began = performance.now();
    const detections = await detect(pixels, {name: upload.name, model, options, limits, signal});
    return {upload, detections, pixels, large: undefined, ...place, seconds: (performance.now() - began) / 1000};
  } catch (error) {
    discard(pixels.data);
    throw error;
  }
}

async function foundInParts(
  upload: Upload,
  large: LargeUpload,
  place: Place,
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
    ...place,
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
export async function storedValues({upload, pixels, page, level}: Found) {
  if (pixels !== undefined && (level !== undefined || isAsStored(pixels))) return {...pixels, channels: 3};
  return lend(await readStored(upload.bytes, {name: upload.name, page}));
}

/** Frees the memory of what was found on, and closes its file. Nothing may be reading it. */
export async function dispose({upload, pixels, large}: Found): Promise<void> {
  try {
    await large?.source.close();
  } finally {
    if (pixels !== undefined) discard(pixels.data);
    discard(upload.bytes);
  }
}
