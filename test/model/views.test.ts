import test from 'ava';
import {type Detections, type MaskRcnn, maskRcnn, type RgbImage, type Views} from '../../lib/index.js';
import {blobSample, tinyModel} from '../tiny.js';

// The sides are not multiples of 32, so every view is padded at the right and at the bottom.
const [WIDTH, HEIGHT] = [60, 52];

let model: MaskRcnn;

test.before(async () => {
  model = await maskRcnn({...tinyModel, boxNmsThresh: 0.3});
});

test.after.always(() => model?.dispose());

const {data, width} = blobSample(2).image;
const image = pixelsWhere((x, y) => (y * width + x) * 3);

function pixelsWhere(source: (x: number, y: number) => number, from: Uint8Array = data): RgbImage {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) pixels.set(from.subarray(source(x, y), source(x, y) + 3), (y * WIDTH + x) * 3);
  }
  return {data: pixels, width: WIDTH, height: HEIGHT};
}

const mirrors = {
  'left to right': {
    ofImage: ({data}: RgbImage) => pixelsWhere((x, y) => (y * WIDTH + WIDTH - 1 - x) * 3, data),
    ofBox: ([x0, y0, x1, y1]: number[]) => [WIDTH - x1!, y0!, WIDTH - x0!, y1!],
    ofPixel: (at: number) => at - (at % WIDTH) + WIDTH - 1 - (at % WIDTH),
  },
  'top to bottom': {
    ofImage: ({data}: RgbImage) => pixelsWhere((x, y) => ((HEIGHT - 1 - y) * WIDTH + x) * 3, data),
    ofBox: ([x0, y0, x1, y1]: number[]) => [x0!, HEIGHT - y1!, x1!, HEIGHT - y0!],
    ofPixel: (at: number) => (HEIGHT - 1 - Math.floor(at / WIDTH)) * WIDTH + (at % WIDTH),
  },
};

type Found = {box: number[]; score: number; mask: Float32Array};

async function find(of: RgbImage, views: Views): Promise<Found[]> {
  const [found] = (await model.predict(of, {views, maskFormat: 'float'})) as [Detections<'float'>];
  return found.masks.map((mask, i) => ({
    box: [...found.boxes.subarray(4 * i, 4 * i + 4)],
    score: found.scores[i]!,
    mask,
  }));
}

const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

/** The offset from the start of one object to the start of the other, in pixels of a plane. */
const offset = (a: Found, b: Found) => {
  const [x, y] = [0, 1].map((axis) => Math.floor(b.box[axis]!) - Math.floor(a.box[axis]!)) as [number, number];
  return y * WIDTH + x;
};

/** The summed difference over all pixels, as a fraction of the mask. */
const meanDifference = (mask: Float32Array, other: (at: number) => number | undefined) =>
  mask.reduce((sum, value, at) => sum + Math.abs(value - (other(at) ?? 0)), 0) /
  mask.reduce((sum, value) => sum + value);

/**
 * Compares the detections in the mirrored image with the mirrored detections in the image: boxes in pixels, scores, and
 * mask probabilities.
 */
async function asymmetry(name: keyof typeof mirrors, views: Views) {
  const {ofImage, ofBox, ofPixel} = mirrors[name];
  const [here, there] = [await find(image, views), await find(ofImage(image), views)];
  // Only the best ones. Further down, two scores may be so close that rounding decides which detection is kept.
  const pairs = here.slice(0, 5).map((found) => {
    const box = ofBox(found.box);
    return [found, there.toSorted((a, b) => difference(a.box, box) - difference(b.box, box))[0]!] as const;
  });
  return {
    box: Math.max(...pairs.map(([a, b]) => difference(ofBox(a.box), b.box))),
    score: Math.max(...pairs.map(([a, b]) => Math.abs(a.score - b.score))),
    // Averaged, because pasting rounds the sides of a box to pixels, differently on the left and on the right.
    mask: Math.max(...pairs.map(([a, b]) => meanDifference(a.mask, (at) => b.mask[ofPixel(at)]!))),
    // The difference that would result if the masks in the boxes had stayed mirrored.
    unmirroredMask: Math.max(...pairs.map(([a, b]) => meanDifference(a.mask, (at) => b.mask[at + offset(a, b)]))),
  };
}

for (const [views, name] of [
  [2, 'left to right'],
  [4, 'left to right'],
  [4, 'top to bottom'],
] as const) {
  test(`with ${views} views the image mirrored ${name} has the same objects`, async (t) => {
    const {box, score, mask, unmirroredMask} = await asymmetry(name, views);
    t.true(box < 1e-3, `boxes differ by ${box} pixels`);
    t.true(score < 1e-4, `scores differ by ${score}`);
    t.true(mask < 0.7 * unmirroredMask, `masks differ by ${mask}, unmirrored ones by ${unmirroredMask}`);
  });
}

test('without the view that mirrors, it has others', async (t) => {
  for (const [views, name] of [
    [1, 'left to right'],
    [2, 'top to bottom'],
  ] as const) {
    const {score} = await asymmetry(name, views);
    t.true(score > 1e-3, `scores differ by ${score}`);
  }
});

test('several images in one batch are each seen in all views', async (t) => {
  const other = mirrors['top to bottom'].ofImage(image);
  const together = await model.predict([image, other], {views: 4, batchSize: 2});
  const apart = [...(await model.predict(image, {views: 4})), ...(await model.predict(other, {views: 4}))];
  t.deepEqual(together, apart);
});

test('views work without masks, and are 1, 2 or 4', async (t) => {
  const [found] = await model.predict(image, {views: 2, maskFormat: 'none'});
  t.true(found!.scores.length > 0);
  t.deepEqual(found!.masks, []);
  const error = await t.throwsAsync(() => model.predict(image, {views: 3 as Views}));
  t.regex(error!.message, /'views' .*one of 1, 2, 4, got 3/);
});
