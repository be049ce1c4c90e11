import Negotiator from 'negotiator';
import {csvLine} from '../basics/csv.js';
import {mapInTurns} from '../basics/turns.js';
import {drawDetections} from '../draw/overlay.js';
import {featuresOf} from '../export/formats/geojson.js';
import {END, HEAD} from '../export/geojson-feature.js';
import {detectedImage} from '../export/write-detections.js';
import {labelPng} from '../image/label-png.js';
import type {RgbImage} from '../image/read-image.js';
import {isAsStored, readStored} from '../image/read-stored.js';
import {measure} from '../measure/measure.js';
import {type MeasuredImage, objectColumns, objectLines} from '../measure/tables.js';
import type {Detections} from '../model/detections.js';
import {detectionsToJson} from '../model/detections-json.js';
import {detectionsToLabelsInTurns} from '../model/detections-labels.js';
import {ANSWERS, type AnswerFormat} from './options.js';
import {Problem} from './problem.js';
import type {RequestOptions} from './request-options.js';
import type {Upload} from './uploads.js';

/** An image with what was found on it. */
export type Found = {upload: Upload; pixels: RgbImage; detections: Detections};

/** The body of an answer. */
export type Answer = {type: string; body: string | Buffer};

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
    overlay: () => drawDetections(first.pixels, first.detections, {ids: true}),
    labels: () => labelsOf(first, context.options),
  }[format];
  const charset = format === 'csv' ? '; charset=utf-8' : '';
  return {type: `${ANSWERS[format].split(';')[0]}${charset}`, body: await body()};
}

async function jsonOf(found: readonly Found[], model: string): Promise<string> {
  const images: string[] = [];
  for (const {upload, detections} of found) {
    const {objects, ...image} = detectionsToJson({...detections, file: upload.name});
    const texts = await mapInTurns(objects, (object) => JSON.stringify(object));
    images.push(`${JSON.stringify(image).slice(0, -1)},"objects":[${texts.join(',')}]}`);
  }
  return `{"model":${JSON.stringify(model)},"images":[${images.join(',')}]}\n`;
}

async function geojsonOf({upload, detections}: Found, classes: readonly string[]): Promise<string> {
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
    {classes, scored: true},
  );
  return `${HEAD}${features.join(',\n')}${END}`;
}

/** A table with the same columns whether there are objects or not. */
async function csvOf(found: readonly Found[], {micronsPerPixel, page}: RequestOptions): Promise<string> {
  const images: MeasuredImage[] = [];
  let channels = 0;
  for (const {upload, pixels, detections} of found) {
    const values = isAsStored(pixels)
      ? {...pixels, channels: 3}
      : await readStored(upload.bytes, {name: upload.name, page});
    channels = Math.max(channels, values.channels);
    const objects = await measure(values, detections, micronsPerPixel === undefined ? {} : {micronsPerPixel});
    images.push({image: upload.name, objects});
  }
  const columns = objectColumns({detections: true, channels, microns: micronsPerPixel !== undefined});
  const lines: string[] = [csvLine(columns)];
  for (const image of images) lines.push(await objectLines(image, columns));
  return lines.join('');
}

async function labelsOf({detections}: Found, {onTop}: RequestOptions): Promise<Buffer> {
  const {labels, width, height} = await detectionsToLabelsInTurns(detections, onTop === undefined ? {} : {onTop});
  return labelPng(Uint16Array.from(labels), width, height);
}
