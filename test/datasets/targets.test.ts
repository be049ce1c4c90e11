import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import type {Instance, MaskedInstance, Sample} from '../../lib/datasets/dataset.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';

const good: MaskedInstance = {
  label: 1,
  box: [1, 2, 4, 4],
  mask: {left: 1, top: 2, width: 3, height: 2, data: Uint8Array.of(0, 1, 1, 1, 1, 0)},
};

function sampleOf(...instances: Instance[]): Sample {
  return {file: 'a.png', image: {data: new Uint8Array(8 * 6 * 3), width: 8, height: 6}, instances};
}

test('instances become flat arrays, masks one after the other', (t) => {
  const dot: Instance = {
    label: 2,
    box: [7, 5, 8, 6],
    mask: {left: 7, top: 5, width: 1, height: 1, data: Uint8Array.of(1)},
  };
  t.deepEqual(toNativeTarget(sampleOf(good, dot), ['gland', 'dot']), {
    boxes: Float32Array.of(1, 2, 4, 4, 7, 5, 8, 6),
    labels: Int32Array.of(1, 2),
    maskRects: Int32Array.of(1, 2, 3, 2, 7, 5, 1, 1),
    maskData: Uint8Array.of(0, 1, 1, 1, 1, 0, 1),
  });
});

test('an image without objects is a target of length 0', (t) => {
  t.deepEqual(toNativeTarget(sampleOf(), ['gland']), {
    boxes: new Float32Array(0),
    labels: new Int32Array(0),
    maskRects: new Int32Array(0),
    maskData: new Uint8Array(0),
  });
});

const mask = good.mask;
const faults: [what: string, instance: Instance, message: string][] = [
  ['label 0', {...good, label: 0}, 'must have a label in 1..1 (gland), got 0.'],
  ['label K', {...good, label: 2}, 'must have a label in 1..1 (gland), got 2.'],
  ['a label that is no number', {...good, label: Number.NaN}, 'must have a label in 1..1 (gland), got NaN.'],
  ['a NaN box', {...good, box: [1, Number.NaN, 4, 4]}, 'must have a box of four finite numbers, got [1, NaN, 4, 4].'],
  [
    'a flipped box',
    {...good, box: [4, 2, 1, 4]},
    'must have a box [x0, y0, x1, y1] with x0 < x1 and y0 < y1, got [4, 2, 1, 4].',
  ],
  [
    'a box without area',
    {...good, box: [1, 2, 1, 4]},
    'must have a box [x0, y0, x1, y1] with x0 < x1 and y0 < y1, got [1, 2, 1, 4].',
  ],
  [
    'a box outside',
    {...good, box: [1, 2, 9, 4]},
    'must have its box inside the image of 8 × 6 pixels, got [1, 2, 9, 4].',
  ],
  [
    'a mask outside',
    {...good, mask: {...mask, left: 6}},
    'must have its mask inside the image of 8 × 6 pixels, got 3 × 2 at (6, 2).',
  ],
  [
    'a mask of fractions',
    {...good, mask: {...mask, top: 1.5}},
    'must have a mask of whole, positive size, got 3 × 2 at (1, 1.5).',
  ],
  [
    'a mask of another length',
    {...good, mask: {...mask, data: new Uint8Array(5)}},
    'must have a mask of 6 bytes for 3 × 2 at (1, 2), got 5.',
  ],
  [
    'an empty mask',
    {...good, mask: {...mask, data: new Uint8Array(6)}},
    'must have at least one pixel in its mask, got none in 3 × 2 at (1, 2).',
  ],
  [
    'a mask of 0 and 255',
    {...good, mask: {...mask, data: Uint8Array.of(0, 255, 0, 0, 0, 0)}},
    'must have a mask of 0 and 1, got 255.',
  ],
  [
    'a mask away from its box',
    {...good, box: [5, 0, 7, 2]},
    'must have a mask that meets its box [5, 0, 7, 2], got 3 × 2 at (1, 2).',
  ],
];

for (const [what, instance, message] of faults) {
  test(`${what} is named by file and instance`, (t) => {
    const error = t.throws(() => toNativeTarget(sampleOf(good, {...instance, id: 17}), ['gland']), {
      instanceOf: MaskRcnnError,
      code: 'INVALID_TARGET',
    });
    t.is(error.message.split('\n')[0], `Instance 1 (id 17) of a.png ${message}`);
    t.is(error.file, 'a.png');
  });
}

test('pixels that do not fit their size are refused', (t) => {
  const image = {data: new Uint8Array(7 * 6 * 3), width: 8, height: 6};
  const error = t.throws(() => toNativeImage({file: 'a.png', image}), {code: 'INVALID_IMAGE'});
  t.is(error.message, 'a.png must have width × height × 3 bytes of RGB pixels, got 126 bytes for 8 × 6.');
});

test('300 objects on 1024 × 1024 pixels stay as small as their crops', (t) => {
  const image = {data: new Uint8Array(1024 * 1024 * 3), width: 1024, height: 1024};
  const instances = Array.from({length: 300}, (_, i) => {
    const [left, top] = [(i % 20) * 51, Math.floor(i / 20) * 64];
    const mask = {left, top, width: 50, height: 60, data: new Uint8Array(50 * 60).fill(1)};
    return {label: 1, box: [left, top, left + 50, top + 60] as [number, number, number, number], mask};
  });
  const before = process.memoryUsage().arrayBuffers;
  const target = toNativeTarget({file: 'many.png', image, instances}, ['cell']);
  const grown = process.memoryUsage().arrayBuffers - before;
  t.is(target.maskData.length, 300 * 50 * 60);
  // As full-size planes they would need 300 MB.
  t.true(grown < 4e6, `${grown} bytes`);
});
