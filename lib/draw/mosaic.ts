import type {Sample} from '../datasets/dataset.js';
import type {RgbImage} from '../image/read-image.js';
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
  const {picture, elements} = sheet(inRows(tiles, columns), TEXT);
  return toPng(picture, elements);
}

/** A sample, and what was found in it; `score`, where there is one, tells how good that is and stands behind the file. */
export type Comparison = {sample: Sample; detections: DrawableDetections; score?: number};

export type ComparisonOptions = {
  classes: readonly string[];
  /** Detections with a lower score are left out. */
  scoreThreshold: number;
  /** How many samples stand in a row, each with two pictures (default 1). */
  columns?: number;
  /** Samples beyond that many rows are left out (default 8). */
  rows?: number;
};

/** Truth beside prediction as PNG: the samples row by row in the order given, detections with their scores. */
export async function drawComparison(
  pictures: readonly Comparison[],
  {classes, scoreThreshold, columns = 1, rows = MOST_ROWS}: ComparisonOptions,
): Promise<Buffer> {
  const names = classes.length > 1 ? classes : [];
  const shown = pictures.slice(0, columns * rows);
  const pair = async ({sample: {file, image, instances}, detections, score}: Comparison): Promise<Tile[]> => {
    const {classNames = [], ...rest} = detections;
    const found = detectionItems(image, {...rest, classNames: names.length > 0 ? classNames : []}, scoreThreshold);
    const agreement = score === undefined ? '' : `  score ${score.toFixed(3)}`;
    return Promise.all([
      tile(image, instanceItems(instances, names), `${file}${agreement} (truth: ${instances.length})`),
      tile(image, found, `prediction: ${found.length} from score ${scoreThreshold}`),
    ]);
  };
  const tiles = (await Promise.all(shown.map(pair))).flat();
  const {picture, elements} = sheet(inRows(tiles, 2 * columns), TEXT);
  return toPng(picture, elements);
}

async function tile(image: RgbImage, items: readonly Item[], caption: string): Promise<Tile> {
  const small = await fit(image, items, SIDE);
  const longer = Math.max(small.image.width, small.image.height);
  return {...draw(small.image, small.items, {scale: Math.max(1, Math.floor(SIDE / longer))}), caption};
}

function inRows(tiles: readonly Tile[], columns: number): Tile[][] {
  return Array.from({length: Math.ceil(tiles.length / columns)}, (_, row) =>
    tiles.slice(row * columns, (row + 1) * columns),
  );
}

function count(objects: number): string {
  return `${objects} ${objects === 1 ? 'object' : 'objects'}`;
}
