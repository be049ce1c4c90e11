import {checkOptions, oneOf, type Schema} from '../basics/schema.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../image/pixel-options.js';
import {type ImageSource, readImage} from '../image/read-image.js';
import {agreementOf, foregroundIou} from './agreement.js';
import {type Found, predictViews} from './mirrored-views.js';
import type {MaskRcnn} from './model.js';
import {sourceFile} from './predict.js';
import {DETECTION_OPTIONS, type PredictOptions} from './predict-options.js';

/**
 * Options of `doubt()`. Those of pixels are for image files and their bytes, as in `model.predict()`. Invalid options
 * throw INVALID_OPTION.
 */
export type DoubtOptions = {
  /**
   * Number of views that are compared. 2: the image as it is and mirrored left to right; 4: also mirrored top to
   * bottom, and both ways, each with each. Default 2.
   */
  views?: 2 | 4;
} & Pick<PredictOptions, 'scoreThreshold' | 'maxDetections' | 'maskThreshold' | 'signal'> &
  PixelOptions;

const {scoreThreshold, maxDetections, maskThreshold, signal} = DETECTION_OPTIONS;
const OPTIONS: Schema = {
  views: oneOf(2, 4),
  ...{scoreThreshold, maxDetections, maskThreshold, signal},
  ...PIXEL_OPTIONS,
};

/**
 * How much a network doubts what it finds on an image, 0..1: images of much doubt are worth correcting first. Mirrored
 * views of an image have the same objects, mirrored. So the network predicts on each view by itself, and where its
 * answers differ, it is wrong in one of them at least.
 *
 * The doubt is 1 - (O + F) / 2, where O says how far the objects of the views agree, and F how far their foregrounds:
 *
 * - O = Σ sₖ aₖ / Σ sₖ, over all objects k of every two views. sₖ is the object's score; aₖ is the IoU of its mask with
 *   that of its partner in the other view, of the same class, or 0 without a partner. Of objects whose masks have no
 *   pixel it is the IoU of the boxes. Objects of every score count that `scoreThreshold` admits: by default those of
 *   little score too, which count little beside others, but decide where nothing is sure.
 * - F is the mean IoU of the foregrounds of every two views. The foreground is what the masks of all objects with a
 *   score above 0.5 cover together. Two views without a pixel of foreground do not count.
 *
 * Where no view has a foreground, the doubt is 1 - O. So it is for networks without masks, which compare boxes. If no
 * view has any object, they agree that there is none, and the doubt is 0. The same holds for an image on which all
 * views miss the same object: doubt tells where the network contradicts itself, not where it is wrong without knowing.
 * docs/annotate-and-retrain.md compares doubt with the errors of a network.
 *
 * Active learning by consistency: Yu et al., Consistency-based Active Learning for Object Detection, CVPR Workshops
 * 2022 (doi 10.1109/CVPRW56347.2022.00440), which compares boxes and classes under augmentation; Elezi et al., Not All
 * Labels Are Equal, CVPR 2022 (doi 10.1109/CVPR52688.2022.01409), where the robustness to mirroring is the better part
 * of the score. Here the comparison is by masks, object by object and of all objects together.
 *
 * ```ts
 * import {doubt, maskRcnn} from 'maskrcnn';
 *
 * await using model = await maskRcnn({weights: 'runs/cells/best.safetensors'});
 * console.log(await doubt(model, 'cell.png'));
 * ```
 *
 * Throws as `model.predict()`.
 */
export async function doubt(
  model: Pick<MaskRcnn, 'predict' | 'pixels' | 'options'>,
  image: ImageSource,
  options: DoubtOptions = {},
): Promise<number> {
  checkOptions(options, OPTIONS, 'doubt()');
  const {views = 2, scoreThreshold, maxDetections, maskThreshold, signal} = options;
  const limits = {
    ...(scoreThreshold !== undefined && {scoreThreshold}),
    ...(maxDetections !== undefined && {maxDetections}),
    ...(maskThreshold !== undefined && {maskThreshold}),
    ...(signal !== undefined && {signal}),
  };
  const {file} = sourceFile(image);
  const name = file ?? 'The image of doubt()';
  const pixels = await readImage(image, {name, ...model.pixels, ...pixelOptionsOf(options)});
  return doubtOf(await predictViews(model, {...pixels, file: name}, views, limits));
}

/** The doubt of what was found on views of an image, in its coordinates. */
export async function doubtOf(predictions: readonly Found[]): Promise<number> {
  let [weight, agreed] = [0, 0];
  const foregrounds: number[] = [];
  for (const [i, one] of predictions.entries()) {
    for (const other of predictions.slice(i + 1)) {
      const objects = await agreementOf(one, other);
      weight += objects.weight;
      agreed += objects.agreed;
      const foreground = await foregroundIou(one, other);
      if (foreground !== undefined) foregrounds.push(foreground);
    }
  }
  if (weight === 0) return 0;
  const ofObjects = agreed / weight;
  const ofForegrounds = foregrounds.reduce((sum, iou) => sum + iou / foregrounds.length, 0);
  // Sums of the same numbers in another order can differ in their last bit.
  return Math.max(0, 1 - (foregrounds.length === 0 ? ofObjects : (ofObjects + ofForegrounds) / 2));
}
