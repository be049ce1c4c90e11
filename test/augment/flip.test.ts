import test from 'ava';
import fc from 'fast-check';
import {compose} from '../../lib/augment/augmentation.js';
import {flipHorizontal, flipVertical, randomHorizontalFlip, randomVerticalFlip} from '../../lib/augment/flip.js';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {Random} from '../../lib/basics/random.js';
import type {Sample} from '../../lib/datasets/dataset.js';
import {alone, idImages, paint, sampleOf} from './samples.js';

const flips = {
  horizontal: {flip: flipHorizontal, source: (x: number, y: number, w: number) => [w - 1 - x, y]},
  vertical: {flip: flipVertical, source: (x: number, y: number, _: number, h: number) => [x, h - 1 - y]},
};

for (const [name, {flip, source}] of Object.entries(flips)) {
  test(`${name} flip moves pixels, masks and boxes together`, (t) => {
    fc.assert(
      fc.property(idImages, (idImage) => {
        const {width, height, ids} = idImage;
        const before = sampleOf(idImage);
        const after = flip(before);
        const moved = ids.map((_, i) => {
          const [x, y] = source(i % width, Math.floor(i / width), width, height);
          return y! * width + x!;
        });
        t.deepEqual(
          paint(after),
          moved.map((from) => ids[from]!),
        );
        const pixels = moved.flatMap((from) => [...before.image.data.subarray(from * 3, from * 3 + 3)]);
        t.deepEqual([...after.image.data], pixels);
        // Boxes and crops equal those computed from the flipped masks.
        t.deepEqual(after.instances, sampleOf({width, height, ids: paint(after)}).instances);
        t.deepEqual(flip(after), before);
      }),
    );
  });
}

test('a box of fractions is flipped too', (t) => {
  const image = {data: new Uint8Array(10 * 4 * 3), width: 10, height: 4};
  const mask = {left: 1, top: 0, width: 3, height: 2, data: new Uint8Array(6).fill(1)};
  const sample: Sample = {file: 'x', image, instances: [{label: 2, box: [1.5, 0.25, 4, 2], mask}]};
  t.like(flipHorizontal(sample).instances[0], {label: 2, box: [6, 0.25, 8.5, 2]});
  t.like(flipVertical(sample).instances[0], {label: 2, box: [1.5, 2, 4, 3.75]});
});

test('a random flip flips at its chance, and never or always at 0 and 1', (t) => {
  const sample = sampleOf({width: 2, height: 2, ids: [1, 0, 0, 0]});
  const flipped = (chance: number) =>
    Array.from(
      {length: 1000},
      (_, seed) => randomHorizontalFlip(chance)(sample, new Random(seed), alone) !== sample,
    ).filter(Boolean).length;
  t.is(flipped(0), 0);
  t.is(flipped(1), 1000);
  t.true(Math.abs(flipped(0.25) - 250) < 60);
});

test('compose applies in order and draws from one stream', async (t) => {
  const order: string[] = [];
  const note = (name: string) => (sample: Sample, random: Random) => {
    order.push(`${name} ${random.next()}`);
    return sample;
  };
  await compose(note('a'), note('b'))(sampleOf({width: 1, height: 1, ids: [0]}), new Random(5), alone);
  const random = new Random(5);
  t.deepEqual(order, [`a ${random.next()}`, `b ${random.next()}`]);
});

test('a chance outside 0..1 is refused', (t) => {
  for (const make of [randomHorizontalFlip, randomVerticalFlip]) {
    for (const chance of [-0.1, 1.1, Number.NaN]) {
      const error = t.throws(() => make(chance), {instanceOf: MaskRcnnError});
      t.is(error!.code, 'INVALID_OPTION');
      t.regex(error!.message, /must be a number >= 0 and <= 1, got/);
    }
  }
});
