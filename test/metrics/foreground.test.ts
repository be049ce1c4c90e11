import test from 'ava';
import {predictedForeground, trueForeground} from '../../lib/metrics/foreground.js';

const width = 12;
const height = 10;

function rectangle(left: number, top: number, right: number, bottom: number): Uint8Array {
  return Uint8Array.from({length: width * height}, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= left && x <= right && y >= top && y <= bottom ? 1 : 0;
  });
}

// pycocotools: rows 2..5, columns 3..8 of 10 × 12 give this string.
const rle = {size: [height, width] as [number, number], counts: 'P146000000000l0'};

test('run lengths of pycocotools become the rectangle they were made of', (t) => {
  t.deepEqual(predictedForeground([rle], width, height), rectangle(3, 2, 8, 5));
});

test('several masks become their union, none an empty foreground', (t) => {
  t.deepEqual(predictedForeground([rle, rle], width, height), rectangle(3, 2, 8, 5));
  t.deepEqual(predictedForeground([], width, height), new Uint8Array(width * height));
});

test('cropped masks of a sample are put in their places', (t) => {
  const image = {data: new Uint8Array(width * height * 3), width, height};
  const instance = (left: number, top: number, w: number, h: number) => ({
    label: 1,
    box: [left, top, left + w, top + h] as [number, number, number, number],
    mask: {left, top, width: w, height: h, data: new Uint8Array(w * h).fill(1)},
  });
  // Two overlapping halves of the rectangle above.
  const sample = {file: 'a', image, instances: [instance(3, 2, 4, 4), instance(5, 2, 4, 4)]};
  t.deepEqual(trueForeground(sample), rectangle(3, 2, 8, 5));
});
