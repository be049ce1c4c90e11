import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {
  type Dataset,
  type Detections,
  describeEvaluation,
  encodeRle,
  evaluate,
  evaluateResults,
  type Instance,
  type MaskRcnn,
  type Sample,
} from '../../lib/index.js';

const [width, height] = [20, 10];

type Box = [number, number, number, number];

/** Fills a good half of its box. */
function triangle([left, top, right, bottom]: Box): NonNullable<Instance['mask']> {
  const [w, h] = [right - left, bottom - top];
  const data = Uint8Array.from({length: w * h}, (_, i) => Number(i % w <= Math.floor(i / w)));
  return {left, top, width: w, height: h, data};
}

const WHOLE: Box = [2, 1, 8, 7];
const OTHER: Box = [10, 2, 16, 8];

/** On image 0 the masks of both objects are known, on image 1 that of the first. */
const samples: Sample[] = [0, 1].map((index) => ({
  file: `${index}.png`,
  image: {data: new Uint8Array(width * height * 3).fill(index), width, height},
  instances: [
    {label: 1, box: WHOLE, mask: triangle(WHOLE)},
    index === 0 ? {label: 1, box: OTHER, mask: triangle(OTHER)} : {label: 1, box: OTHER},
  ],
}));
const data: Dataset = {length: 2, classes: ['a'], get: async (index) => samples[index]!};

async function rleOf(box: Box) {
  const {left, top, width: w, data: pixels} = triangle(box);
  const whole = new Uint8Array(width * height);
  for (const [i, pixel] of pixels.entries()) whole[(top + Math.floor(i / w)) * width + left + (i % w)] = pixel;
  return encodeRle(whole, width, height);
}

/** A network that finds `boxes` on each image. */
function finder(boxes: readonly Box[], masks: 'instance' | 'none'): MaskRcnn {
  const predict = async (): Promise<Detections[]> => [
    {
      ...{width, height, boxes: Float32Array.from(boxes.flat()), labels: new Int32Array(boxes.length).fill(1)},
      classNames: boxes.map(() => 'a'),
      scores: Float32Array.from(boxes, (_, i) => 0.9 - i / 10),
      masks: masks === 'none' ? [] : await Promise.all(boxes.map(rleOf)),
    },
  ];
  return {predict, classes: ['a'], options: {masks}} as unknown as MaskRcnn;
}

test('masks are scored on the images where all are known, boxes on all', async (t) => {
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const {bbox, segm, pixel, objects, details} = await evaluate(finder([WHOLE, OTHER], 'instance'), {data, onNotice});
  t.is(bbox.ap, 1);
  t.is(segm!.ap, 1);
  // Image 0 compares masks, image 1 boxes, on both sides: all are right.
  t.is(pixel.mean.iou, 1);
  t.like(objects, {truth: 4, predicted: 4, truePositives: 4});
  t.deepEqual(details.confusion.counts, [
    [2, 0],
    [0, 0],
  ]);
  t.deepEqual(notices, [
    '1 of 2 images is not in the COCO scores of masks, as only the box of some object is known there. The other scores ' +
      'compare boxes on them.',
  ]);
  // Only the box of the second object is found on neither image.
  const half = await evaluate(finder([WHOLE], 'instance'), {data});
  t.is(half.segm!.ar100, 0.5);
  t.is(half.bbox.ar100, 0.5);
  const pixels = details.images.map((image) => image.pixel.iou);
  t.deepEqual(pixels, [1, 1]);
});

test('a network without masks is scored by boxes', async (t) => {
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const evaluation = await evaluate(finder([WHOLE], 'none'), {data, onNotice});
  t.deepEqual(notices, ['Boxes are scored, not masks: a pixel belongs to an object if it is in its box.']);
  const {bbox, segm, pixel, objects, nuclei, details} = evaluation;
  t.is(segm, null);
  t.is(details.curves.segm, null);
  t.is(bbox.ar100, 0.5);
  t.is(pixel.mean.iou, 0.5); // 36 of 72 pixels
  t.like(objects, {truth: 4, predicted: 2, truePositives: 2});
  t.is(nuclei.mean.dq, 2 / 3);
  t.deepEqual(details.confusion.counts, [
    [2, 2],
    [0, 0],
  ]);
  const text = describeEvaluation(evaluation);
  t.regex(text, /^boxes /m);
  t.notRegex(text, /^masks /m);
});

test('results without masks are written and read back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-boxes-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const results = join(folder, 'results.json');
  const {bbox} = await evaluate(finder([WHOLE], 'none'), {data, results});
  t.deepEqual(JSON.parse(await readFile(results, 'utf8'))[0], {
    ...{image_id: 1, category_id: 1, bbox: [2, 1, 6, 6], score: Math.fround(0.9)},
  });
  const read = await evaluateResults({data, results});
  t.deepEqual(read.bbox.scores, bbox);
  t.is(read.segm, null);
});
