import test from 'ava';
import fc from 'fast-check';
import {elastic, randomAffine} from '../../lib/augment/affine.js';
import type {Augmentation} from '../../lib/augment/augmentation.js';
import {randomCrop} from '../../lib/augment/crop.js';
import {toAugmentation} from '../../lib/augment/presets.js';
import {randomRotate90} from '../../lib/augment/rotate90.js';
import {scaleJitter} from '../../lib/augment/scale-jitter.js';
import type {Sample} from '../../lib/datasets/sample.js';
import {Random} from '../../lib/random.js';
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

/** Boxes and crops are those of the masks, and lie in the image. */
function isSound({image, instances}: Sample): boolean {
  return (
    image.data.length === image.width * image.height * 3 &&
    instances.every(({box, mask: {left, top, width, height, data}}) => {
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
      // What the colour says for certain the mask must say; slivers of discs that were cut are in no mask.
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
      // Whichever turn it was, the corner at (0, 0) is now at one of these.
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

test('a crop is a part of the image, pixel for pixel', async (t) => {
  const before = discs();
  for (let seed = 0; seed < 10; seed++) {
    const {image} = await apply(randomCrop({size: [0.3, 0.8]}), before, seed);
    const rows = Array.from({length: before.image.height}, (_, y) =>
      Buffer.from(before.image.data.subarray(y * 90 * 3, (y + 1) * 90 * 3)),
    );
    const first = Buffer.from(image.data.subarray(0, image.width * 3));
    t.true(rows.some((row) => row.includes(first)));
    t.true(image.width >= 27 && image.width <= 72 && image.height >= 21 && image.height <= 56);
  }
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
  // A disc in the middle of the left half, moved half the width to the right: its mirror image is a second one.
  const shifted = await apply(randomAffine({rotate: 0, scale: [0.5, 0.5], shear: 0, translate: 0}), discs(), 1);
  t.true(shifted.instances.length > 3, `${shifted.instances.length}`);
  for (const {mask} of shifted.instances) t.true(mask.width <= 2 * 16 && mask.height <= 2 * 16);
});
