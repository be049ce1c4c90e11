import type {Dataset, Sample} from '../../datasets/dataset.js';
import {readSample} from '../../datasets/read-sample.js';
import type {Shape} from '../../draw/canvas.js';
import {fit} from '../../draw/fit.js';
import {detectionItems, type Item, instanceItems} from '../../draw/overlay.js';
import type {EvaluationDetails} from '../../evaluation/evaluation.js';
import {trueLabels} from '../../evaluation/label-map.js';
import {matchClasses, relabel} from '../../evaluation/match-classes.js';
import {regionsOf} from '../../evaluation/regions.js';
import {type RankedScores, scoresByRank} from '../../evaluation/scores-by-rank.js';
import {loadSharp} from '../../image/load-sharp.js';
import type {Detections} from '../../model/detections.js';
import type {MaskRcnn} from '../../model/model.js';
import type {Views} from '../../model/predict-options.js';
import {worstFirst} from '../worst-first.js';

/** An object for report-gallery.js to draw and to count, in pixels of the picture. */
export type GalleryObject = {
  /** The name of its class. */
  name: string;
  /** Not rounded, so that the page compares it with the threshold as the evaluation does. */
  score?: number;
  /** Its rectangle, which is empty if the object has no pixel in the smaller picture. */
  left: number;
  top: number;
  width: number;
  height: number;
  /** Run lengths in row-major order of the object's rectangle, starting with the background, separated by commas. */
  runs: string;
};

/** An image and its objects for report-gallery.js. */
export type GalleryImage = {
  file: string;
  /** A data URL. */
  picture: string;
  width: number;
  height: number;
  truth: GalleryObject[];
  /** Best first. */
  found: GalleryObject[];
  /** Item k has the scores of the first k of `found`, rounded for display. */
  scores: RankedScores[];
};

/** Longer side of a picture in pixels. */
const SIDE = 720;
/** Detections with a lower score are not in the page, unless they count in the evaluation. */
const LEAST_SCORE = 0.05;

/** The minimum of the slider for an evaluation with this score threshold. */
export function leastScore(scoreThreshold: number): number {
  return Math.min(LEAST_SCORE, scoreThreshold);
}

/** The `count` images with the lowest scores, worst first. */
export async function makeGallery(
  model: MaskRcnn,
  {data, details, count, views = 1}: {data: Dataset; details: EvaluationDetails; count: number; views?: Views},
): Promise<GalleryImage[]> {
  const gallery: GalleryImage[] = [];
  for (const index of worstFirst(details.images).slice(0, count)) {
    const sample = await readSample(data, index);
    const [found] = await model.predict(sample.image, {
      scoreThreshold: leastScore(details.scoreThreshold),
      views,
    });
    const options = {classes: data.classes, networkMasks: model.options.masks};
    gallery.push(await makeEntry(sample, inClassesOf(data, model, found!), options));
  }
  return gallery;
}

/** The detections that `evaluate()` counts, with the names that the data set has for their classes. */
function inClassesOf({classes}: Dataset, model: MaskRcnn, found: Detections): Detections {
  const known = relabel(found, matchClasses(model.classes, classes).labels);
  return {...known, classNames: Array.from(known.labels, (label) => classes[label - 1]!)};
}

async function makeEntry(
  sample: Sample,
  found: Detections,
  {classes, networkMasks}: {classes: readonly string[]; networkMasks: 'instance' | 'none'},
): Promise<GalleryImage> {
  const {file, image} = sample;
  const {instances, masks} = await regionsOf(sample, found, networkMasks);
  const {scores, ...unscored} = {...found, masks};
  const truth = await fit(image, instanceItems(instances, classes), SIDE);
  const detections = await fit(image, await detectionItems(image, unscored, 0), SIDE);
  const {data, width, height} = truth.image;
  const sharp = await loadSharp();
  const webp = await sharp(data, {raw: {width, height, channels: 3}})
    .webp({quality: 82})
    .toBuffer();
  return {
    file,
    picture: `data:image/webp;base64,${webp.toString('base64')}`,
    width,
    height,
    truth: truth.items.map((item) => toObject(item)),
    found: detections.items.map((item, i) => ({...toObject(item), score: scores[i]!})),
    scores: scoresByRank(masks, trueLabels(image, instances)).map(rounded),
  };
}

function toObject({label, shape}: Item): GalleryObject {
  if (shape === undefined || shape.width === 0 || shape.height === 0) {
    return {name: label, left: 0, top: 0, width: 0, height: 0, runs: ''};
  }
  const {left, top, width, height} = shape;
  return {name: label, left, top, width, height, runs: runsOf(shape).join(',')};
}

/** Rounds shares to the three digits that are shown, so that the page stays small. */
function rounded(scores: RankedScores): RankedScores {
  const entries = Object.entries(scores).map(([name, value]) => [
    name,
    value === null ? null : Math.round(value * 1000) / 1000,
  ]);
  return Object.fromEntries(entries) as RankedScores;
}

/** Run lengths in row-major order, starting with the background. */
export function runsOf({bitmap}: Shape): number[] {
  const runs = [0];
  let inside = false;
  for (const pixel of bitmap) {
    if ((pixel !== 0) !== inside) {
      inside = !inside;
      runs.push(0);
    }
    runs[runs.length - 1]!++;
  }
  return runs;
}
