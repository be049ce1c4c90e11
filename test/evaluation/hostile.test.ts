import test from 'ava';
import type {NativeEvaluationData} from '../../binding.js';
import {loadBinding} from '../../lib/addon/binding.js';

const {evaluation} = await loadBinding();

const object = () => ({
  images: Int32Array.of(0),
  classes: Int32Array.of(0),
  boxes: Float64Array.of(0, 0, 1, 1),
  masks: Buffer.from('9'),
  ends: Float64Array.of(1),
});

function data(change: (given: NativeEvaluationData) => void = () => {}, shape: 'box' | 'mask' = 'box') {
  const given: NativeEvaluationData = {
    classes: 1,
    sizes: Int32Array.of(3, 3),
    truth: {...object(), areas: Float64Array.of(1), crowd: Uint8Array.of(0)},
    detected: {...object(), scores: Float64Array.of(0.5)},
    shape,
  };
  change(given);
  return given;
}

const options = {iouThresholds: [0.5], recallPoints: [0, 1], areaRanges: [0, 1e10], limits: [1]};

test('one detection on one object is all there is', async (t) => {
  const {precision, scores, recall} = await evaluation.coco(data(), options);
  // One correct of one, with pycocotools' epsilon in the denominator.
  const one = 1 / (1 + Number.EPSILON);
  t.deepEqual([[...precision], [...scores], [...recall]], [[one, one], [0.5, 0.5], [1]]);
});

test('the matches as bits, one for each threshold, and the objects to find', async (t) => {
  const change = (given: NativeEvaluationData) => {
    given.detected.boxes.set([0, 0, 1, 0.6]); // an IoU of 0.6
  };
  const {matches} = await evaluation.coco(data(change), {...options, iouThresholds: [0.9, 0.6, 0.5, 0.7]});
  t.deepEqual(Object.fromEntries(Object.entries(matches).map(([name, values]) => [name, [...values]])), {
    ...{images: [0], classes: [0], scores: [0.5], matched: [0b0110], ignored: [0]},
    ...{wantedImages: [0], wantedClasses: [0], wanted: [1]},
  });
  const crowd = await evaluation.coco(
    data((given) => given.truth.crowd.set([1])),
    options,
  );
  t.deepEqual([[...crowd.matches.matched], [...crowd.matches.ignored], [...crowd.matches.wanted]], [[1], [1], []]);
});

test('refused: more thresholds than bits, and no range of areas', (t) => {
  const many = {...options, iouThresholds: new Array<number>(33).fill(0.5)};
  t.throws(() => evaluation.coco(data(), many), {instanceOf: RangeError, message: /at most 32/});
  t.throws(() => evaluation.coco(data(), {...options, areaRanges: []}), {instanceOf: RangeError, message: /a range/});
});

for (const [what, change, message] of [
  ['an image that is none', (g) => (g.truth.images[0] = 1), /truth\.images\[0\] must be in 0\.\.0, got 1/],
  ['a class that is none', (g) => (g.detected.classes[0] = -1), /detected\.classes\[0\] must be in 0\.\.0, got -1/],
  ['too few classes', (g) => (g.truth.classes = new Int32Array(0)), /length of truth\.classes must be 1, got 0/],
  ['too few boxes', (g) => (g.truth.boxes = new Float64Array(3)), /length of truth\.boxes must be 4, got 3/],
  ['a box of infinity', (g) => (g.truth.boxes[2] = Infinity), /truth\.boxes\[2\] must be finite, got Infinity/],
  ['a score that is no number', (g) => (g.detected.scores[0] = NaN), /detected\.scores\[0\] must be finite, got NaN/],
  ['too many areas', (g) => (g.truth.areas = new Float64Array(2)), /length of truth\.areas must be 1, got 2/],
  ['no crowds', (g) => (g.truth.crowd = new Uint8Array(0)), /length of truth\.crowd must be 1, got 0/],
  ['an image of no height', (g) => (g.sizes[1] = 0), /sizes\[1\] must be above 0, got 0/],
  ['half a size', (g) => (g.sizes = Int32Array.of(3)), /length of sizes must be a multiple of 2, got 1/],
] as [string, (given: NativeEvaluationData) => void, RegExp][]) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => evaluation.coco(data(change), options), {instanceOf: RangeError, message});
    t.throws(() => evaluation.confusion(data(change), {iouThreshold: 0.5, scoreThreshold: 0}), {message});
  });
}

test('refused: masks that end beyond their text, or fall back', (t) => {
  for (const end of [2, -1, NaN]) {
    const change = (given: NativeEvaluationData) => {
      given.truth.ends[0] = end;
    };
    t.throws(() => evaluation.coco(data(change, 'mask'), options), {
      instanceOf: RangeError,
      message: /truth\.ends\[0\]/,
    });
  }
});

test('malformed run lengths reject, from whichever thread', async (t) => {
  for (const text of ['8', 'P', '!', '']) {
    const change = (given: NativeEvaluationData) => {
      Object.assign(given.detected, {masks: Buffer.from(text), ends: Float64Array.of(text.length)});
    };
    await t.throwsAsync(evaluation.coco(data(change, 'mask'), options), {message: /run lengths|Run lengths/});
    await t.throwsAsync(evaluation.confusion(data(change, 'mask'), {iouThreshold: 0.5, scoreThreshold: 0}), {
      message: /run lengths|Run lengths/,
    });
  }
});

test('refused: limits that fall, and a shape that is none', (t) => {
  t.throws(() => evaluation.coco(data(), {...options, limits: [2, 1]}), {instanceOf: RangeError, message: /ascending/});
  t.throws(() => evaluation.coco(data(), {...options, limits: []}), {instanceOf: RangeError, message: /ascending/});
  t.throws(() => evaluation.coco({...data(), shape: 'circle' as 'box'}, options), {
    instanceOf: TypeError,
    message: /'box' or 'mask', got 'circle'/,
  });
});
