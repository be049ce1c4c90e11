import {readdir, readFile, stat, writeFile} from 'node:fs/promises';
import {basename, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, integer, number, required, type Schema, text} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {checkDataset, datasetRule} from '../datasets/dataset.js';
import {naturalOrder} from '../datasets/folder-scan.js';
import {evaluate, SCORE_THRESHOLD} from '../evaluation/evaluate.js';
import {readJsonObject} from '../files/json-object.js';
import {writing} from '../files/writing.js';
import type {MaskRcnn} from '../model/model.js';
import {readMetrics} from '../run/metrics-file.js';
import {makeGallery} from './page/gallery.js';
import {type PageContent, pageHtml} from './page/page.js';

/** Options of `writeReport()`. */
export type ReportOptions = {
  /** The model whose detections the gallery shows. Needs `data`. */
  model?: MaskRcnn;
  data?: Dataset;
  /** The name that the page shows for the weights of `model`, usually their file. */
  weights?: string;
  /** Maximum number of images in the gallery. Those with the lowest object F1 come first. Default 24. */
  worst?: number;
  /**
   * Only detections above this score count for the order of the images and for the errors of the number of objects. It
   * is also the initial value of the page's slider, which moves the scores below each picture, 0..1. Default 0.5.
   */
  scoreThreshold?: number;
  /** The file to write. Default: report.html in the folder of the run. */
  output?: string;
  /** Called after each image with the number of images done. */
  onImage?: (done: number) => void;
  /** Stops before the next image. `writeReport()` then rejects with the signal's reason. */
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
 * Writes a report on the run in the folder `run`: one HTML file that opens without a server or a network. It shows
 * curves with their values under the pointer, scores by epoch, options and versions. With `model` and `data` it adds a
 * gallery of ground truth and predictions with a slider for the score, worst images first. Resolves to the path of the
 * file.
 *
 * Throws INVALID_OPTION, INVALID_DATASET if the folder has no run, WRITE_FAILED, errors of the model and the data set,
 * or the reason of an aborted signal.
 */
export async function writeReport(run: string, options: ReportOptions = {}): Promise<string> {
  checkOptions({run, ...options}, OPTIONS, 'writeReport()');
  const {model, data, output = join(run, 'report.html')} = options;
  if ((model === undefined) !== (data === undefined)) {
    throw new MaskRcnnError('INVALID_OPTION', "writeReport() takes 'model' and 'data' together, got one of them.");
  }
  if (data !== undefined) checkDataset(data);
  const content: PageContent = {
    title: basename(resolve(run)),
    options: await readOptions(run),
    history: (await readMetrics(join(run, 'metrics.jsonl'))).history,
  };
  if (model !== undefined && data !== undefined) content.gallery = await openGallery(model, data, options);
  else Object.assign(content, await lastStill(join(run, 'validation')));
  const html = await pageHtml(content);
  await writing(output, () => writeFile(output, html));
  return output;
}

async function openGallery(model: MaskRcnn, data: Dataset, options: ReportOptions) {
  const {weights, worst: count = 24, scoreThreshold = SCORE_THRESHOLD, onImage, signal} = options;
  const {details, counts} = await evaluate(model, {
    data,
    scoreThreshold,
    ...(onImage && {onImage}),
    ...(signal && {signal}),
  });
  const images = await makeGallery(model, {data, details, count});
  return {
    images,
    of: data.length,
    counts,
    scoreThreshold,
    classes: data.classes,
    ...(weights !== undefined && {weights}),
  };
}

async function readOptions(run: string): Promise<Record<string, unknown>> {
  const file = join(run, 'options.json');
  try {
    return await readJsonObject(file, 'Put back a copy of it. If the run is resumed, it writes the file anew.');
  } catch (cause) {
    if (cause instanceof MaskRcnnError) throw cause;
    const {code, message} = cause as NodeJS.ErrnoException;
    const invalid = (text: string, at: string) => new MaskRcnnError('INVALID_DATASET', text, {file: at, cause});
    if (code !== 'ENOENT') throw invalid(`${file} cannot be read: ${message}.`, file);
    const isThere = (await stat(run).catch(() => undefined)) !== undefined;
    throw invalid(
      isThere ? `${run} is not the folder of a run: it has no options.json.` : `${run} does not exist.`,
      run,
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
