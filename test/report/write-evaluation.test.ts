import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {loadBinding} from '../../lib/addon/binding.js';
import {
  type Dataset,
  type Detections,
  evaluate,
  type MaskRcnn,
  type PredictOptions,
  type Sample,
  writeEvaluation,
} from '../../lib/index.js';
import {side, squareSample} from './square.js';

const sample = (index: number) => squareSample(index, `image-${index}.png`);

const asked: number[] = [];
const data: Dataset = {
  length: 3,
  classes: ['square', 'circle'],
  get: async (index) => {
    asked.push(index);
    return sample(index);
  },
};

const {rle} = await loadBinding();
const counts = rle.encodeCrop(sample(0).instances[0]!.mask!, side, side);

const thresholds: (number | undefined)[] = [];

/** Detects the object of image 0, detects that of image 1 as the other class, and detects nothing in image 2. */
const predict = async ({data: [index]}: Sample['image'], options?: PredictOptions): Promise<Detections[]> => {
  thresholds.push(options?.scoreThreshold);
  const found = index! < 2 ? 1 : 0;
  return [
    {
      ...{width: side, height: side, boxes: Float32Array.of(0, 0, 10, 10).subarray(0, 4 * found)},
      labels: Int32Array.of(1 + index!).subarray(0, found),
      classNames: ['square', 'circle'].slice(index, index! + found),
      scores: Float32Array.of(0.9).subarray(0, found),
      masks: [{size: [side, side] as [number, number], counts}].slice(0, found),
    },
  ];
};

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-evaluation-'));
});
test.after.always(() => rm(folder, {recursive: true}));

test.serial('scores, curves, confusion and the worst images as files', async (t) => {
  const model = {predict, classes: data.classes, options: {masks: 'instance'}} as unknown as MaskRcnn;
  const evaluation = await evaluate(model, {data});
  t.deepEqual(evaluation.details.confusion.counts, [
    [1, 1, 1],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  const into = join(folder, 'a', 'b');
  asked.length = 0;
  await writeEvaluation(model, evaluation, {folder: into, data, worst: 2, gallery: 0});
  t.deepEqual(asked, [2, 0], 'the image without a detection is the worst; of equal ones the first comes first');

  const {images, segm, counts, scoreThreshold} = JSON.parse(await readFile(join(into, 'scores.json'), 'utf8'));
  t.is(segm.ap, evaluation.segm!.ap);
  t.is(scoreThreshold, 0.5);
  t.deepEqual(counts, evaluation.counts);
  t.like(counts, {images: 3, truth: 3, predicted: 2, meanError: -1 / 3, meanAbsoluteError: 1 / 3});
  t.deepEqual(images[1].counts, [
    {name: 'square', truth: 1, predicted: 0, error: -1},
    {name: 'circle', truth: 0, predicted: 1, error: 1},
  ]);
  t.deepEqual(
    images.map(({file}: {file: string}) => file),
    ['image-0.png', 'image-1.png', 'image-2.png'],
  );
  for (const name of ['precision-recall', 'confusion']) {
    t.regex(await readFile(join(into, `${name}.svg`), 'utf8'), /^<svg/);
    t.is((await sharp(join(into, `${name}.png`)).metadata()).format, 'png');
  }
  t.true((await sharp(join(into, 'worst.png')).metadata()).width > 2 * side);

  const blocked = join(folder, 'file');
  await writeFile(blocked, '');
  await t.throwsAsync(writeEvaluation(model, evaluation, {folder: blocked, data, worst: 0}), {
    code: 'WRITE_FAILED',
    message: /file/,
  });
});

test.serial('the worst images are drawn at the threshold of the scores', async (t) => {
  const model = {predict, classes: data.classes, options: {masks: 'instance'}} as unknown as MaskRcnn;
  const evaluation = await evaluate(model, {data, scoreThreshold: 0.25});
  thresholds.length = 0;
  await writeEvaluation(model, evaluation, {folder: join(folder, 'same'), data, worst: 1, gallery: 0});
  await writeEvaluation(model, evaluation, {
    folder: join(folder, 'other'),
    data,
    worst: 1,
    gallery: 0,
    scoreThreshold: 0.7,
  });
  t.deepEqual(thresholds, [0.25, 0.7]);
});
