import {count} from '../basics/wording.js';
import type {Sample} from '../datasets/dataset.js';
import type {RgbImage} from '../image/read-image.js';
import {fit} from './fit.js';
import {type DrawableDetections, detectionItems, draw, type Item, instanceItems} from './overlay.js';
import {encodePicture} from './picture-format.js';
import {type Caption, sheet, type Tile} from './sheet.js';

/** Longer side of each picture in pixels: small, because many are shown at once. */
const SIDE = 400;
const TEXT = 11;
const MOST_SAMPLES = 16;
const MOST_ROWS = 8;

/**
 * Draws samples with their ground truth as a PNG grid, each with its file name and number of objects. It draws at most
 * 16 samples. Class names are shown if there is more than one class.
 */
export async function drawMosaic(samples: readonly Sample[], classes: readonly string[]): Promise<Buffer> {
  const shown = samples.slice(0, MOST_SAMPLES);
  const names = classes.length > 1 ? classes : [];
  const tiles = await Promise.all(
    shown.map(({file, image, instances}) =>
      tile(image, instanceItems(instances, names), {title: file, note: `(${count(instances.length, 'object')})`}),
    ),
  );
  const columns = Math.ceil(Math.sqrt(tiles.length));
  const {picture, elements} = sheet(inRows(tiles, columns), TEXT);
  return encodePicture(picture, elements, {});
}

/** A sample and its detections. `score` rates the detections and is shown after the file name. */
export type Comparison = {sample: Sample; detections: DrawableDetections; score?: number};

export type ComparisonOptions = {
  classes: readonly string[];
  /** Detections with a lower score are not drawn. */
  scoreThreshold: number;
  /** Number of samples per row, each with two pictures. Default 1. */
  columns?: number;
  /** Maximum number of rows; further samples are not drawn. Default 8. */
  rows?: number;
};

/** Draws ground truth and prediction side by side as PNG, in the given order. Detections show their scores. */
export async function drawComparison(
  pictures: readonly Comparison[],
  {classes, scoreThreshold, columns = 1, rows = MOST_ROWS}: ComparisonOptions,
): Promise<Buffer> {
  const names = classes.length > 1 ? classes : [];
  const shown = pictures.slice(0, columns * rows);
  const pair = async ({sample: {file, image, instances}, detections, score}: Comparison): Promise<Tile[]> => {
    const {classNames = [], ...rest} = detections;
    const found = await detectionItems(
      image,
      {...rest, classNames: names.length > 0 ? classNames : []},
      scoreThreshold,
    );
    const agreement = score === undefined ? '' : ` score ${score.toFixed(3)} `;
    return Promise.all([
      tile(image, instanceItems(instances, names), {title: file, note: `${agreement}(truth: ${instances.length})`}),
      tile(image, found, {title: `prediction: ${found.length} from score ${scoreThreshold}`, note: ''}),
    ]);
  };
  const tiles = (await Promise.all(shown.map(pair))).flat();
  const {picture, elements} = sheet(inRows(tiles, 2 * columns), TEXT);
  return encodePicture(picture, elements, {});
}

async function tile(image: RgbImage, items: readonly Item[], caption: Caption): Promise<Tile> {
  const small = await fit(image, items, SIDE);
  const longer = Math.max(small.image.width, small.image.height);
  return {...(await draw(small.image, small.items, {scale: Math.max(1, Math.floor(SIDE / longer))})), ...caption};
}

function inRows(tiles: readonly Tile[], columns: number): Tile[][] {
  return Array.from({length: Math.ceil(tiles.length / columns)}, (_, row) =>
    tiles.slice(row * columns, (row + 1) * columns),
  );
}
