import test from 'ava';
import fc from 'fast-check';
import {elastic, randomAffine} from '../../lib/augment/affine.js';
import type {Augmentation} from '../../lib/augment/augmentation.js';
import {randomCrop} from '../../lib/augment/crop.js';
import {toAugmentation} from '../../lib/augment/presets.js';
import {randomRotate90} from '../../lib/augment/rotate90.js';
import {scaleJitter} from '../../lib/augment/scale-jitter.js';
import {Random} from '../../lib/basics/random.js';
import {hasMask, type Sample} from '../../lib/datasets/dataset.js';
import {alone, discs, idImages, idsOfColours, paint, sampleOf} from './samples.js';

const augmentations: Record<string, Augmentation> = {
  affine: randomAffine(),
  'affine and elastic, mirrored': randomAffine({mirror: true, elastic: {}}),
  'affine on a colour': randomAffine({border: [9, 9, 9], translate: 0.5}),
  elastic: elastic(),
  crop: randomCrop(),
  'rotate 90°': randomRotate90(),
  'scale jitter': scaleJitter({range: [0.3, 2]}),
  multiscale: toAugmentation('multiscale'),
};

async function apply(augment: Augmentation, sample: Sample, seed: number): Promise<Sample> {
  return augment(sample, new Random(seed), alone);
}

/** Whether boxes and crops match the masks and lie inside the image. */
function isSound({image, instances}: Sample): boolean {
  return (
    image.data.length === image.width * image.height * 3 &&
    instances.filter(hasMask).every(({box, mask: {left, top, width, height, data}}) => {
      const rows = Array.from({length: height}, (_, y) => data.subarray(y * width, (y + 1) * width));
      const isTight =
        rows[0]!.includes(1) &&
        rows.at(-1)!.includes(1) &&
        rows.some((row) => row[0] === 1) &&
        rows.some((row) => row.at(-1) === 1);
      const isInside = left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height;
      const isBox = box.join() === [left, top, left + width, top + height].join();
      return isTight && isInside && isBox && data.length === width * height && data.every((on) => on <= 1);
    })
  );
}

for (const [name, augment] of Object.entries(augmentations)) {
  test(`${name}: masks go where the image goes`, async (t) => {
    const sample = discs();
    const before = structuredClone(sample);
    let seen = 0;
    for (let seed = 0; seed < 12; seed++) {
      const after = await apply(augment, sample, seed);
      t.true(isSound(after));
      // Where the colour is unambiguous, the mask must agree. Slivers of cut discs are in no mask.
      const [said, painted] = [idsOfColours(after), paint(after)];
      const certain = said.flatMap((id, i) => (id > 0 ? [{id, mask: painted[i]!}] : []));
      seen += certain.length;
      const other = certain.filter(({id, mask}) => mask !== 0 && mask !== id).length;
      const none = certain.filter(({mask}) => mask === 0).length;
      t.true(other <= 4 && none <= 0.12 * certain.length, `seed ${seed}: ${other} and ${none} of ${certain.length}`);
      const background = said.filter((id, i) => id === 0 && painted[i]! > 0).length;
      t.true(background <= 4, `seed ${seed}: ${background} pixels of background in masks`);
    }
    t.true(seen > 1000, `${seen}`);
    t.deepEqual(sample, before, 'what is given is not written to');
  });

  test(`${name}: equal seeds give equal samples`, async (t) => {
    const samples = await Promise.all([5, 5, 6, 7, 8, 9].map((seed) => apply(augment, discs(), seed)));
    t.deepEqual(samples[0], samples[1]);
    t.true(new Set(samples.map(({image}) => Buffer.from(image.data).toString('latin1'))).size > 2);
  });

  test(`${name}: any shapes stay sound`, async (t) => {
    await fc.assert(
      fc.asyncProperty(idImages, fc.integer({min: 0, max: 1e6}), async (ids, seed) =>
        isSound(await apply(augment, sampleOf(ids), seed)),
      ),
      {numRuns: 60},
    );
    t.pass();
  });
}

test('an affine map of nothing changes nothing', async (t) => {
  const still = randomAffine({rotate: 0, scale: [1, 1], shear: 0, translate: 0});
  t.deepEqual(await apply(still, discs(), 1), discs());
  t.deepEqual(await apply(elastic({strength: 0}), discs(), 1), discs());
  t.deepEqual(await apply(randomCrop({size: [1, 1]}), discs(), 1), discs());
  t.deepEqual(await apply(scaleJitter({range: [1, 1]}), discs(), 1), discs());
  t.deepEqual(await apply(randomRotate90(0), discs(), 1), discs());
});

test('turns by 90° are exact: four are none', async (t) => {
  await fc.assert(
    fc.asyncProperty(idImages, fc.integer({min: 0, max: 1e6}), async (ids, seed) => {
      const {width, height} = ids;
      const before = sampleOf(ids);
      const once = await apply(randomRotate90(1), before, seed);
      const pixel = ({image}: Sample, x: number, y: number) =>
        [...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3)].join();
      const corner = pixel(before, 0, 0);
      const corners = [
        [width, height, width - 1, height - 1],
        [height, width, height - 1, 0],
        [height, width, 0, width - 1],
      ] as const;
      // After any of the turns, the corner (0, 0) is at one of these positions.
      const found = corners.some(
        ([w, h, x, y]) => once.image.width === w && once.image.height === h && pixel(once, x, y) === corner,
      );
      let turned: Sample = before;
      for (let turn = 0; turn < 4; turn++) turned = await apply(randomRotate90(1), turned, seed);
      return (
        found && Buffer.from(turned.image.data).equals(before.image.data) && paint(turned).join() === ids.ids.join()
      );
    }),
    {numRuns: 60},
  );
  t.pass();
});

test('the three turns, by hand', async (t) => {
  // 1 2 0
  // 3 0 4
  const before = sampleOf({width: 3, height: 2, ids: [1, 2, 0, 3, 0, 4]});
  const seen = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const {image, instances} = await apply(randomRotate90(1), before, seed);
    seen.add(`${image.width}: ${paint({file: '', image, instances}).join(' ')}`);
  }
  t.deepEqual([...seen].sort(), ['2: 0 4 2 0 1 3', '2: 3 1 0 2 4 0', '3: 4 0 3 0 2 1']);
});

test('a crop is a part of the image and of its masks, pixel for pixel, with the middle of an instance', async (t) => {
  const image = {
    width: 40,
    height: 30,
    data: Uint8Array.from({length: 3600}, (_, i) => [i / 3 / 40, i / 3, 0][i % 3]! % 40),
  };
  const ids = Array.from({length: 1200}, (_, i) => (i % 40 >= 31 && i % 40 < 37 && i >= 160 && i < 400 ? 1 : 0));
  const before = {...sampleOf({width: 40, height: 30, ids}), image};
  for (let seed = 0; seed < 20; seed++) {
    const after = await apply(randomCrop({size: [0.4, 0.8]}), before, seed);
    const {width, height, data} = after.image;
    t.true(width >= 16 && width <= 32 && height >= 12 && height <= 24);
    // The colour of each pixel encodes its original row and column.
    const [top, left] = [data[0]!, data[1]!];
    const from = Array.from(
      {length: width * height},
      (_, i) => (top + Math.floor(i / width)) * 40 + left + (i % width),
    );
    t.deepEqual(
      [...data],
      from.flatMap((at) => [...image.data.subarray(3 * at, 3 * at + 3)]),
    );
    t.deepEqual(
      paint(after),
      from.map((at) => ids[at]!),
    );
    t.is(after.instances.length, 1);
  }
});

test('a bend of the greatest strength folds nothing over, at any scale', async (t) => {
  const side = 60;
  const data = Uint8Array.from({length: side * side * 3}, (_, i) => 4 * (Math.floor(i / 3) % side));
  const sample = {file: 'ramp.png', image: {data, width: side, height: side}, instances: []};
  const still = {rotate: 0, shear: 0, translate: 0, elastic: {strength: 0.4}};
  let bent = 0;
  for (const scale of [1, 10]) {
    for (let seed = 0; seed < 5; seed++) {
      const {image} = await apply(randomAffine({...still, scale: [scale, scale]}), sample, seed);
      const reds = image.data.filter((_, i) => i % 3 === 0);
      // The mirrored border may run backwards, but the middle of the rows must increase from left to right.
      for (let y = 10; y < 50; y++) {
        const row = reds.subarray(y * side + 10, y * side + 50);
        t.true(
          row.every((value, x) => x === 0 || value >= row[x - 1]!),
          `scale ${scale}, seed ${seed}, row ${y}`,
        );
      }
      if (reds.some((value, i) => i >= side && value !== reds[i - side])) bent++;
    }
  }
  t.is(bent, 10);
});

test('an image made smaller lies on the border’s colour', async (t) => {
  const {image, instances} = await apply(scaleJitter({range: [0.5, 0.5], border: [1, 2, 3]}), discs(), 3);
  t.is(image.width, 90);
  const bordered = Array.from({length: 90 * 70}, (_, i) => image.data.subarray(3 * i, 3 * i + 3).join() === '1,2,3');
  t.is(bordered.filter(Boolean).length, 90 * 70 - 45 * 35);
  t.is(instances.length, 3);
  t.true(Math.abs(instances[0]!.box[2] - instances[0]!.box[0] - 12.5) <= 1);
});

test('a mirrored border shows instances again: cut ones whole, others as instances of their own', async (t) => {
  // At half the size, a mirrored border of a quarter of each side is visible. Discs in it are not cut by the edge of
  // the image.
  const smaller = await apply(randomAffine({rotate: 0, scale: [0.5, 0.5], shear: 0, translate: 0}), discs(), 1);
  t.true(smaller.instances.length > 3, `${smaller.instances.length}`);
  for (const {mask} of smaller.instances.filter(hasMask)) t.true(mask.width <= 2 * 16 && mask.height <= 2 * 16);
});
