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

const LEGEND = "COCO's scores are of all detections, whatever their score.";

/** The tables without the legend, and the legend. */
function parts(text: string): [tables: string, legend: string] {
  const at = text.search(/\n\n[^\n]*scores are of/);
  return [text.slice(0, at), text.slice(at + 2)];
}

test('tables of what there is; a dash for what has no value, with the reason once', (t) => {
  const [tables, legend] = parts(describeEvaluation({segm: coco}));
  t.is(
    tables,
    `COCO, precision                  AP       AP50       AP75      small     medium      large
masks                         0.500      0.750      0.250          -      0.125      1.000

COCO, recall                    AR1       AR10      AR100      small     medium      large
masks                         0.100      0.200      0.300          -      0.400      0.600

No small one.`,
  );
  t.true(legend.startsWith(`${LEGEND}\nCOCO, precision:\n  AP `));
  t.notRegex(legend, /foreground|Hausdorff|score threshold/, 'only what is shown');
});

test('pixels, objects, nuclei and counts, with the numbers that the scores are made of', (t) => {
  const pixel = {iou: 0.1, f1: 0.2, precision: 0.3, recall: 0.4};
  const object = {f1: 0.5, precision: 0.6, recall: 0.7, dice: 0.8, hausdorff: 12.34};
  const nuclei = {aji: 0.9, pq: 0.11, sq: 0.12, dq: 0.13};
  const errors = {truth: 8, predicted: 9, meanError: 0.25, meanAbsoluteError: 0.75};
  const given: Partial<Evaluation> = {
    pixel: {images: 1, emptyImages: 0, mean: pixel, pooled: {...pixel, iou: 1}},
    objects: {
      images: 3,
      ...{truth: 3, predicted: 4, truePositives: 2, dropped: 5},
      emptyImages: 2,
      falseAlarmsPerEmptyImage: 0.5,
      mean: object,
      pooled: {...object, f1: 1},
    },
    nuclei: {images: 1, mean: nuclei, pooled: {...nuclei, aji: 1}},
    counts: {
      images: 4,
      ...errors,
      classes: [
        {name: 'cat', ...errors, meanError: -0.001},
        {name: 'dog', truth: 1, predicted: 0, meanError: -0.25, meanAbsoluteError: 0.25},
        {name: 'bird', truth: 0, predicted: 0, meanError: 0, meanAbsoluteError: 0},
      ],
    },
  };
  const [tables, legend] = parts(describeEvaluation({...given, details: {scoreThreshold: 0.3}}));
  t.is(
    tables,
    `pixels                          IoU         F1  precision     recall
mean over images              0.100      0.200      0.300      0.400
all images together           1.000      0.200      0.300      0.400

objects                          F1  precision     recall       Dice  Hausdorff
mean over images              0.500      0.600      0.700      0.800       12.3
all images together           1.000      0.600      0.700      0.800       12.3
all images together: 3 true, 4 predicted, 2 true positives, 5 dropped
2 images without objects, not in the means: 0.50 false alarms each

objects as nuclei               AJI         PQ         SQ         DQ
mean over images              0.900      0.110      0.120      0.130
all images together           1.000      0.110      0.120      0.130

objects per image              true   detected       bias abs. error
cat                               8          9       0.00       0.75
dog                               1          0      -0.25       0.25
all classes                       8          9      +0.25       0.75`,
  );
  t.true(legend.startsWith("All but COCO's scores are of the detections above the score 0.3.\npixels:\n"));
  t.notRegex(legend, /undefined|COCO's scores are of all/);
  // Each column has a sentence, and each word of the line below the objects.
  t.is(legend.split('\n').filter((line) => /^ {2}\S.*\.$/.test(line)).length, 4 + 5 + 4 + 4 + 4);
  t.true(describeEvaluation(given).includes('detections above the score threshold.\npixels:'));
  // A single class has no line for all classes.
  const [cat] = given.counts!.classes;
  t.notRegex(describeEvaluation({counts: {...given.counts!, classes: [cat!]}}), /all classes/);
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
