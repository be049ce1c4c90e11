import test from 'ava';
import {foregroundOf, predictedLabels, trueLabels} from '../../lib/evaluation/label-map.js';

const width = 12;
const height = 10;

function rectangle(left: number, top: number, right: number, bottom: number): Int32Array {
  return Int32Array.from({length: width * height}, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= left && x <= right && y >= top && y <= bottom ? 1 : 0;
  });
}

// From pycocotools: rows 2..5 and columns 3..8 of 10 × 12 pixels have this string.
const rle = {size: [height, width] as [number, number], counts: 'P146000000000l0'};

test('run lengths of pycocotools become the rectangle they were made of', (t) => {
  t.deepEqual(predictedLabels([rle], width, height), {width, height, labels: rectangle(3, 2, 8, 5)});
});

test('of detections that overlap the better one has the pixel; none is an empty map', (t) => {
  // From pycocotools: rows 4..7 and columns 3..8.
  const lower = {...rle, counts: 'R146000000000j0'};
  const [upperFirst, lowerFirst] = [
    predictedLabels([rle, lower], width, height),
    predictedLabels([lower, rle], width, height),
  ];
  const at = (map: typeof upperFirst, y: number) => map.labels[y * width + 5];
  t.deepEqual(
    [2, 4, 5, 6].map((y) => at(upperFirst, y)),
    [1, 1, 1, 2],
  );
  t.deepEqual(
    [2, 4, 5, 6].map((y) => at(lowerFirst, y)),
    [2, 1, 1, 1],
  );
  t.deepEqual(predictedLabels([], width, height).labels, new Int32Array(width * height));
});

test('a detection that is mostly covered by better ones is no object, but foreground', (t) => {
  // From pycocotools: rows 3..6 and 4..7, columns 3..8. Rows 2..5 cover three quarters of the first and half of the
  // second.
  const [most, half] = ['Q146000000000k0', 'R146000000000j0'].map((counts) => ({...rle, counts}));
  t.deepEqual(predictedLabels([rle, most!], width, height).labels, rectangle(3, 2, 8, 5));
  t.is(new Set(predictedLabels([rle, half!], width, height).labels).size, 3);
  t.deepEqual([...foregroundOf([rle, most!], width, height)], [...rectangle(3, 2, 8, 6)]);
  t.deepEqual(foregroundOf([], width, height), new Uint8Array(width * height));
});

test('cropped masks of a sample are put in their places, the later one above', (t) => {
  const image = {data: new Uint8Array(width * height * 3), width, height};
  const instance = (left: number, top: number, w: number, h: number) => ({
    label: 1,
    box: [left, top, left + w, top + h] as [number, number, number, number],
    mask: {left, top, width: w, height: h, data: new Uint8Array(w * h).fill(1)},
  });
  const sample = {file: 'a', image, instances: [instance(3, 2, 4, 4), instance(5, 2, 4, 4)]};
  const {labels} = trueLabels(sample.image, sample.instances);
  t.deepEqual(
    labels.map((label) => Math.min(label, 1)),
    rectangle(3, 2, 8, 5),
  );
  t.deepEqual([...labels.subarray(3 * width, 4 * width)], [0, 0, 0, 1, 1, 2, 2, 2, 2, 0, 0, 0]);
});
