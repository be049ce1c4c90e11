import type {Sample} from '../datasets/sample.js';
import type {RgbImage} from '../image.js';
import {toPng} from './canvas.js';
import {fit} from './fit.js';
import {type DrawableDetections, detectionItems, draw, type Item, instanceItems} from './overlay.js';
import {sheet, type Tile} from './sheet.js';

/** Longer side of a picture, in pixels: many have to be seen at once. */
const SIDE = 400;
const TEXT = 11;
const MOST_SAMPLES = 16;
const MOST_ROWS = 8;

/**
 * Samples with their truth drawn in, as PNG: in a grid, each with its file and how many objects it has. At most 16 of them.
 * Class names are written where there are several.
 */
export async function drawMosaic(samples: readonly Sample[], classes: readonly string[]): Promise<Buffer> {
  const shown = samples.slice(0, MOST_SAMPLES);
  const names = classes.length > 1 ? classes : [];
  const tiles = await Promise.all(
    shown.map(({file, image, instances}) =>
      tile(image, instanceItems(instances, names), `${file} (${count(instances.length)})`),
    ),
  );
  const columns = Math.ceil(Math.sqrt(tiles.length));
  const rows = Array.from({length: Math.ceil(tiles.length / columns)}, (_, row) =>
    tiles.slice(row * columns, (row + 1) * columns),
  );
  const {picture, elements} = sheet(rows, TEXT);
  return toPng(picture, elements);
}

/** A sample, and what was found in it. */
export type Comparison = {sample: Sample; detections: DrawableDetections};

/** Truth beside prediction, a sample a row, as PNG: detections from `scoreThreshold` on, with their scores. At most 8 rows. */
export async function drawComparison(
  pictures: readonly Comparison[],
  {classes, scoreThreshold}: {classes: readonly string[]; scoreThreshold: number},
): Promise<Buffer> {
  const names = classes.length > 1 ? classes : [];
  const rows = pictures.slice(0, MOST_ROWS).map(async ({sample: {file, image, instances}, detections}) => {
    const {classNames = [], ...rest} = detections;
    const found = detectionItems(image, {...rest, classNames: names.length > 0 ? classNames : []}, scoreThreshold);
    return Promise.all([
      tile(image, instanceItems(instances, names), `${file} (truth: ${instances.length})`),
      tile(image, found, `prediction: ${found.length} from score ${scoreThreshold}`),
    ]);
  });
  const {picture, elements} = sheet(await Promise.all(rows), TEXT);
  return toPng(picture, elements);
}

async function tile(image: RgbImage, items: readonly Item[], caption: string): Promise<Tile> {
  const small = await fit(image, items, SIDE);
  const longer = Math.max(small.image.width, small.image.height);
  return {...draw(small.image, small.items, {scale: Math.max(1, Math.floor(SIDE / longer))}), caption};
}

function count(objects: number): string {
  return `${objects} ${objects === 1 ? 'object' : 'objects'}`;
}
