import test from 'ava';
import {loadBinding} from '../../lib/addon/binding.js';
import {Random} from '../../lib/basics/random.js';
import {percentileInterval, resample} from '../../lib/evaluation/bootstrap.js';
import {
  compareEvaluations,
  type Dataset,
  type Detections,
  evaluate,
  type Instance,
  type MaskRcnn,
  type NamedEvaluation,
  type Sample,
} from '../../lib/index.js';

const {rle} = await loadBinding();

test('percentiles as NumPy has them', (t) => {
  // numpy.quantile([1, 2, 3, 4, 5], [0.025, 0.975])
  const {low, high} = percentileInterval([5, 3, 1, 4, 2])!;
  t.true(Math.abs(low - 1.1) < 1e-12 && Math.abs(high - 4.9) < 1e-12);
  t.deepEqual(percentileInterval([2, 2, 2]), {low: 2, high: 2});
  t.is(percentileInterval([2]), null);
});

test('a resample has as many images as there are, each drawn with the same chance', (t) => {
  const total = new Array<number>(5).fill(0);
  for (let number = 0; number < 4000; number++) {
    const times = resample(5, 3, number);
    t.is(
      times.reduce((sum, each) => sum + each),
      5,
    );
    for (const [i, each] of times.entries()) total[i]! += each;
  }
  // A binomial count of 20,000 draws with chance 1/5, within four standard deviations.
  for (const sum of total) t.true(Math.abs(sum - 4000) < 4 * Math.sqrt(20_000 * 0.16), `${total}`);
  t.deepEqual(resample(5, 3, 1), resample(5, 3, 1));
});

const side = 40;

const bitmap = (width: number, height: number) => ({
  ...{left: 0, top: 0, width, height},
  data: new Uint8Array(width * height).fill(1),
});

/** Squares of 10 × 10 pixels, one on each image, of two classes in turn. */
const squares = (length: number): Dataset => ({
  length,
  classes: ['even', 'odd'],
  get: async (index): Promise<Sample> => {
    const instance: Instance = {label: 1 + (index % 2), box: [0, 0, 10, 10], mask: bitmap(10, 10)};
    const data = new Uint8Array(side * side * 3);
    data[0] = index & 255;
    data[1] = index >> 8;
    return {file: `${index}.png`, image: {data, width: side, height: side}, instances: [instance]};
  },
});

/** Finds the square of image i in its class, with only so many of its ten rows. 0: finds nothing. */
function finder(rows: (index: number) => number, masks: 'instance' | 'none' = 'instance'): MaskRcnn {
  const predict = async ({data}: Sample['image']): Promise<Detections[]> => {
    const index = data[0]! + 256 * data[1]!;
    const height = rows(index);
    const found = height > 0 ? 1 : 0;
    return [
      {
        ...{width: side, height: side, boxes: Float32Array.of(0, 0, 10, height).subarray(0, 4 * found)},
        labels: Int32Array.of(1 + (index % 2)).subarray(0, found),
        classNames: [['even', 'odd'][index % 2]!].slice(0, found),
        scores: Float32Array.of(0.9 - index / 10_000).subarray(0, found),
        masks: [
          {size: [side, side] as [number, number], counts: rle.encodeCrop(bitmap(10, Math.max(1, height)), side, side)},
        ].slice(0, found),
      },
    ];
  };
  return {predict, classes: ['even', 'odd'], options: {masks}} as unknown as MaskRcnn;
}

async function named(name: string, length: number, rows: (index: number) => number): Promise<NamedEvaluation> {
  return {name, evaluation: await evaluate(finder(rows), {data: squares(length)})};
}

const scoreOf = ({scores}: Awaited<ReturnType<typeof compareEvaluations>>, path: string) =>
  scores.find((score) => score.path.join('.') === path)!;

test('differences by hand: B finds all squares whole, A finds the even ones half', async (t) => {
  const a = await named('A', 4, (index) => (index % 2 === 0 ? 5 : 10));
  const b = await named('B', 4, () => 10);
  const found = await compareEvaluations([a, b], {resamples: 200, seed: 1});
  t.like(found, {names: ['A', 'B'], images: 4, scoreThreshold: 0.5, resamples: 200, seed: 1, confidence: 0.95});
  // IoU 0.5 on two of four images.
  t.deepEqual(scoreOf(found, 'pixel.mean.iou').values, [0.75, 1]);
  t.deepEqual(scoreOf(found, 'pixel.mean.iou').differences, [0, 0.25]);
  // Even: AP is 1 at IoU 0.5 and 0 at the nine others.
  t.deepEqual(scoreOf(found, 'segm.ap50').differences, [0, 0]);
  const near = (x: number | null, y: number) => t.true(Math.abs(x! - y) < 1e-12, `${x}, not ${y}`);
  near(scoreOf(found, 'segm.ap').differences[1]!, 0.45);
  t.deepEqual(
    found.classes.map(({name}) => name),
    ['even', 'odd'],
  );
  near(found.classes[0]!.differences[1]!, 0.9);
  t.deepEqual(found.classes[1]!.differences, [0, 0]);
  // Every draw that has an even image has 0.9 more on it.
  near(found.classes[0]!.intervals![1]!.low, 0.9);
  near(found.classes[0]!.intervals![1]!.high, 0.9);
  t.deepEqual(found.classes[1]!.intervals, [null, {low: 0, high: 0}]);
  // A draw of four has 0 to 4 even images; a mean of differences of 0 or 0.5 lies in 0..0.5.
  const {low, high} = scoreOf(found, 'pixel.mean.iou').intervals![1]!;
  t.true(low >= 0 && low < 0.25 && high > 0.25 && high <= 0.5);
  t.deepEqual(
    found.perImage.map(({file, iou}) => [file, ...iou.differences]),
    [
      ['0.png', 0, 0.5],
      ['1.png', 0, 0],
      ['2.png', 0, 0.5],
      ['3.png', 0, 0],
    ],
  );
  t.is(scoreOf(found, 'segm.apSmall').intervals, undefined);
  t.deepEqual(scoreOf(found, 'segm.apLarge').differences, [null, null]);
  t.is(scoreOf(found, 'objects.truth'), undefined as never, 'what is the same for all is no score');
});

test('the interval of a mean is that of the normal distribution for many images', async (t) => {
  const random = new Random(8);
  const rows = Array.from({length: 400}, () => 1 + random.integer(10));
  const a = await named('A', 400, () => 10);
  const b = await named('B', 400, (index) => rows[index]!);
  const {scores} = await compareEvaluations([a, b], {resamples: 2000});
  const {differences, intervals} = scores.find(({path}) => path.join('.') === 'pixel.mean.iou')!;
  const values = rows.map((each) => each / 10 - 1);
  const mean = values.reduce((sum, value) => sum + value) / 400;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 400);
  t.true(Math.abs(differences[1]! - mean) < 1e-12);
  const half = (1.96 * deviation) / Math.sqrt(400);
  const {low, high} = intervals![1]!;
  t.true(Math.abs(low - (mean - half)) < 0.1 * half, `${low}, not ${mean - half}`);
  t.true(Math.abs(high - (mean + half)) < 0.1 * half, `${high}, not ${mean + half}`);
});

test('paired: equal evaluations differ by exactly 0 in every draw; the seed decides', async (t) => {
  const rows = (index: number) => 1 + (index % 10);
  const [a, same, other] = [await named('A', 30, rows), await named('B', 30, rows), await named('C', 30, () => 7)];
  const found = await compareEvaluations([a, same, other], {resamples: 100, seed: 2});
  for (const {path, differences, intervals} of found.scores) {
    if (differences[1] !== null) t.is(differences[1], 0, path.join('.'));
    if (intervals !== undefined) t.deepEqual(intervals[1], {low: 0, high: 0}, path.join('.'));
  }
  t.not(scoreOf(found, 'segm.ap').differences[2], 0);
  t.deepEqual(await compareEvaluations([a, same, other], {resamples: 100, seed: 2}), found);
  const again = await compareEvaluations([a, same, other], {resamples: 100, seed: 3});
  t.notDeepEqual(scoreOf(again, 'segm.ap').intervals, scoreOf(found, 'segm.ap').intervals);
  const none = await compareEvaluations([a, other], {resamples: 0});
  t.deepEqual(scoreOf(none, 'segm.ap').intervals, [null, null]);
});

test('beside a network without masks, boxes are compared', async (t) => {
  const boxes = {
    name: 'B',
    evaluation: await evaluate(
      finder(() => 5, 'none'),
      {data: squares(4)},
    ),
  };
  const found = await compareEvaluations([await named('A', 4, () => 10), boxes], {resamples: 20});
  t.false(found.scores.some(({path}) => path[0] === 'segm'));
  // A box of half the height has an IoU of 0.5, which counts at the first of ten thresholds.
  t.deepEqual(
    found.classes.map(({name, values}) => [name, values.map((value) => Math.round(value! * 1000) / 1000)]),
    [
      ['even', [1, 0.1]],
      ['odd', [1, 0.1]],
    ],
  );
  t.deepEqual(scoreOf(found, 'bbox.ap').values, found.classes[0]!.values);
  t.not(found.classes[0]!.intervals![1], null);
});

test('what cannot be compared is refused', async (t) => {
  const [a, b] = [await named('A', 4, () => 10), await named('B', 4, () => 0)];
  const refused = async (evaluations: readonly NamedEvaluation[], message: RegExp, options = {}) => {
    await t.throwsAsync(compareEvaluations(evaluations, options), {code: 'INVALID_OPTION', message});
  };
  await refused([a], /at least 2 evaluations, got 1/);
  await refused('AB' as never, /takes a list of evaluations, got 'AB'/);
  await refused([a, {...b, name: 'A'}], /two evaluations named 'A'/);
  await refused([a, {...b, name: ''}], /needs a name/);
  await refused([a, {name: 'B', evaluation: {} as never}], /what evaluate\(\) resolves to/);
  await refused([a, await named('B', 3, () => 10)], /same data set: 'A' has 4 images, 'B' 3/);
  const renamed = structuredClone(b);
  renamed.evaluation.details.images[2]!.file = 'x.png';
  await refused([a, renamed], /'A' has 2\.png, where 'B' has x\.png/);
  const threshold = structuredClone(b);
  threshold.evaluation.details.scoreThreshold = 0.3;
  await refused([a, threshold], /one score threshold, got 0\.5 of 'A' and 0\.3 of 'B'/);
  await refused([a, b], /resamples/, {resamples: -1});
  const controller = new AbortController();
  const reason = new Error('enough');
  const onResample = () => controller.abort(reason);
  t.is(await t.throwsAsync(compareEvaluations([a, b], {signal: controller.signal, onResample})), reason);
});

test('a model that finds nothing: scores without a value have no difference', async (t) => {
  const found = await compareEvaluations([await named('A', 3, () => 10), await named('B', 3, () => 0)], {
    resamples: 50,
  });
  t.deepEqual(scoreOf(found, 'pixel.mean.precision').differences, [0, null]);
  t.deepEqual(scoreOf(found, 'objects.mean.f1').intervals, [null, {low: -1, high: -1}]);
  t.deepEqual(found.perImage[0]!.countError.differences, [0, -1]);
});
