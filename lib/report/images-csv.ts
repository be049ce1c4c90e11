import {csv} from '../basics/csv.js';
import type {ImageScores} from '../evaluation/evaluation.js';

/** The columns: a name, and the score of an image. Null where the image has no such score. */
const COLUMNS: readonly (readonly [name: string, of: (image: ImageScores) => number | null])[] = [
  ['objects.f1', ({objects}) => objects.f1],
  ['objects.precision', ({objects}) => objects.precision],
  ['objects.recall', ({objects}) => objects.recall],
  ['objects.dice', ({objects}) => objects.dice],
  ['objects.hausdorff', ({objects}) => objects.hausdorff],
  ['objects.truth', ({objects}) => objects.truth],
  ['objects.predicted', ({objects}) => objects.predicted],
  ['objects.truePositives', ({objects}) => objects.truePositives],
  ['objects.dropped', ({objects}) => objects.dropped],
  ['pixel.iou', ({pixel}) => pixel.iou],
  ['pixel.f1', ({pixel}) => pixel.f1],
  ['pixel.precision', ({pixel}) => pixel.precision],
  ['pixel.recall', ({pixel}) => pixel.recall],
  ['nuclei.aji', ({nuclei}) => nuclei.aji],
  ['nuclei.pq', ({nuclei}) => nuclei.pq],
  ['counts.truth', ({counts}) => counts.reduce((sum, {truth}) => sum + truth, 0)],
  ['counts.predicted', ({counts}) => counts.reduce((sum, {predicted}) => sum + predicted, 0)],
  ['counts.error', ({counts}) => counts.reduce((sum, {error}) => sum + error, 0)],
];

/** The scores of each image as CSV: one row per image, in the data set's order. A cell without a value is empty. */
export function imagesCsv(images: readonly ImageScores[]): string {
  return csv([
    ['file', ...COLUMNS.map(([name]) => name)],
    ...images.map((image) => [image.file, ...COLUMNS.map(([, of]) => of(image))]),
  ]);
}
