import test from 'ava';
import {loadBinding} from '../../lib/addon/binding.js';
import {DetectedObjects, TrueObjects} from '../../lib/evaluation/object-table.js';

const {evaluation, rle} = await loadBinding();
const [width, height] = [12, 4];
type Box = [number, number, number, number];

/** The run-length encoding of a mask that fills the box. */
const counts = ([left, top, w, h]: Box) =>
  rle.encodeCrop({left, top, width: w, height: h, data: new Uint8Array(w * h).fill(1)}, width, height);

type Given = {label: number; box: Box};

async function confusion(
  truth: (Given & {crowd?: boolean})[],
  detected: (Given & {score: number})[],
  shape: 'box' | 'mask',
) {
  const [trueObjects, detectedObjects] = [new TrueObjects(), new DetectedObjects()];
  const mask = (box: Box) => ({size: [height, width] as [number, number], counts: counts(box)});
  trueObjects.add(
    0,
    truth.map(({label, box, crowd = false}) => ({label, box, crowd, area: box[2] * box[3], mask: mask(box)})),
  );
  for (const {label, box, score} of detected) detectedObjects.add(0, {label, box, score, counts: counts(box)});
  const data = {classes: 2, sizes: Int32Array.of(width, height), shape};
  const matrix = await evaluation.confusion(
    {...data, truth: trueObjects.toNative(), detected: detectedObjects.toNative()},
    {iouThreshold: 0.5, scoreThreshold: 0.3},
  );
  return [...matrix];
}

for (const shape of ['box', 'mask'] as const) {
  test(`${shape}: right, mistaken, missed, found for nothing`, async (t) => {
    const matrix = await confusion(
      [
        {label: 1, box: [0, 0, 2, 4]},
        {label: 2, box: [3, 0, 2, 4]},
        {label: 1, box: [6, 0, 2, 4]},
      ],
      [
        {label: 1, box: [0, 0, 2, 4], score: 0.9},
        {label: 1, box: [3, 0, 2, 3], score: 0.8},
        {label: 2, box: [9, 0, 2, 4], score: 0.7},
        {label: 1, box: [6, 0, 2, 4], score: 0.3}, // not above the threshold
      ],
      shape,
    );
    t.deepEqual(matrix, [
      ...[1, 0, 1], // class 1: one object found, one missed
      ...[1, 0, 0], // class 2: its object is predicted as class 1
      ...[0, 1, 0], // background: one detection of class 2 without an object
    ]);
  });

  test(`${shape}: the better overlap makes the pair, whatever the class and score; a crowd excuses`, async (t) => {
    const matrix = await confusion(
      [
        {label: 1, box: [0, 0, 4, 4]},
        {label: 2, box: [6, 0, 6, 4], crowd: true},
      ],
      [
        {label: 1, box: [0, 0, 3, 4], score: 0.9},
        {label: 2, box: [0, 0, 4, 4], score: 0.5},
        {label: 1, box: [7, 0, 2, 4], score: 0.9},
        {label: 2, box: [9, 0, 2, 4], score: 0.9},
      ],
      shape,
    );
    t.deepEqual(matrix, [...[0, 1, 0], ...[0, 0, 0], ...[1, 0, 0]]);
  });
}
