import test from 'ava';
import type {Dataset, Sample} from '../../lib/datasets/dataset.js';
import {readSample} from '../../lib/datasets/read-sample.js';

const pixels = () => ({data: new Uint8Array(12), width: 2, height: 2});
const instance = () => ({
  label: 1,
  box: [0, 0, 1, 1],
  mask: {left: 0, top: 0, width: 1, height: 1, data: Uint8Array.of(1)},
});

const of = (sample: unknown): Dataset => ({length: 9, classes: ['a'], get: async () => sample as Sample});

test('a sample is what get() resolves to', async (t) => {
  const sample = {file: 'a.png', image: pixels(), instances: [instance()]};
  t.is((await readSample(of(sample), 0)) as unknown, sample);
});

for (const [what, sample, message] of [
  ['null', null, /^Sample 3 of the data set must have a file, an image and instances, got null\./],
  ['nothing', undefined, /must have a file, an image and instances, got undefined/],
  ['an array', [], /must have a file, the name of the image, got undefined/],
  ['no file', {image: pixels(), instances: []}, /a file, the name of the image, got undefined/],
  [
    'a path as image',
    {file: 'a.png', image: 'a.png', instances: []},
    /\(a\.png\) must have an image: .*, got 'a\.png'/,
  ],
  ['an array of pixels', {file: 'a.png', image: {...pixels(), data: [0, 1]}, instances: []}, /image\.data in a Uint8/],
  ['no instances', {file: 'a.png', image: pixels()}, /must have instances, an array, got undefined/],
  ['null among instances', {file: 'a.png', image: pixels(), instances: [instance(), null]}, /instances\[1\], got null/],
  ['no box', {file: 'a.png', image: pixels(), instances: [{...instance(), box: undefined}]}, /at instances\[0\]\.box/],
  [
    'no mask',
    {file: 'a.png', image: pixels(), instances: [{...instance(), mask: undefined}]},
    /a mask .* instances\[0\]/,
  ],
  [
    'a mask of an array',
    {file: 'a.png', image: pixels(), instances: [{...instance(), mask: {...instance().mask, data: [1]}}]},
    /a Uint8Array at instances\[0\]\.mask\.data, got \[1\]/,
  ],
] as [string, unknown, RegExp][]) {
  test(`a sample with ${what} is refused, by its number`, async (t) => {
    const error = await t.throwsAsync(readSample(of(sample), 3), {code: 'INVALID_DATASET', message});
    t.regex(error!.message, /^Sample 3 of the data set/);
  });
}
