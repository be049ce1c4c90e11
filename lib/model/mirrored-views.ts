import {mirrorImage} from '../image/mirror-image.js';
import type {RgbImage} from '../image/rgb-image.js';
import {type Mirror, mirrorRles} from '../masks/mirror-rle.js';
import type {Detections} from './detections.js';
import type {MaskRcnn} from './model.js';
import type {PredictOptions} from './predict-options.js';

/** What is found on a view; no masks if the network has none. */
export type Found = Detections<'rle' | 'none'>;

/** The views in their order. */
const MIRRORS: readonly Mirror[] = [
  {leftRight: false, topBottom: false},
  {leftRight: true, topBottom: false},
  {leftRight: false, topBottom: true},
  {leftRight: true, topBottom: true},
];

/** What a network finds on each of the first `views` views of an image by itself, in coordinates of the image. */
export async function predictViews(
  model: Pick<MaskRcnn, 'predict' | 'options'>,
  image: RgbImage & {file: string},
  views: number,
  limits: Pick<PredictOptions, 'scoreThreshold' | 'maxDetections' | 'maskThreshold' | 'signal'> = {},
): Promise<Found[]> {
  const maskFormat = model.options.masks === 'none' ? 'none' : 'rle';
  const predictions: Found[] = [];
  for (const mirror of MIRRORS.slice(0, views)) {
    const isPlain = !mirror.leftRight && !mirror.topBottom;
    const {data, width, height} = isPlain ? image : await mirrorImage(image, mirror);
    const view = {data, width, height, file: image.file};
    const [found] = await model.predict<'rle' | 'none'>(view, {...limits, maskFormat});
    predictions.push(isPlain ? found : await mirrorDetections(found, mirror));
  }
  return predictions;
}

async function mirrorDetections(found: Found, mirror: Mirror): Promise<Found> {
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
