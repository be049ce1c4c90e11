import test from 'ava';
import {
  type Dataset,
  type Detections,
  evaluate,
  type MaskRcnn,
  type PredictOptions,
  type Sample,
} from '../lib/index.js';

const [width, height] = [4, 3];

/** An image whose only object is its left half; its first byte says which image it is. */
function sample(index: number): Sample {
  const data = new Uint8Array(width * height * 3);
  data[0] = index;
  const mask = {left: 0, top: 0, width: 2, height, data: new Uint8Array(2 * height).fill(1)};
  return {file: `${index}.png`, image: {data, width, height}, instances: [{label: 1, box: [0, 0, 2, height], mask}]};
}

const data: Dataset = {length: 3, classes: ['blob'], get: async (index) => sample(index)};

// Runs of pixels column by column: the left half, the leftmost column, nothing.
const LEFT_HALF = '066';
const LEFTMOST = '039';
const COUNTS = [[LEFT_HALF], [LEFTMOST], []];

function detections(counts: readonly string[]): Detections {
  return {
    width,
    height,
    boxes: new Float32Array(4 * counts.length),
    labels: new Int32Array(counts.length).fill(1),
    classNames: counts.map(() => 'blob'),
    scores: new Float32Array(counts.length).fill(0.9),
    masks: counts.map((given) => ({size: [height, width], counts: given})),
  };
}

/** A model that finds in each image what `COUNTS` says, or what `find` does. */
function finder(find = (index: number): readonly string[] => COUNTS[index]!) {
  const calls: {index: number; options: PredictOptions}[] = [];
  const predict = async ({data: [index]}: Sample['image'], options: PredictOptions) => {
    calls.push({index: index!, options});
    return [detections(find(index!))];
  };
  return {model: {predict} as unknown as MaskRcnn, calls};
}

const near = (a: number, b: number) => Math.abs(a - b) < 1e-12;

test('pixels and objects of three images: one found, one by half, one not at all', async (t) => {
  const {pixel, objects} = await evaluate(finder().model, {data});
  t.true(near(pixel.mean.iou, (1 + 1 / 2 + 0) / 3));
  t.true(near(pixel.pooled.iou, 9 / 18));
  t.like(objects, {images: 3, truth: 3, predicted: 2});
  t.true(near(objects.mean.f1, 2 / 3) && near(objects.pooled.f1, (2 * 2) / (3 + 2)));
  const half = (2 * 3) / (6 + 3);
  t.true(near(objects.mean.dice, (1 + half + 0) / 3));
  t.true(near(objects.pooled.dice, ((6 + 6 * half) / 18 + (6 + 3 * half) / 9) / 2));
  // The second column is 1 away from the first; where nothing was found, the diagonal of 4 × 3 is 5.
  t.true(near(objects.mean.hausdorff, (0 + 1 + 5) / 3));
  t.true(near(objects.pooled.hausdorff, ((6 * 1 + 6 * 5) / 18 + (3 * 1) / 9) / 2));
});

test('each image is told with what was found on it, in order, while the next one is being computed', async (t) => {
  const {model, calls} = finder();
  const told: unknown[] = [];
  await evaluate(model, {
    data,
    scoreThreshold: 0.25,
    onDetections: ({file}, {masks}) => told.push([file, masks.map(({counts}) => counts)]),
    onImage: (done) => told.push(done),
  });
  t.deepEqual(told, [['0.png', [LEFT_HALF]], 1, ['1.png', [LEFTMOST]], 2, ['2.png', []], 3]);
  t.deepEqual(
    calls,
    [0, 1, 2].map((index) => ({index, options: {scoreThreshold: 0.25}})),
  );

  // The second image is asked for before the first one is told; no third one once the work has ended.
  const asked: number[] = [];
  const noted: Dataset = {
    ...data,
    get: async (index) => {
      asked.push(index);
      return sample(index);
    },
  };
  const reason = new Error('enough');
  const onDetections = () => {
    t.deepEqual(asked, [0, 1]);
    throw reason;
  };
  t.is(await t.throwsAsync(evaluate(finder().model, {data: noted, onDetections})), reason);
  t.deepEqual(asked, [0, 1]);
});

test('what fails at an image ends the work after the images before it', async (t) => {
  const done: number[] = [];
  const {model} = finder((index) => {
    if (index === 1) throw new Error('no memory');
    return COUNTS[index]!;
  });
  await t.throwsAsync(evaluate(model, {data, onImage: (count) => done.push(count)}), {message: 'no memory'});
  t.deepEqual(done, [1]);

  const unreadable: Dataset = {
    ...data,
    get: async (index) => {
      if (index === 2) throw new Error('torn file');
      return sample(index);
    },
  };
  await t.throwsAsync(evaluate(finder().model, {data: unreadable}), {message: 'torn file'});
});

test('an unknown option is refused with the likely one', async (t) => {
  const options = {data, onDetection: () => {}};
  await t.throwsAsync(evaluate(finder().model, options), {code: 'INVALID_OPTION', message: /onDetection/});
});
