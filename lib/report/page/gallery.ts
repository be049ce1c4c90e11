import type {Dataset, Sample} from '../../datasets/dataset.js';
import {readSample} from '../../datasets/read-sample.js';
import type {Shape} from '../../draw/canvas.js';
import {fit} from '../../draw/fit.js';
import {detectionItems, type Item, instanceItems} from '../../draw/overlay.js';
import type {EvaluationDetails} from '../../evaluation/evaluate.js';
import {loadSharp} from '../../image/load-sharp.js';
import type {MaskRcnn} from '../../model/model.js';
import {worstFirst} from '../write-evaluation.js';

/** An object for report.js to draw, in pixels of the picture. */
export type GalleryObject = {
  /** The name of its class. */
  name: string;
  score?: number;
  left: number;
  top: number;
  width: number;
  height: number;
  /** Run lengths in row-major order of the object's rectangle, starting with the background, separated by commas. */
  runs: string;
};

/** An image and its objects for report.js. */
export type GalleryImage = {
  file: string;
  /** A data URL. */
  picture: string;
  width: number;
  height: number;
  /** Scores at the threshold of the evaluation. */
  /** null if the image has no objects and none are predicted. */
  objectF1: number | null;
  pixelIou: number | null;
  truth: GalleryObject[];
  found: GalleryObject[];
};

/** Longer side of a picture in pixels. */
const SIDE = 720;
/** Detections with a lower score are not in the page. This is the minimum of the slider. */
export const LEAST_SCORE = 0.05;

/** The `count` images with the lowest scores, worst first. */
export async function makeGallery(
  model: MaskRcnn,
  {data, details, count}: {data: Dataset; details: EvaluationDetails; count: number},
): Promise<GalleryImage[]> {
  const gallery: GalleryImage[] = [];
  for (const index of worstFirst(details.images).slice(0, count)) {
    const {objects, pixel} = details.images[index]!;
    gallery.push({
      ...(await makeEntry(model, await readSample(data, index), data.classes)),
      objectF1: objects.f1,
      pixelIou: pixel.iou,
    });
  }
  return gallery;
}

async function makeEntry(model: MaskRcnn, {file, image, instances}: Sample, classes: readonly string[]) {
  const [found] = await model.predict(image, {scoreThreshold: LEAST_SCORE});
  const {scores, ...unscored} = found!;
  const truth = await fit(image, instanceItems(instances, classes), SIDE);
  const detections = await fit(image, detectionItems(image, unscored, 0), SIDE);
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
    truth: truth.items.flatMap((item) => toObject(item)),
    found: detections.items.flatMap((item, i) => toObject(item, scores[i]!)),
  };
}

/** Empty if the object has no pixel in the smaller picture. */
function toObject({label, shape}: Item, score?: number): GalleryObject[] {
  if (shape === undefined || shape.width === 0 || shape.height === 0) return [];
  const {left, top, width, height} = shape;
  const rounded = score === undefined ? {} : {score: Math.round(score * 1000) / 1000};
  return [{name: label, ...rounded, left, top, width, height, runs: runsOf(shape).join(',')}];
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
