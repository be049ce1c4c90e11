import test from 'ava';
import {flipHorizontal, flipVertical} from '../../lib/augment/flip.js';
import {type Detections, doubt, encodeRle, type MaskRcnn, maskRcnn, type RawImage} from '../../lib/index.js';
import {blobSample, tinyModel} from '../tiny.js';

const [WIDTH, HEIGHT] = [8, 4];

/** Columns `from`..`to` - 1 of all rows, of a class, with a score; the box alone if the mask has no pixel. */
type Stripe = {from: number; to: number; label?: number; score: number; isEmpty?: boolean};

async function detections(stripes: readonly Stripe[], format: 'rle' | 'none'): Promise<Detections<'rle' | 'none'>> {
  const bitmaps = stripes.map(({from, to, isEmpty = false}) =>
    Uint8Array.from({length: WIDTH * HEIGHT}, (_, at) => Number(!isEmpty && at % WIDTH >= from && at % WIDTH < to)),
  );
  return {
    width: WIDTH,
    height: HEIGHT,
    boxes: Float32Array.from(stripes.flatMap(({from, to}) => [from, 0, to, HEIGHT])),
    labels: Int32Array.from(stripes, ({label = 1}) => label),
    classNames: stripes.map(({label = 1}) => String(label)),
    scores: Float32Array.from(stripes, ({score}) => score),
    masks: format === 'none' ? [] : await Promise.all(bitmaps.map((bitmap) => encodeRle(bitmap, WIDTH, HEIGHT))),
  };
}

/** A network that finds the given stripes on each view in turn, in the coordinates of the upright image. */
function standIn(views: readonly (readonly Stripe[])[], masks: 'instance' | 'none' = 'instance') {
  const seen: Uint8Array[] = [];
  const model = {
    pixels: {},
    options: {masks},
    async predict({data}: RawImage, {maskFormat}: {maskFormat: 'rle' | 'none'}) {
      const number = seen.push(Uint8Array.from(data)) - 1;
      const isMirrored = number % 2 === 1;
      const stripes = views[number]!.map((stripe) =>
        isMirrored ? {...stripe, from: WIDTH - stripe.to, to: WIDTH - stripe.from} : stripe,
      );
      return [await detections(stripes, maskFormat)];
    },
  } as unknown as MaskRcnn;
  return {model, seen};
}

const data = Uint8Array.from({length: WIDTH * HEIGHT * 3}, (_, i) => i * 2);
const image: RawImage = {data, width: WIDTH, height: HEIGHT};

async function doubtOf(views: readonly (readonly Stripe[])[], masks?: 'none'): Promise<number> {
  return doubt(standIn(views, masks).model, image, {views: views.length as 2 | 4});
}

const one: Stripe = {from: 0, to: 4, score: 0.5};

test('views that agree leave no doubt, and views that find nothing agree', async (t) => {
  t.is(await doubtOf([[one], [one]]), 0);
  t.is(await doubtOf([[], []]), 0);
  t.is(await doubtOf([[one], [one], [one], [one]]), 0);
});

test('an object that one view alone finds is in doubt', async (t) => {
  t.is(await doubtOf([[one], []]), 1);
  // Of 0.5 + 0.5 + 0.25, the last has no partner.
  t.is(await doubtOf([[one, {from: 5, to: 8, score: 0.25}], [one]]), 1 - 1 / 1.25);
});

test('doubt is the part of the masks that differs, by score', async (t) => {
  // Half of the pixels of both are in both.
  t.is(await doubtOf([[{...one, to: 2}], [one]]), 0.5);
  // Of no object so sure that it is foreground.
  const sure = {from: 4, to: 8, score: 0.5};
  // (0.5 + 0.5) × 1 and (0.5 + 0.25) × 0.5, of 1.75.
  t.is(
    await doubtOf([
      [sure, one],
      [sure, {from: 0, to: 2, score: 0.25}],
    ]),
    1 - 1.375 / 1.75,
  );
});

test('where there are likely objects, half of the doubt is that of what they cover together', async (t) => {
  const whole: Stripe = {from: 0, to: 8, score: 0.75};
  const half: Stripe = {from: 0, to: 4, score: 0.75};
  // One object here, two there: of the scores of three, two are partners with half of their pixels. No pixel differs.
  t.is(await doubtOf([[whole], [half, {...half, from: 4, to: 8}]]), 1 - (0.5 * (2 / 3) + 1) / 2);
  t.is(await doubtOf([[whole], [half]]), 0.5);
  // A view has a foreground, and the other one none.
  t.is(await doubtOf([[half], [one]]), 1 - (1 + 0) / 2);
  t.is(await doubtOf([[half], []]), 1);
  // Four views, of which the last two have no foreground: of six pairs, one agrees, four do not, and one has none.
  t.is(await doubtOf([[half], [half], [one], [one]]), 1 - (1 + 1 / 5) / 2);
  // Boxes have no foreground.
  t.is(await doubtOf([[whole], [half]], 'none'), 0.5);
});

test('partners are of the same class, the most similar first, each once', async (t) => {
  t.is(await doubtOf([[one], [{...one, label: 2}]]), 1);
  // The second object is the partner: its overlap is 1, that of the first 1/2, and no other is left for the first.
  t.is(await doubtOf([[{...one, to: 2}, one], [one]]), 1 - 1 / 1.5);
});

test('four views are compared each with each', async (t) => {
  // Three of six pairs have the object in both views; the other three have it in one.
  t.is(await doubtOf([[one], [one], [one], []]), 1 - 3 / 4.5);
});

test('objects whose masks have no pixel compare their boxes with each other, and are no foreground', async (t) => {
  const sure: Stripe = {from: 0, to: 4, score: 0.75};
  const none: Stripe = {...sure, isEmpty: true};
  t.is(await doubtOf([[none], [none]]), 0);
  t.is(await doubtOf([[none], [{...none, to: 2}]]), 0.5);
  t.is(await doubtOf([[none], []]), 1);
  // An object with pixels and one without are no partners, and their foregrounds differ.
  t.is(await doubtOf([[none], [sure]]), 1);
  // The first object is the partner of the first, and has the whole foreground.
  t.is(await doubtOf([[sure, none], [sure]]), 1 - (2 / 3 + 1) / 2);
});

test('networks without masks compare boxes', async (t) => {
  t.is(await doubtOf([[{...one, to: 2}], [one]], 'none'), 0.5);
  t.is(await doubtOf([[one], [one]], 'none'), 0);
  t.is(await doubtOf([[{...one, to: 0}], [{...one, to: 0}]], 'none'), 1);
});

test('the views are mirrored images', async (t) => {
  const {model, seen} = standIn([[], [], [], []]);
  await doubt(model, image, {views: 4});
  const sample = {file: '', image: {data, width: WIDTH, height: HEIGHT}, instances: []};
  const expected = [sample, flipHorizontal(sample), flipVertical(sample), flipVertical(flipHorizontal(sample))].map(
    (flipped) => (flipped.image as {data: Uint8Array}).data,
  );
  t.deepEqual(seen, expected);
});

test('wrong options are refused', async (t) => {
  const {model} = standIn([[], []]);
  await t.throwsAsync(doubt(model, image, {views: 1 as 2}), {code: 'INVALID_OPTION', message: /one of 2, 4, got 1/});
  await t.throwsAsync(doubt(model, image, {tiles: {}} as object), {code: 'INVALID_OPTION'});
  await t.throwsAsync(doubt(model, 'nowhere.png'), {code: 'INVALID_IMAGE', message: /nowhere\.png/});
});

test('a real network doubts, the same of an image and of its mirror image', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const sample = blobSample(2);
  const doubts = [
    await doubt(model, sample.image as RawImage, {views: 4}),
    await doubt(model, flipHorizontal(sample).image as RawImage, {views: 4}),
    await doubt(model, flipVertical(sample).image as RawImage, {views: 4}),
  ];
  const [first] = doubts as [number];
  t.true(first > 0.01 && first < 1, String(first));
  // Equal views in another order.
  for (const other of doubts) t.true(Math.abs(first - other) < 1e-6, doubts.join());
  t.is(await doubt(model, sample.image as RawImage, {scoreThreshold: 1}), 0);
  await using boxes = await maskRcnn({...tinyModel, masks: 'none'});
  const ofBoxes = await doubt(boxes, sample.image as RawImage);
  t.true(ofBoxes > 0 && ofBoxes < 1, String(ofBoxes));
  const stop = AbortSignal.abort(new Error('stopped'));
  await t.throwsAsync(doubt(model, sample.image as RawImage, {signal: stop}), {message: 'stopped'});
});
