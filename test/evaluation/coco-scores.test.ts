import test, {type ExecutionContext} from 'ava';
import {loadBinding} from '../../lib/addon/binding.js';
import {type CocoSummary, scoreCoco} from '../../lib/evaluation/coco-scores.js';
import {DetectedObjects, TrueObjects} from '../../lib/evaluation/object-table.js';
import {readJson} from '../read-json.js';

type Box = [number, number, number, number];
type Mask = {size: [number, number]; counts: string};
type Expected = {stats: number[]; recall: number[]; precision: [number, number]; scores: [number, number]};
type Case = {
  name: string;
  width: number;
  height: number;
  images: number;
  classes: number;
  limits: [number, number, number];
  truth: {image_id: number; category_id: number; bbox: Box; segmentation: Mask; area: number; iscrowd: number}[];
  results: {image_id: number; category_id: number; bbox: Box; segmentation: Mask; score: number}[];
  bbox: Expected;
  segm: Expected;
};

const {evaluation} = await loadBinding();

function nativeData({width, height, images, classes, ...given}: Case, shape: 'box' | 'mask') {
  const [truth, detected] = [new TrueObjects(), new DetectedObjects()];
  for (const {image_id: id, category_id: label, bbox: box, segmentation: mask, area, iscrowd} of given.truth) {
    truth.add(id - 1, [{label, box, area, crowd: iscrowd === 1, mask}]);
  }
  for (const {image_id: id, category_id: label, bbox: box, segmentation, score} of given.results) {
    detected.add(id - 1, {label, box, score, counts: segmentation.counts});
  }
  const sizes = Int32Array.from({length: 2 * images}, (_, i) => (i % 2 === 0 ? width : height));
  return {classes, sizes, truth: truth.toNative(), detected: detected.toNative(), shape};
}

const EXACT = 1e-12;

function near(t: ExecutionContext, actual: number, expected: number, what: string, scale = 1): void {
  t.true(Math.abs(actual - expected) <= EXACT * scale, `${what}: ${actual}, not ${expected}`);
}

/**
 * Summarizes long arrays in the same way as the script that made the fixture, together with the magnitude of the summed
 * values.
 */
function digest(values: Float64Array): {sum: number; scale: number}[] {
  return [() => 1, (i: number) => (i % 1009) + 1].map((weight) => ({
    sum: values.reduce((sum, value, i) => sum + value * weight(i), 0),
    scale: values.reduce((sum, value, i) => sum + Math.abs(value) * weight(i), 1),
  }));
}

const NAMES: readonly (keyof CocoSummary)[] = [
  ...(['ap', 'ap50', 'ap75', 'apSmall', 'apMedium', 'apLarge'] as const),
  ...(['ar1', 'ar10', 'ar100', 'arSmall', 'arMedium', 'arLarge'] as const),
];

for (const given of readJson<Case[]>('evaluation/coco.json')) {
  for (const [type, shape] of [
    ['bbox', 'box'],
    ['segm', 'mask'],
  ] as const) {
    test(`${given.name}, ${type}: pycocotools' numbers`, async (t) => {
      const data = nativeData(given, shape);
      const expected = given[type];
      const classes = Array.from({length: given.classes}, (_, i) => `class ${i + 1}`);
      const {scores} = await scoreCoco(data, {classes, limits: given.limits});
      for (const [i, name] of NAMES.entries()) {
        // pycocotools always computes mean precision with 100 detections. Without such a limit it gives -1.
        if (i === 0 && given.limits[2] !== 100) continue;
        if (expected.stats[i] === -1) {
          t.is(scores[name], null, name);
          t.regex(scores.reasons[name]!, /^No object/);
        } else {
          near(t, scores[name]!, expected.stats[i]!, name);
          t.is(scores.reasons[name], undefined);
        }
      }
      const curves = await evaluation.coco(data, {
        iouThresholds: Array.from({length: 10}, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9))),
        recallPoints: Array.from({length: 101}, (_, i) => i * (1 / 100)),
        areaRanges: [0, 1e10, 0, 1024, 1024, 9216, 9216, 1e10],
        limits: given.limits,
      });
      t.is(curves.recall.length, expected.recall.length);
      for (const [i, recall] of curves.recall.entries()) near(t, recall, expected.recall[i]!, `recall ${i}`);
      for (const name of ['precision', 'scores'] as const) {
        for (const [i, {sum, scale}] of digest(curves[name]).entries()) near(t, sum, expected[name][i]!, name, scale);
      }
    });
  }
}
