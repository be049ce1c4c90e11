import {stringify} from 'yaml';
import {MaskRcnnError} from '../../basics/errors.js';
import {Turn} from '../../basics/turns.js';
import {type NumberedImage, stemOf} from '../annotations.js';
import {numberedObjects} from '../crops.js';
import type {ExportFormat} from '../format.js';
import {singleRing} from '../single-ring.js';

/** The decimals of coordinates: a ten-millionth of the width of any image is less than a hundredth of a pixel. */
const DECIMALS = 7;

/** The splits that Ultralytics knows. Elsewhere names begin so: training, valid. */
const SPLITS = ['train', 'val', 'test'] as const;

/** Ultralytics YOLO: images/ and labels/ with a row for each object, and data.yaml. */
export const yolo: ExportFormat = {
  name: 'YOLO',
  key: 'yolo',
  writes: 'labels/NAME.txt for each image, and data.yaml',
  holds: {classes: true, unused: true, scores: false, crowds: false, boxes: true},
  imageFolder: (split) => folderOf('images', split),
  async files(image) {
    const rows = await rowsOf(image);
    const path = `${folderOf('labels', image.split)}/${stemOf(image.name)}.txt`;
    return [{path, content: rows.map((row) => `${row}\n`).join('')}];
  },
  description: ({classes, splits}) => [{path: 'data.yaml', content: configOf(classes, splits)}],
};

function folderOf(kind: 'images' | 'labels', split: string | undefined): string {
  return split === undefined ? kind : `${kind}/${knownSplit(split)}`;
}

function knownSplit(split: string): (typeof SPLITS)[number] {
  const known = SPLITS.find((name) => split.toLowerCase().startsWith(name));
  if (known !== undefined) return known;
  const message = `YOLO's splits must be train, val and test, got '${split}'.`;
  throw new MaskRcnnError('INVALID_OPTION', message, {hint: 'Rename the split, or write each to a folder of its own.'});
}

function configOf(classes: readonly string[], splits: readonly string[]): string {
  const known = splits.map(knownSplit);
  if (new Set(known).size < known.length) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `YOLO has one split each of train, val and test, got ${splits.join(', ')}.`,
    );
  }
  const paths =
    known.length === 0 ? {train: 'images'} : Object.fromEntries(known.map((name) => [name, `images/${name}`]));
  // Ultralytics refuses a file without train and val, but not empty ones.
  const config = {train: '', val: '', ...paths, nc: classes.length, names: classes};
  // Quoted, because Python's YAML 1.1 has more words for true and false, such as no.
  return stringify(config, {lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN'});
}

async function rowsOf(image: NumberedImage): Promise<string[]> {
  const {width, height} = image;
  const rows: string[] = [];
  const row = (label: number, values: readonly number[]) => {
    const numbers = values.map((value, i) => Number((value / (i % 2 === 0 ? width : height)).toFixed(DECIMALS)));
    return `${label - 1} ${numbers.join(' ')}`;
  };
  const turn = new Turn();
  for await (const object of numberedObjects(image)) {
    if (turn.isOver()) await turn.next();
    rows.push(row(object.label, await singleRing(object, image)));
  }
  // A row of four numbers is a box: its centre, width and height.
  for (const {label, box} of image.boxes) {
    const [left, top, w, h] = box;
    rows.push(row(label, [left + w / 2, top + h / 2, w, h]));
  }
  return rows;
}
