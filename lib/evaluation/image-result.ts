import type {Dataset, Sample, TrueObject} from '../datasets/dataset.js';
import {readSample} from '../datasets/read-sample.js';
import {targetFaults} from '../datasets/targets.js';
import {type FileNotice, noticesOf} from '../image/notices.js';
import type {Detections} from '../model/detections.js';
import type {MaskRcnn} from '../model/model.js';
import type {Views} from '../model/predict-options.js';
import {type ClassCount, countObjects} from './count-errors.js';
import {foregroundOf, predictedLabels, trueLabels} from './label-map.js';
import {type ClassMatch, relabel} from './match-classes.js';
import {compareNuclei, type NucleiCounts} from './nucleus-scores.js';
import {compareObjects, type ObjectCounts} from './object-scores.js';
import {type DetectedObject, detectedObjects} from './object-table.js';
import {countPixels, type PixelCounts} from './pixel-scores.js';
import {regionsOf} from './regions.js';
import {truthOf} from './scored-data.js';

/** What the scores of a data set are made from, of one image. Plain data, so that a process can send it to another. */
export type ImageResult = {
  /** In the data set. */
  index: number;
  file: string;
  size: {width: number; height: number};
  truth: readonly TrueObject[];
  detected: readonly DetectedObject[];
  pixels: PixelCounts;
  objects: ObjectCounts;
  nuclei: NucleiCounts;
  counts: ClassCount[];
  notices: readonly FileNotice[];
};

/** Compares the detections on an image with its truth. `likely`: those above the score threshold. */
export async function scoreImage(
  model: MaskRcnn,
  data: Dataset,
  {index, sample, detections, likely}: {index: number; sample: Sample; detections: Detections; likely: Detections},
): Promise<ImageResult> {
  const {size, objects: truth} = await truthOf(data, index, () => sample);
  const {width, height} = likely;
  const {instances, masks} = await regionsOf(sample, likely, model.options.masks);
  const trueMap = trueLabels(sample.image, instances);
  const labels = predictedLabels(masks, width, height);
  return {
    index,
    file: sample.file,
    size,
    truth,
    detected: detectedObjects(detections),
    pixels: countPixels(foregroundOf(masks, width, height), trueMap.labels),
    objects: compareObjects(labels, trueMap, masks.length),
    nuclei: compareNuclei(labels, trueMap),
    counts: countObjects(sample, likely, data.classes),
    notices: noticesOf(sample),
  };
}

/** The detections above a score. Detections are sorted by descending score, so these come first. */
export function above({boxes, labels, classNames, scores, masks, ...rest}: Detections, threshold: number): Detections {
  const end = scores.findIndex((score) => !(score > threshold));
  const kept = end < 0 ? scores.length : end;
  return {
    ...rest,
    boxes: boxes.slice(0, 4 * kept),
    labels: labels.slice(0, kept),
    classNames: classNames.slice(0, kept),
    scores: scores.slice(0, kept),
    masks: masks.slice(0, kept),
  };
}

type Detected = {sample: Sample; detections: Detections};

/** Sample `index` and its detections. From `end` on, returns a promise that nobody awaits. */
export function detect(
  model: MaskRcnn,
  data: Dataset,
  {
    index,
    end,
    views,
    labelOf,
    signal,
  }: {
    index: number;
    end: number;
    views: Views;
    labelOf: ClassMatch['labels'];
    signal: AbortSignal | undefined;
  },
): Promise<Detected> {
  if (index >= end) return new Promise(() => {});
  const detected = (async () => {
    const sample = await readSample(data, index, signal);
    const [fault] = targetFaults(sample, data.classes);
    if (fault !== undefined) throw fault;
    const [detections] = await model.predict({...sample.image, file: sample.file}, {views});
    return {sample, detections: relabel(detections!, labelOf)};
  })();
  detected.catch(() => {}); // the error surfaces where it is awaited, unless an earlier failure prevents that
  return detected;
}
