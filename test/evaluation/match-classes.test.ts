import test from 'ava';
import {matchClasses, relabel} from '../../lib/evaluation/match-classes.js';
import {type Detections, evaluate, type MaskRcnn, type Sample} from '../../lib/index.js';

test('classes are matched by name, in whatever order', (t) => {
  t.deepEqual(matchClasses(['person', 'car'], ['car', 'person']), {labels: [0, 2, 1], notices: []});
  t.deepEqual(matchClasses(['1', '2'], ['cell', 'nucleus']), {labels: [0, 1, 2], notices: []});
});

test('what one side lacks is told', (t) => {
  t.deepEqual(matchClasses(['person', 'car'], ['dog', 'car']), {
    labels: [0, 0, 2],
    notices: [
      "The data set has no class 'person': detections of it are left out.",
      "The model has no class 'dog': its objects count as missed.",
    ],
  });
  t.throws(() => matchClasses(['person'], ['gland']), {
    code: 'INVALID_DATASET',
    message: /^Model and data set must have a class in common, got 'person' and 'gland'\.\n/,
  });
});

/** An image of 2 × 1 pixels with a person on the left and a car on the right, of which a model finds both. */
const found: Detections = {
  width: 2,
  height: 1,
  boxes: Float32Array.of(0, 0, 1, 1, 1, 0, 2, 1),
  labels: Int32Array.of(1, 2),
  classNames: ['person', 'car'],
  scores: Float32Array.of(0.9, 0.8),
  masks: [
    {size: [1, 2], counts: '011'},
    {size: [1, 2], counts: '11'},
  ],
};

function sampleOf(classes: readonly string[]): Sample {
  const object = (name: string, left: number) => ({
    label: classes.indexOf(name) + 1,
    box: [left, 0, left + 1, 1] as [number, number, number, number],
    mask: {left, top: 0, width: 1, height: 1, data: Uint8Array.of(1)},
  });
  return {
    file: 'street.png',
    image: {data: new Uint8Array(6), width: 2, height: 1},
    instances: [object('person', 0), object('car', 1)].filter(({label}) => label > 0),
  };
}

test('a model is scored by the names of its classes, not by their order', async (t) => {
  const model = {
    predict: async () => [found],
    classes: ['person', 'car'],
    options: {masks: 'instance'},
  } as unknown as MaskRcnn;
  for (const classes of [
    ['person', 'car'],
    ['car', 'person'],
  ]) {
    const {segm, details} = await evaluate(model, {data: {length: 1, classes, get: async () => sampleOf(classes)}});
    t.true(segm!.ap! > 0.999999, classes.join());
    t.is(details.confusion.counts.join('|'), '1,0,0|0,1,0|0,0,0');
  }
});

test('detections of a class that the data set lacks count nowhere', async (t) => {
  const model = {
    predict: async () => [found],
    classes: ['person', 'car'],
    options: {masks: 'instance'},
  } as unknown as MaskRcnn;
  const classes = ['car'];
  const notices: string[] = [];
  const {segm, objects} = await evaluate(model, {
    data: {length: 1, classes, get: async () => sampleOf(classes)},
    onNotice: (notice) => notices.push(notice),
  });
  t.true(segm!.ap! > 0.999999);
  t.like(objects, {truth: 1, predicted: 1});
  t.deepEqual(notices, ["The data set has no class 'person': detections of it are left out."]);
  t.is(relabel(found, [0, 1, 2]), found);
});
