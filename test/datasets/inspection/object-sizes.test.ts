import test from 'ava';
import {type Dataset, describeInspection, type Instance, inspect} from '../../../lib/index.js';

function block(width: number, height: number): Instance {
  const mask = {left: 0, top: 0, width, height, data: new Uint8Array(width * height).fill(1)};
  return {label: 1, box: [0, 0, width, height], mask};
}

const dataOf = (instances: Instance[]): Dataset => ({
  length: 1,
  classes: ['cell'],
  get: async () => ({
    file: 'a.png',
    image: {data: new Uint8Array(100 * 50 * 3), width: 100, height: 50},
    instances,
  }),
});

test('sizes at the training size, by hand', async (t) => {
  // The image of 100 × 50 becomes 400 × 200, so everything is 4 times as large: 4, 8, 16, 32 and √(4·36) · 4 = 48.
  const instances = [block(1, 1), block(2, 2), block(4, 4), block(8, 8), block(4, 36)];
  const {trainingSizes} = await inspect(dataOf(instances), {minSize: 200, maxSize: 1000});
  t.deepEqual(trainingSizes, {
    median: 16,
    below: [
      {pixels: 8, objects: 1, share: 0.2},
      {pixels: 16, objects: 2, share: 0.4},
      {pixels: 32, objects: 3, share: 0.6},
    ],
  });
  // With maxSize 200, the factor is 2.
  const limited = await inspect(dataOf(instances), {minSize: 200, maxSize: 200});
  t.is(limited.trainingSizes!.median, 8);
  // Sides by different factors: width × 1, height × 4, so √(1·4) = 2 times.
  const fixed = await inspect(dataOf(instances), {fixedSize: [100, 200]});
  t.is(fixed.trainingSizes!.median, 8);
  t.is((await inspect(dataOf(instances), {skipResize: true})).trainingSizes!.median, 4);
  t.true(
    describeInspection(limited).includes(
      "Sizes of objects in training (square root of the box's area): half of them up to 8.0 pixels; " +
        '40.0 % below 8, 60.0 % below 16, 100.0 % below 32.',
    ),
  );
});

test('objects with faults have no size, and without objects there are no sizes', async (t) => {
  const faulty = {...block(4, 4), box: [0, 0, Number.NaN, 4] as [number, number, number, number]};
  const {trainingSizes, faults} = await inspect(dataOf([faulty, block(4, 4)]), {skipResize: true});
  t.deepEqual([faults.length, trainingSizes!.median, trainingSizes!.below[0]!.objects], [1, 4, 1]);
  const none = await inspect(dataOf([]));
  t.is(none.trainingSizes, null);
  t.notRegex(describeInspection(none), /Sizes of objects/);
});
