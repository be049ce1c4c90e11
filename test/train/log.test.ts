import test from 'ava';
import {createProgress} from '../../lib/basics/progress.js';
import type {Evaluation, StepRecord} from '../../lib/index.js';
import {TrainLog} from '../../lib/train/log.js';

const losses = {loss_classifier: 1, loss_box_reg: 0, loss_mask: 0, loss_objectness: 0, loss_rpn_box_reg: 0};

function step(step: number, loss: number): StepRecord {
  const epoch = Math.floor(step / 2);
  return {step, epoch, lr: 0.005, loss, losses, gradientNorm: 1, seconds: 3, dataSeconds: 0.5};
}

const gigabyte = () => 1.236e9;

test('a run is told step by step and epoch by epoch', (t) => {
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text), isTTY: false};
  let ms = 0;
  const progress = createProgress({stream});
  const options = {epochs: 2, stepsPerEpoch: 2, imagesPerStep: 4, now: () => ms, memory: gigabyte};
  const log = new TrainLog(progress, options);
  log.step(step(0, 4));
  log.step(step(1, 2));
  log.evaluating(0, 1, 3);
  ms = 500;
  log.evaluating(0, 2, 3);
  const scores = {iou: 0.5, f1: 2 / 3, precision: 1, recall: 0.5};
  const validation = {pixel: {images: 1, mean: scores, pooled: scores}} as Evaluation;
  log.epoch({epoch: 0, loss: 3, seconds: 187, validation, validationSeconds: 61});
  log.step(step(2, 2));
  log.epoch({epoch: 1, loss: 1.5, seconds: 6, validation: null});
  t.deepEqual(lines, [
    'epoch 1/2: 1 of 2, 50 %, loss 4.000, rate 0.0050, 9 s to go, 3.00 s/step, data 0.50 s, 1.3 images/s, 1.24 GB\n',
    'epoch 1/2: 2 of 2, 100 %, loss 3.000, rate 0.0050, 6 s to go, 3.00 s/step, data 0.50 s, 1.3 images/s, 1.24 GB\n',
    'epoch 1/2, validation: 1 of 3, 33 %, 1.24 GB\n',
    'epoch 1/2, validation: 2 of 3, 66 %, 1 s to go, 0.50 s/image, 1.24 GB\n',
    'epoch 1/2: loss 3.000, pixel IoU 0.500, pixel F1 0.667, 3:07 min (validation 1:01 min)\n',
    // The 181 s that the first epoch took besides its steps are expected once more.
    'epoch 2/2: 1 of 2, 50 %, loss 2.667, rate 0.0050, 3:04 min to go, 3.00 s/step, data 0.50 s, 1.3 images/s, 1.24 GB\n',
    'epoch 2/2: loss 1.500, 6 s\n',
  ]);
});

test('of masks AP, of the objects F1 and Dice are told where they were measured', (t) => {
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text), isTTY: false};
  const log = new TrainLog(createProgress({stream}), {epochs: 1, stepsPerEpoch: 1});
  const validation: object = {
    segm: {ap: 0.125, ap50: 1, apSmall: null},
    objects: {images: 2, pooled: {f1: 0.25, dice: 0.75, hausdorff: 50}, mean: {f1: 1}},
  };
  log.epoch({epoch: 0, loss: 3, seconds: 1, validation: validation as Evaluation});
  t.deepEqual(lines, ['epoch 1/1: loss 3.000, mask AP 0.125, object F1 0.250, object Dice 0.750, 1 s\n']);
});

test('without a number of images there is no rate of them', (t) => {
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text), isTTY: false};
  new TrainLog(createProgress({stream}), {epochs: 1, stepsPerEpoch: 1}).step(step(0, 4));
  t.regex(lines.join(''), /, 0 s to go, 3\.00 s\/step, data 0\.50 s, \d+(\.\d+)? [MG]B\n$/);
});

test('a silent run says nothing', (t) => {
  const log = new TrainLog(undefined, {epochs: 1, stepsPerEpoch: 1});
  t.notThrows(() => {
    log.step(step(0, 4));
    log.evaluating(0, 1, 1);
    log.epoch({epoch: 0, loss: 3, seconds: 187, validation: null});
    log.say('hello');
    log.close();
  });
});

test('what is shown is the mean of the last 20 steps', (t) => {
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text), isTTY: true, columns: 200};
  const log = new TrainLog(createProgress({stream, now: () => 0}), {epochs: 100, stepsPerEpoch: 1});
  for (let i = 0; i < 30; i++) log.step({...step(i, i), epoch: i});
  t.true(lines.at(-1)!.includes('loss 19.500'), lines.at(-1)); // the mean of 10..29
});
