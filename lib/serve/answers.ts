import Negotiator from 'negotiator';
import {csvLine} from '../basics/csv.js';
import {mapInTurns} from '../basics/turns.js';
import {drawDetections} from '../draw/overlay.js';
import {drawOverview} from '../draw/overview.js';
import {featuresOf} from '../export/formats/geojson.js';
import {END, HEAD} from '../export/geojson-feature.js';
import {detectedImage} from '../export/write-detections.js';
import {discard} from '../image/discard.js';
import {faultOfPng, labelPng} from '../image/label-png.js';
import {resampled} from '../image/regions/resampled.js';
import {measure} from '../measure/measure.js';
import {measureTiles} from '../measure/measure-tiles.js';
import type {ObjectMeasurements} from '../measure/measurements.js';
import {type MeasuredImage, objectColumns, objectLines} from '../measure/tables.js';
import {detectionsToJson} from '../model/detections-json.js';
import {detectionsToLabelsInTurns} from '../model/detections-labels.js';
import {type Found, storedValues} from './find.js';
import {ANSWERS, type AnswerFormat} from './options.js';
import {Problem} from './problem.js';
import type {RequestOptions} from './request-options.js';

/** The body of an answer. */
export type Answer = {type: string; body: string | Buffer};

/** The longer side of the picture of an image that is read in parts, in pixels. */
const OVERVIEW_SIDE = 2048;
/** Formats of one image. */
const OF_ONE_IMAGE: readonly AnswerFormat[] = ['geojson', 'overlay', 'labels'];
/** Formats that masks are needed for. */
const OF_MASKS: readonly AnswerFormat[] = ['geojson', 'csv', 'labels'];

/**
 * The format to answer in: the one that is named, or the first that the `Accept` header prefers. Throws NOT_ACCEPTABLE,
 * also for a format that does not fit the images or the network.
 */
export function chooseFormat(
  {format, masks}: RequestOptions,
  accept: string | undefined,
  {images, hasMasks}: {images: number; hasMasks: boolean},
): AnswerFormat {
  const types = Object.values(ANSWERS);
  const [best] = new Negotiator({headers: {accept: accept ?? '*/*'}}).mediaTypes([...types]);
  const preferred = Object.keys(ANSWERS)[types.indexOf(best as (typeof types)[number])] as AnswerFormat | undefined;
  const chosen = format ?? preferred;
  const refuse = (message: string) => new Problem(406, 'NOT_ACCEPTABLE', message);
  if (chosen === undefined) throw refuse(`The answer can be one of ${types.join(', ')}.`);
  if (images > 1 && OF_ONE_IMAGE.includes(chosen)) {
    throw refuse(`The format '${chosen}' is for one image, got ${images}.`);
  }
  if (OF_MASKS.includes(chosen) && (!hasMasks || masks === 'none')) {
    throw refuse(`The format '${chosen}' needs masks, and there are none.`);
  }
  return chosen;
}

/** What was found, in a format. Works in turns. */
export async function makeAnswer(
  format: AnswerFormat,
  found: readonly Found[],
  context: {model: string; classes: readonly string[]; options: RequestOptions},
): Promise<Answer> {
  const [first] = found as [Found, ...Found[]];
  const body = {
    json: () => jsonOf(found, context.model),
    geojson: () => geojsonOf(first, context.classes),
    csv: () => csvOf(found, context.options),
    overlay: () => overlayOf(first),
    labels: () => labelsOf(first, context.options),
  }[format];
  const charset = format === 'csv' ? '; charset=utf-8' : '';
  return {type: `${ANSWERS[format].split(';')[0]}${charset}`, body: await body()};
}

async function jsonOf(found: readonly Found[], model: string): Promise<string> {
  const images: string[] = [];
  for (const {upload, detections, level} of found) {
    const {objects, ...rest} = detectionsToJson({...detections, file: upload.name});
    const image = {...rest, ...(level && {downsample: level.downsample})};
    const texts = await mapInTurns(objects, (object) => JSON.stringify(object));
    images.push(`${JSON.stringify(image).slice(0, -1)},"objects":[${texts.join(',')}]}`);
  }
  return `{"model":${JSON.stringify(model)},"images":[${images.join(',')}]}\n`;
}

/** Outlines in pixels of the whole image, also of objects that were found on a level: so QuPath opens them. */
async function geojsonOf({upload, detections, level}: Found, classes: readonly string[]): Promise<string> {
  const image = detectedImage(detections, upload.name);
  const features = await featuresOf(
    {
      ...image,
      objects: image.objects.flatMap((object) => (object.mask === undefined ? [] : [{...object, mask: object.mask}])),
      boxes: [],
      split: undefined,
      index: 0,
      objectsBefore: 0,
      lose: () => {}, // an object without a pixel has no outline
    },
    {classes, scored: true, downsample: level?.downsample ?? 1},
  );
  return `${HEAD}${features.join(',\n')}${END}`;
}

/** A table with the same columns whether there are objects or not. */
async function csvOf(found: readonly Found[], {micronsPerPixel: given}: RequestOptions): Promise<string> {
  const images: MeasuredImage[] = [];
  let channels = 0;
  let hasMicrons = given !== undefined;
  for (const one of found) {
    const {upload, detections, large, level} = one;
    const micronsPerPixel = given ?? large?.source.micronsPerPixel ?? level?.micronsPerPixel;
    hasMicrons ||= micronsPerPixel !== undefined;
    const options = micronsPerPixel === undefined ? {} : {micronsPerPixel};
    if (large !== undefined) {
      const objects: ObjectMeasurements[] = [];
      await large.named(async () => {
        for await (const object of measureTiles(large.objects, large.source, options)) objects.push(object);
      });
      channels = Math.max(channels, 3);
      images.push({image: upload.name, objects});
      continue;
    }
    const values = await storedValues(one);
    channels = Math.max(channels, values.channels);
    images.push({image: upload.name, objects: await measure(values, detections, options)});
    if (values.data !== one.pixels?.data) discard(values.data);
  }
  const columns = objectColumns({detections: true, channels, microns: hasMicrons});
  const lines: string[] = [csvLine(columns)];
  for (const image of images) lines.push(await objectLines(image, columns));
  return lines.join('');
}

/** The objects over the image; the outlines over a reduced copy of one that is read in parts. */
async function overlayOf({pixels, detections, large}: Found): Promise<Buffer> {
  if (large === undefined) return drawDetections(pixels!, detections, {ids: true});
  const {source, objects} = large;
  return large.named(async () => {
    const reduction = Math.max(1, Math.max(source.width, source.height) / OVERVIEW_SIDE);
    const reduced = resampled(source, reduction);
    const picture = await reduced.read({left: 0, top: 0, width: reduced.width, height: reduced.height});
    return drawOverview(picture, objects, {reduction});
  });
}

/** Throws NOT_ACCEPTABLE for more objects than 16 bits can tell apart, which an image in tiles may have. */
async function labelsOf({upload, detections}: Found, {onTop}: RequestOptions): Promise<Buffer> {
  const {width, height, scores} = detections;
  const fault = faultOfPng(scores.length, upload.name);
  if (fault !== undefined) {
    throw new Problem(406, 'NOT_ACCEPTABLE', fault, {hint: 'Ask for JSON or GeoJSON, or raise scoreThreshold.'});
  }
  const labels = new Uint16Array(width * height);
  await detectionsToLabelsInTurns(detections, onTop === undefined ? {} : {onTop}, labels);
  return labelPng(labels, width, height).finally(() => discard(labels));
}
