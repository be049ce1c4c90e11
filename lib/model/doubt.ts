import {checkOptions, oneOf, type Schema} from '../basics/schema.js';
import {mirrorImage} from '../image/mirror-image.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../image/pixel-options.js';
import {type ImageSource, readImage} from '../image/read-image.js';
import {type Mirror, mirrorRles} from '../masks/mirror-rle.js';
import {agreementOf} from './agreement.js';
import type {Detections} from './detections.js';
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

/** The views in their order. */
const MIRRORS: readonly Mirror[] = [
  {leftRight: false, topBottom: false},
  {leftRight: true, topBottom: false},
  {leftRight: false, topBottom: true},
  {leftRight: true, topBottom: true},
];

/**
 * How much a network doubts what it finds on an image, 0..1: images of much doubt are worth correcting first. Mirrored
 * views of an image have the same objects, mirrored. So the network predicts on each view by itself, and where its
 * answers differ, it is wrong in one of them at least.
 *
 * The doubt is 1 - Σ sₖ aₖ / Σ sₖ, over all objects k of every two views. sₖ is the object's score; the agreement aₖ is
 * the IoU of its mask with that of its partner in the other view, of the same class, or 0 without a partner. Networks
 * without masks compare boxes. Objects of every score count that `scoreThreshold` admits: by default those of little
 * score too, which count little beside others, but decide where nothing is sure. If no view has any object, they agree
 * that there is none, and the doubt is 0. The same holds for an image on which all views miss the same object: doubt
 * tells where the network contradicts itself, not where it is wrong without knowing.
 *
 * Active learning by consistency: Yu et al., Consistency-based Active Learning for Object Detection, CVPR Workshops
 * 2022 (doi 10.1109/CVPRW56347.2022.00440), which compares boxes and classes under augmentation; Elezi et al., Not All
 * Labels Are Equal, CVPR 2022 (doi 10.1109/CVPR52688.2022.01409), where the robustness to mirroring is the better part
 * of the score. Here the comparison is by masks.
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
  const maskFormat = model.options.masks === 'none' ? 'none' : 'rle';
  const predictions: Detections<'rle' | 'none'>[] = [];
  for (const mirror of MIRRORS.slice(0, views)) {
    const isPlain = !mirror.leftRight && !mirror.topBottom;
    const {data, width, height} = isPlain ? pixels : await mirrorImage(pixels, mirror);
    const view = {data, width, height, file: name};
    const [found] = await model.predict<'rle' | 'none'>(view, {...limits, maskFormat});
    predictions.push(isPlain ? found : await mirrorDetections(found, mirror));
  }
  let [weight, agreed] = [0, 0];
  for (const [i, one] of predictions.entries()) {
    for (const other of predictions.slice(i + 1)) {
      const both = await agreementOf(one, other);
      weight += both.weight;
      agreed += both.agreed;
    }
  }
  // Sums of the same numbers in another order can differ in their last bit.
  return weight === 0 ? 0 : Math.max(0, 1 - agreed / weight);
}

async function mirrorDetections(
  found: Detections<'rle' | 'none'>,
  mirror: Mirror,
): Promise<Detections<'rle' | 'none'>> {
  const {width, height} = found;
  const boxes = new Float32Array(found.boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    const [x0, y0, x1, y1] = found.boxes.subarray(at, at + 4) as unknown as [number, number, number, number];
    const across = mirror.leftRight ? [width - x1, width - x0] : [x0, x1];
    const down = mirror.topBottom ? [height - y1, height - y0] : [y0, y1];
    boxes.set([across[0]!, down[0]!, across[1]!, down[1]!], at);
  }
  return {...found, boxes, masks: await mirrorRles(found.masks, mirror)};
}
