import test from 'ava';
import {Random} from '../../../lib/basics/random.js';
import {repeatFactors} from '../../../lib/datasets/repeat-factors.js';
import {type Dataset, describeInspection, type Instance, inspect} from '../../../lib/index.js';

test('factors by hand', (t) => {
  // 'a' is on 4 of 4 images, 'b' on 1 of 4, 'c' on none: √(1 / 1) = 1, √(1 / 0.25) = 2.
  const labels = [[1], [1, 2, 2, 1], [1], [1, 1]];
  const {imagesOfClass, classes, images} = repeatFactors(labels, {classes: 3, threshold: 1});
  t.deepEqual(imagesOfClass, [4, 1, 0]);
  t.deepEqual(classes, [1, 2, 1]);
  t.deepEqual([...images], [1, 2, 1, 1]);
  t.deepEqual([...repeatFactors(labels, {classes: 3, threshold: 0.25}).images], [1, 1, 1, 1]);
  t.deepEqual([...repeatFactors([[], []], {classes: 1, threshold: 1}).images], [1, 1]);
  t.deepEqual([...repeatFactors([], {classes: 1, threshold: 1}).images], []);
});

test('factors by another formula: the rarest class of an image decides', (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const random = new Random(seed);
    const classes = 1 + random.integer(6);
    const images = 1 + random.integer(40);
    const labels = Array.from({length: images}, () =>
      Array.from({length: random.integer(5)}, () => 1 + Math.floor(classes * random.next() ** 2)),
    );
    const threshold = random.next();
    const found = repeatFactors(labels, {classes, threshold}).images;
    for (const [i, own] of labels.entries()) {
      const frequencies = own.map((label) => labels.filter((other) => other.includes(label)).length / images);
      const rarest = Math.min(1, ...frequencies);
      // max(1, √(t / f)) as a power of e.
      const expected = own.length === 0 ? 1 : Math.exp(Math.max(0, (Math.log(threshold) - Math.log(rarest)) / 2));
      t.true(Math.abs(found[i]! - expected) < 1e-12 * expected, `seed ${seed}, image ${i}`);
    }
  }
});

function dot(label: number): Instance {
  return {label, box: [0, 0, 2, 2], mask: {left: 0, top: 0, width: 2, height: 2, data: new Uint8Array(4).fill(1)}};
}

test('inspect() tells how often classes would be repeated', async (t) => {
  const labels = [[1], [1], [1, 2], [1], [], [1], [1], [1], [7]];
  const data: Dataset = {
    length: 9,
    classes: ['common', 'rare'],
    get: async (index) => ({
      file: `${index}.png`,
      image: {data: new Uint8Array(48).fill(index), width: 4, height: 4},
      instances: labels[index]!.map(dot),
    }),
  };
  const found = await inspect(data, {balanceThreshold: 0.25});
  // Label 7 is a fault, and counts for no class. √(0.25 / (1/9)) = 1.5.
  t.deepEqual(found.balance, {threshold: 0.25, repeats: [1, 1.5], epochImages: 9.5});
  t.is(found.faults.length, 1);
  const line =
    "Repeat-factor sampling (threshold 0.25) would make an epoch of about 10 images, and repeat 'rare' 1.50 times.";
  t.true(describeInspection(found).includes(line), describeInspection(found));
  const usual = await inspect(data);
  t.deepEqual(usual.balance, {threshold: 0.001, repeats: [1, 1], epochImages: 9});
  t.notRegex(describeInspection(usual), /Repeat-factor/);
});
