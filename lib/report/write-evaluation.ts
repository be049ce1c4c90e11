import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {checkOptions, integer, number, required, type Schema, text} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';
import {checkDataset, datasetRule} from '../datasets/dataset.js';
import {readSample} from '../datasets/read-sample.js';
import {confusionMatrixPng, confusionMatrixSvg} from '../draw/confusion-matrix.js';
import {type Comparison, drawComparison} from '../draw/mosaic.js';
import {type PrecisionRecallCurve, precisionRecallPng, precisionRecallSvg} from '../draw/precision-recall.js';
import {PRECISION_POINTS, type PrecisionRecall} from '../evaluation/coco-scores.js';
import type {Evaluation, EvaluationDetails} from '../evaluation/evaluation.js';
import {writing} from '../files/writing.js';
import type {MaskRcnn} from '../model/model.js';
import {type Views, viewsRule} from '../model/predict-options.js';
import {imagesCsv} from './images-csv.js';
import {evaluationPageHtml} from './page/evaluation-page.js';
import {makeGallery} from './page/gallery.js';
import {worstFirst} from './worst-first.js';

/** Options of `writeEvaluation()`. */
export type WriteEvaluationOptions = {
  /** The folder to write to. It is created if necessary. */
  folder: string;
  data: Dataset;
  /**
   * Only detections above this score are drawn, 0..1. Default: the threshold of the evaluation. With another one, the
   * pictures do not show the F1, which is of other detections.
   */
  scoreThreshold?: number;
  /** Number of views of each drawn image for test-time augmentation: see `PredictOptions`. Default 1. */
  views?: Views;
  /** How many of the worst images to draw; 0 for none. Default 8. */
  worst?: number;
  /** Number of images in the gallery of report.html, those with the lowest object F1; 0 for none. Default 24. */
  gallery?: number;
  /** The name that report.html shows for the weights of `model`, usually their file. */
  weights?: string;
};

const OPTIONS: Schema = {
  folder: required(text),
  data: required(datasetRule),
  scoreThreshold: number({min: 0, max: 1}),
  views: viewsRule,
  worst: integer({min: 0}),
  gallery: integer({min: 0}),
  weights: text,
};

/**
 * Writes an evaluation to files: scores.json, with the score threshold and the scores of each image; images.csv, with a
 * row for each image; report.html, which opens without a server or a network, with all scores, charts and a gallery of
 * ground truth and predictions; the precision-recall curves at IoU 0.5 and the confusion matrix, as SVG and PNG, of
 * boxes if there are no masks; and worst.png. That picture shows ground truth next to predictions for the images with
 * the lowest object F1 (then the lowest pixel IoU). Throws INVALID_OPTION, WRITE_FAILED, or errors of the model and the
 * data set.
 */
export async function writeEvaluation(
  model: MaskRcnn,
  evaluation: Evaluation & {details: EvaluationDetails},
  options: WriteEvaluationOptions,
): Promise<void> {
  checkOptions(options, OPTIONS, 'writeEvaluation()');
  const {folder, data, views = 1, worst = 8, gallery: count = 24, weights} = options;
  checkDataset(data);
  const {details, ...scores} = evaluation;
  const {images} = details;
  const {scoreThreshold = details.scoreThreshold} = options;
  const {bbox, segm} = details.curves;
  const curves = atHalf(segm ?? bbox, (scores.segm ?? scores.bbox).classes);
  const title = `Precision and recall of ${segm === null ? 'boxes' : 'masks'}, IoU 0.5`;
  const charts = {
    precisionRecall: precisionRecallSvg(curves, {title}),
    confusion: confusionMatrixSvg(details.confusion),
  };
  const pictured = count === 0 ? [] : await makeGallery(model, {data, details, count, views});
  const files: [name: string, contents: string | Buffer][] = [
    ['scores.json', `${JSON.stringify({scoreThreshold: details.scoreThreshold, ...scores, images}, null, 2)}\n`],
    ['images.csv', imagesCsv(images)],
    [
      'report.html',
      await evaluationPageHtml({
        title: weights ?? 'Evaluation',
        scores,
        scoreThreshold: details.scoreThreshold,
        views,
        ...charts,
        ...(pictured.length > 0 && {
          gallery: {
            images: pictured,
            of: images.length,
            counts: scores.counts,
            scoreThreshold: details.scoreThreshold,
            classes: data.classes,
            ...(weights !== undefined && {weights}),
          },
        }),
      }),
    ],
    ['precision-recall.svg', charts.precisionRecall],
    ['precision-recall.png', await precisionRecallPng(curves, {title})],
    ['confusion.svg', charts.confusion],
    ['confusion.png', await confusionMatrixPng(details.confusion)],
  ];
  if (worst > 0) {
    const isSame = scoreThreshold === details.scoreThreshold;
    const pictures = await worstOf(model, data, images, {count: worst, isRated: isSame, scoreThreshold, views});
    files.push(['worst.png', await drawComparison(pictures, {classes: data.classes, scoreThreshold, rows: worst})]);
  }
  await writing(folder, async () => {
    await mkdir(folder, {recursive: true});
    for (const [name, contents] of files) await writeFile(join(folder, name), contents);
  });
}

function atHalf({classes}: PrecisionRecall, scores: readonly {ap50: number | null}[]): PrecisionRecallCurve[] {
  return classes.map(({name, precision}, index) => ({
    name,
    ap: scores[index]!.ap50,
    precision: precision?.[0] ?? new Array(PRECISION_POINTS).fill(0),
  }));
}

async function worstOf(
  model: MaskRcnn,
  data: Dataset,
  images: EvaluationDetails['images'],
  {count, isRated, ...options}: {count: number; isRated: boolean; scoreThreshold: number; views: Views},
): Promise<Comparison[]> {
  const pictures: Comparison[] = [];
  for (const index of worstFirst(images).slice(0, count)) {
    const sample = await readSample(data, index);
    const [detections] = await model.predict(sample.image, options);
    const {f1} = images[index]!.objects;
    pictures.push({sample, detections: detections!, ...(isRated && f1 !== null && {score: f1})});
  }
  return pictures;
}
