import {readdir, readFile, writeFile} from 'node:fs/promises';
import {basename, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, integer, number, required, type Schema, text} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {datasetRule} from '../datasets/dataset.js';
import {naturalOrder} from '../datasets/folder-scan.js';
import {evaluate} from '../evaluation/evaluate.js';
import {writing} from '../files/writing.js';
import type {MaskRcnn} from '../model/model.js';
import {readMetrics} from '../run/metrics-file.js';
import {makeGallery} from './page/gallery.js';
import {type PageContent, pageHtml} from './page/page.js';

/** What `writeReport()` takes. */
export type ReportOptions = {
  /** Whose detections the gallery shows; together with `data`. */
  model?: MaskRcnn;
  data?: Dataset;
  /** What the page calls the weights of `model`: their file. */
  weights?: string;
  /** At most this many images are in the gallery, those with the lowest object F1 first. Default 24. */
  worst?: number;
  /** Detections above this score count for the order of the images; the page begins with it. Default 0.5. */
  scoreThreshold?: number;
  /** The file to write. Default: report.html in the run's folder. */
  output?: string;
  /** Called after each image with how many are done. */
  onImage?: (done: number) => void;
  /** Ends the work before the next image; `writeReport()` rejects with the signal's reason. */
  signal?: AbortSignal;
};

const OPTIONS: Schema = {
  run: required(text),
  model: {
    expected: 'what maskRcnn() resolves to',
    accepts: (value) => typeof (value as MaskRcnn | null)?.predict === 'function',
  },
  data: datasetRule,
  weights: text,
  worst: integer({min: 1}),
  scoreThreshold: number({min: 0, max: 1}),
  output: text,
  onImage: callback,
  signal: instanceOf(AbortSignal),
};

/**
 * Writes the run in the folder `run` as one HTML file that opens without a server or a network: curves with their values under
 * the pointer, scores by epoch, options and versions; and with `model` and `data` a gallery of truth and prediction with a
 * slider for the score, worst images first. Resolves to the file's path.
 *
 * Throws INVALID_OPTION, INVALID_DATASET where there is no run in the folder, WRITE_FAILED, what the model and the data set throw, or the
 * reason of an aborted signal.
 */
export async function writeReport(run: string, options: ReportOptions = {}): Promise<string> {
  checkOptions({run, ...options}, OPTIONS, 'writeReport()');
  const {model, data, output = join(run, 'report.html')} = options;
  if ((model === undefined) !== (data === undefined)) {
    throw new MaskRcnnError('INVALID_OPTION', "writeReport() takes 'model' and 'data' together, got one of them.");
  }
  const content: PageContent = {
    title: basename(resolve(run)),
    options: await readOptions(join(run, 'options.json')),
    history: (await readMetrics(join(run, 'metrics.jsonl'))).history,
  };
  if (model !== undefined && data !== undefined) content.gallery = await openGallery(model, data, options);
  else Object.assign(content, await lastStill(join(run, 'validation')));
  const html = await pageHtml(content);
  await writing(output, () => writeFile(output, html));
  return output;
}

async function openGallery(model: MaskRcnn, data: Dataset, options: ReportOptions) {
  const {weights, worst: count = 24, scoreThreshold = 0.5, onImage, signal} = options;
  const {details} = await evaluate(model, {
    data,
    scoreThreshold,
    ...(onImage && {onImage}),
    ...(signal && {signal}),
  });
  const images = await makeGallery(model, {data, details, count});
  return {images, of: data.length, scoreThreshold, classes: data.classes, ...(weights !== undefined && {weights})};
}

async function readOptions(file: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `${file} must be there, as train() writes it: ${(cause as Error).message}.`,
      {
        file,
        hint: 'Name the folder that train() was told as output.',
        cause,
      },
    );
  }
}

async function lastStill(folder: string): Promise<Pick<PageContent, 'still'>> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.png')).sort(naturalOrder);
  const last = names.at(-1);
  if (last === undefined) return {};
  const url = `data:image/png;base64,${await readFile(join(folder, last), 'base64')}`;
  return {still: {name: `validation/${last}`, url}};
}
