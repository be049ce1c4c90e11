import type {Instance} from '../datasets/sample.js';
import {type ImageSource, type RgbImage, readImage} from '../image.js';
import {checkOptions, listOf, text} from '../options-check.js';
import {toPng} from './canvas.js';
import {textPath, textWidth} from './font.js';
import {
  DRAW_SCHEMA,
  type DrawableDetections,
  type Drawing,
  type DrawOptions,
  detectionItems,
  draw,
  instanceItems,
} from './overlay.js';

export type SideBySideOptions = DrawOptions & {
  /** Written above the panels (default 'Image', 'Truth', 'Prediction'). */
  captions?: readonly [string, string, string];
};

const GAP = 8;

/** Three panels as one PNG: the image, its true instances, and the detections. Labels are written on the detections only. */
export async function drawSideBySide(
  source: ImageSource,
  truth: readonly Instance[],
  prediction: DrawableDetections,
  options: SideBySideOptions = {},
): Promise<Buffer> {
  checkOptions(options, {...DRAW_SCHEMA, captions: listOf(text, {length: 3})}, 'drawSideBySide');
  const {captions = ['Image', 'Truth', 'Prediction'], ...drawing} = options;
  const image = await readImage(source);
  const items = detectionItems(image, prediction, options.scoreThreshold ?? 0);
  const panels = [
    draw(image, [], drawing),
    draw(image, instanceItems(truth, []), drawing),
    draw(image, items, drawing),
  ];
  return toPng(...join(panels, captions));
}

/** Puts panels of one size in a row on white, captions above. */
function join(panels: readonly Drawing[], captions: readonly string[]): [RgbImage, string[]] {
  const {width, height} = panels[0]!.picture;
  const size = Math.max(9, Math.min(20, Math.round(width / 40)));
  const header = size + 2 * GAP;
  const total = {width: panels.length * width + (panels.length + 1) * GAP, height: header + height + GAP};
  const data = new Uint8Array(total.width * total.height * 3).fill(255);
  const elements = panels.flatMap(({picture, elements}, i) => {
    const left = GAP + i * (width + GAP);
    for (let y = 0; y < height; y++) {
      const row = picture.data.subarray(y * width * 3, (y + 1) * width * 3);
      data.set(row, ((header + y) * total.width + left) * 3);
    }
    const caption = captions[i]!;
    const fitted = Math.min(size, (size * width) / Math.max(1, textWidth(caption, size)));
    return [
      textPath(caption, left, header - GAP, {size: fitted, color: '#222'}),
      // An inner <svg> clips what hangs out of its panel.
      `<svg x="${left}" y="${header}" width="${width}" height="${height}">${elements.join('')}</svg>`,
    ];
  });
  return [{data, ...total}, elements];
}
