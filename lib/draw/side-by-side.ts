import {listOf, text} from '../basics/schema.js';
import type {Instance} from '../datasets/dataset.js';
import {type ImageSource, readImage} from '../image/read-image.js';
import {
  checkDrawOptions,
  DRAW_SCHEMA,
  type DrawableDetections,
  type Drawing,
  type DrawOptions,
  detectionItems,
  draw,
  instanceItems,
} from './overlay.js';
import {encodePicture} from './picture-format.js';
import {sheet} from './sheet.js';

/** Options of `drawSideBySide()`. */
export type SideBySideOptions = DrawOptions & {
  /** Captions above the panels. Default 'Image', 'Truth', 'Prediction'. */
  captions?: readonly [string, string, string];
};

/**
 * Draws three panels as one picture: the image, its ground-truth instances, and the detections. Only the detections are
 * labelled. Throws INVALID_OPTION, INVALID_MASK if a mask does not have the size of the image, or errors of
 * `readImage()`.
 */
export async function drawSideBySide(
  source: ImageSource,
  truth: readonly Instance[],
  prediction: DrawableDetections,
  options: SideBySideOptions = {},
): Promise<Buffer> {
  checkDrawOptions(options, {...DRAW_SCHEMA, captions: listOf(text, {length: 3})}, 'drawSideBySide');
  const {captions = ['Image', 'Truth', 'Prediction'], ...drawing} = options;
  const image = await readImage(source);
  const items = await detectionItems(image, prediction, options.scoreThreshold ?? 0, options.ids);
  const panels: Drawing[] = [];
  for (const shown of [[], instanceItems(truth, []), items]) panels.push(await draw(image, shown, drawing));
  const textSize = Math.max(9, Math.min(20, Math.round(panels[0]!.picture.width / 40)));
  const {picture, elements} = sheet([panels.map((panel, i) => ({...panel, title: captions[i]!, note: ''}))], textSize);
  return encodePicture(picture, elements, drawing);
}
