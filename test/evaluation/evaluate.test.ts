import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {
  type Dataset,
  type Detections,
  evaluate,
  evaluateResults,
  type MaskRcnn,
  type MaskRcnnError,
  type PredictOptions,
  type Sample,
} from '../../lib/index.js';

const [width, height] = [4, 3];

/** An image whose only object is its left half. Its first byte is its index. */
function sample(index: number): Sample {
  const data = new Uint8Array(width * height * 3);
  data[0] = index;
  const mask = {left: 0, top: 0, width: 2, height, data: new Uint8Array(2 * height).fill(1)};
  return {file: `${index}.png`, image: {data, width, height}, instances: [{label: 1, box: [0, 0, 2, height], mask}]};
}

const data: Dataset = {length: 3, classes: ['blob'], get: async (index) => sample(index)};

// Column-major run-length encodings: the left half, the leftmost column, nothing.
const LEFT_HALF = '066';
const LEFTMOST = '039';
const COUNTS = [[LEFT_HALF], [LEFTMOST], []];

function detections(counts: readonly string[]): Detections {
  return {
    width,
    height,
    boxes: Float32Array.from(counts.flatMap((given) => [0, 0, given === LEFT_HALF ? 2 : 1, height])),
    labels: new Int32Array(counts.length).fill(1),
    classNames: counts.map(() => 'blob'),
    scores: new Float32Array(counts.length).fill(0.9),
    masks: counts.map((given) => ({size: [height, width], counts: given})),
  };
}

/** A model that detects in each image the masks of `COUNTS`, or those of `find`. */
function finder(find = (index: number): readonly string[] => COUNTS[index]!) {
  const calls: {index: number; options: PredictOptions | undefined}[] = [];
  const predict = async ({data: [index]}: Sample['image'], options?: PredictOptions) => {
    calls.push({index: index!, options});
    return [detections(find(index!))];
  };
  return {model: {predict, classes: ['blob'], options: {masks: 'instance'}} as unknown as MaskRcnn, calls};
}

const near = (a: number | null, b: number) => a !== null && Math.abs(a - b) < 1e-12;

test('pixels and objects of three images: one found, one by half, one not at all', async (t) => {
  const {pixel, objects} = await evaluate(finder().model, {data});
  t.true(near(pixel.mean.iou, (1 + 1 / 2 + 0) / 3));
  t.true(near(pixel.pooled.iou, 9 / 18));
  t.like(objects, {images: 3, truth: 3, predicted: 2});
  t.true(near(objects.mean.f1, 2 / 3) && near(objects.pooled.f1, (2 * 2) / (3 + 2)));
  const half = (2 * 3) / (6 + 3);
  t.true(near(objects.mean.dice, (1 + half + 0) / 3));
  t.true(near(objects.pooled.dice, ((6 + 6 * half) / 18 + (6 + 3 * half) / 9) / 2));
  // The second column is 1 pixel away from the first. If nothing is detected, the diagonal of 4 × 3 counts, which is 5.
  t.true(near(objects.mean.hausdorff, (0 + 1 + 5) / 3));
  t.true(near(objects.pooled.hausdorff, ((6 * 1 + 6 * 5) / 18 + (3 * 1) / 9) / 2));
});

test('each image is told with what was found on it, in order, while the next one is being computed', async (t) => {
  const {model, calls} = finder();
  const told: unknown[] = [];
  await evaluate(model, {
    data,
    scoreThreshold: 0.25,
    views: 4,
    onDetections: ({file}, {masks}) => told.push([file, masks.map(({counts}) => counts)]),
    onImage: (done) => told.push(done),
  });
  t.deepEqual(told, [['0.png', [LEFT_HALF]], 1, ['1.png', [LEFTMOST]], 2, ['2.png', []], 3]);
  t.deepEqual(
    calls,
    [0, 1, 2].map((index) => ({index, options: {views: 4}})),
  );

  // The second image is requested before the first one is reported. No third image is requested after the end.
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
  const message = 'Sample 2 of the data set: get(2) threw Error: torn file.';
  await t.throwsAsync(evaluate(finder().model, {data: unreadable}), {code: 'INVALID_DATASET', message});
});

test('a data set that stops at the same signal does not hide the reason', async (t) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const stopping: Dataset = {
    ...data,
    get: async (index) => {
      if (index < 2) return sample(index);
      await new Promise((resolve) => controller.signal.addEventListener('abort', resolve));
      throw new Error('stopped');
    },
  };
  const onImage = (count: number) => count === 2 && controller.abort(reason);
  t.is(await t.throwsAsync(evaluate(finder().model, {data: stopping, onImage, signal: controller.signal})), reason);
});

test("COCO's scores take every detection, the others only likely ones", async (t) => {
  // All first detections are correct with score 0.9. The second ones are wrong with score 0.1.
  const {model} = finder(() => [LEFT_HALF, LEFTMOST]);
  const predict = model.predict as unknown as (image: unknown) => Promise<Detections[]>;
  const doubtful = async (image: unknown) => {
    const [found] = await predict(image);
    return [{...found!, scores: Float32Array.of(0.9, 0.1)}];
  };
  const {bbox, segm, pixel, details} = await evaluate(
    {predict: doubtful, classes: ['blob'], options: {masks: 'instance'}} as unknown as MaskRcnn,
    {
      data,
    },
  );
  t.is(pixel.mean.iou, 1);
  t.is(details.confusion.counts.join('|'), '3,0|0,0');
  // All objects are found first, so precision is 1 up to the last recall.
  for (const scores of [bbox, segm]) t.like(scores, {ap: 1, apSmall: 1, apLarge: null, ar1: 1});
  t.is(segm!.reasons.apLarge, 'No object larger than 96² pixels is in the data set.');
  t.is(details.curves.segm!.classes[0]!.precision![0]!.length, 101);
  t.deepEqual(
    details.images.map(({file, pixel: {iou}, objects}) => [file, iou, objects.f1]),
    [0, 1, 2].map((index) => [`${index}.png`, 1, 1]),
  );
  // Half of the object has an IoU of 0.5, which counts at the first of ten thresholds.
  const half = await evaluate(finder(() => [LEFTMOST]).model, {data});
  t.true(near(half.segm!.ap!, 0.1) && near(half.bbox.ap!, 0.1) && half.segm!.ap50 === 1);
});

test('counts of objects are of all detections above the threshold, object scores of those that stay', async (t) => {
  // The leftmost column lies in the left half, so the object scores drop it. A lab that counts predictions counts it.
  const {model} = finder((index) => [[LEFT_HALF, LEFTMOST], [LEFT_HALF], []][index]!);
  const {counts, objects, details} = await evaluate(model, {data, scoreThreshold: 0.25});
  t.like(objects, {truth: 3, predicted: 2, truePositives: 2, dropped: 1});
  const errors = {truth: 3, predicted: 3, meanError: (1 + 0 - 1) / 3, meanAbsoluteError: 2 / 3};
  t.deepEqual(counts, {images: 3, ...errors, classes: [{name: 'blob', ...errors}]});
  t.is(details.scoreThreshold, 0.25);
  t.deepEqual(
    details.images.map((image) => image.counts),
    [2, 1, 0].map((predicted) => [{name: 'blob', truth: 1, predicted, error: predicted - 1}]),
  );
  t.like(details.images[0]!.objects, {truth: 1, predicted: 1, truePositives: 1, dropped: 1, precision: 1});

  // A class that is neither on an image nor detected on it is not in the image's list. None is above the threshold.
  const two = {...data, classes: ['blob', 'dot']};
  const none = await evaluate(model, {data: two, scoreThreshold: 0.95});
  t.deepEqual(none.details.images[0]!.counts, [{name: 'blob', truth: 1, predicted: 0, error: -1}]);
  t.deepEqual(
    none.counts.classes.map(({name, meanError}) => [name, meanError]),
    [
      ['blob', -1],
      ['dot', 0],
    ],
  );
});

test('a results file is what evaluateResults() reads', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-results-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const results = join(folder, 'results.json');
  const named: Dataset = {...data, imageId: (index) => 30 - index, categoryIds: [18]};
  const {bbox, segm} = await evaluate(finder().model, {data: named, results});
  const entries = JSON.parse(await readFile(results, 'utf8')) as unknown[];
  t.deepEqual(entries, [
    {
      image_id: 30,
      category_id: 18,
      bbox: [0, 0, 2, 3],
      segmentation: {size: [3, 4], counts: '066'},
      score: Math.fround(0.9),
    },
    {
      image_id: 29,
      category_id: 18,
      bbox: [0, 0, 1, 3],
      segmentation: {size: [3, 4], counts: '039'},
      score: Math.fround(0.9),
    },
  ]);
  const again = await evaluateResults({data: named, results});
  t.deepEqual([again.bbox.scores, again.segm!.scores], [bbox, segm]);

  const refused = async (entry: unknown, message: RegExp) => {
    await writeFile(results, JSON.stringify([entries[0], entry]));
    const error = await t.throwsAsync(evaluateResults({data: named, results}), {code: 'INVALID_RESULTS', message});
    t.is((error as MaskRcnnError).file, results);
  };
  const good = entries[0] as object;
  await refused(
    {...good, image_id: 1},
    /Detection 1 \(at byte \d+\) of .* must have an image_id of the data set, got 1\./,
  );
  await refused({...good, category_id: 1}, /a category_id of the data set, got 1/);
  await refused({...good, score: null}, /a finite score, got null/);
  await refused({...good, bbox: [1]}, /a bbox of four finite numbers/);
  await refused({...good, segmentation: {size: [3, 4], counts: '1'}}, /add up to 12 pixels, got 1/);
  await refused({image_id: 30, category_id: 18, score: 1}, /a bbox or a segmentation, got neither/);
  // An empty box beside a mask stands for none: the box is that of the mask.
  await writeFile(results, JSON.stringify(entries.map((entry) => ({...(entry as object), bbox: []}))));
  const boxless = await evaluateResults({data: named, results});
  t.deepEqual([boxless.bbox.scores, boxless.segm!.scores], [bbox, segm]);
  await refused({image_id: 30, category_id: 18, score: 1, bbox: []}, /a bbox of four finite numbers/);
  await writeFile(results, '{}');
  await t.throwsAsync(evaluateResults({data: named, results}), {
    code: 'INVALID_RESULTS',
    message: /must be a list of detections/,
  });
  await writeFile(results, '[{]');
  await t.throwsAsync(evaluateResults({data: named, results}), {code: 'INVALID_RESULTS', message: /at byte 2/});

  await writeFile(results, JSON.stringify([{image_id: 30, category_id: 18, bbox: [0, 0, 2, 3], score: 0.5}]));
  const boxesOnly = await evaluateResults({data: named, results});
  t.is(boxesOnly.segm, null);
  t.true(boxesOnly.bbox.scores.ap! > 0.3);
});

test('an unknown option is refused with the likely one', async (t) => {
  const options = {data, onDetection: () => {}};
  await t.throwsAsync(evaluate(finder().model, options), {code: 'INVALID_OPTION', message: /onDetection/});
});
