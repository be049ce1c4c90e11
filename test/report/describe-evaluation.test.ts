import test from 'ava';
import type {CocoScores} from '../../lib/evaluation/coco-scores.js';
import {describeClasses, describeEvaluation, type Evaluation} from '../../lib/index.js';

const coco: CocoScores = {
  ...{ap: 0.5, ap50: 0.75, ap75: 0.25, apSmall: null, apMedium: 0.125, apLarge: 1},
  ...{ar1: 0.1, ar10: 0.2, ar100: 0.3, arSmall: null, arMedium: 0.4, arLarge: 0.6},
  reasons: {apSmall: 'No small one.', arSmall: 'No small one.'},
  classes: [],
};
const nothing = Object.fromEntries(Object.keys(coco).map((name) => [name, null])) as unknown as CocoScores;

test('tables of what there is; a dash for what has no value, with the reason once', (t) => {
  t.is(
    describeEvaluation({segm: coco}),
    `COCO, precision                  AP       AP50       AP75      small     medium      large
masks                         0.500      0.750      0.250          -      0.125      1.000

COCO, recall                    AR1       AR10      AR100      small     medium      large
masks                         0.100      0.200      0.300          -      0.400      0.600

No small one.`,
  );
});

test('pixels, objects and nuclei, both ways', (t) => {
  const pixel = {iou: 0.1, f1: 0.2, precision: 0.3, recall: 0.4};
  const object = {f1: 0.5, precision: 0.6, recall: 0.7, dice: 0.8, hausdorff: 12.34};
  const nuclei = {aji: 0.9, pq: 0.11, sq: 0.12, dq: 0.13};
  const given: Partial<Evaluation> = {
    pixel: {images: 1, emptyImages: 0, mean: pixel, pooled: {...pixel, iou: 1}},
    objects: {
      images: 3,
      truth: 3,
      predicted: 4,
      emptyImages: 2,
      falseAlarmsPerEmptyImage: 0.5,
      mean: object,
      pooled: {...object, f1: 1},
    },
    nuclei: {images: 1, mean: nuclei, pooled: {...nuclei, aji: 1}},
  };
  t.is(
    describeEvaluation(given),
    `pixels                          IoU         F1  precision     recall
mean over images              0.100      0.200      0.300      0.400
all images together           1.000      0.200      0.300      0.400

objects (3 true)                 F1  precision     recall       Dice  Hausdorff
mean over images              0.500      0.600      0.700      0.800       12.3
all images together           1.000      0.600      0.700      0.800       12.3
2 images without objects, 0.50 false alarms each

objects as nuclei               AJI         PQ         SQ         DQ
mean over images              0.900      0.110      0.120      0.130
all images together           1.000      0.110      0.120      0.130`,
  );
});

test('classes, best first, those without objects last', (t) => {
  const classes = [
    {...nothing, name: 'cat'},
    {...coco, name: 'dog', ap: 0.25},
    {...coco, name: 'bird'},
  ];
  t.deepEqual(
    describeClasses({...coco, classes})
      .split('\n')
      .map((line) => line.split(/\s+/).slice(0, 2)),
    [
      ['class', 'AP'],
      ['bird', '0.500'],
      ['dog', '0.250'],
      ['cat', '-'],
    ],
  );
});
