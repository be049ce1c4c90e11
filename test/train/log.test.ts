import test from 'ava';
import type {StepRecord} from '../../lib/index.js';
import {createProgress} from '../../lib/progress.js';
import {formatDuration, TrainLog} from '../../lib/train-log.js';

const losses = {loss_classifier: 1, loss_box_reg: 0, loss_mask: 0, loss_objectness: 0, loss_rpn_box_reg: 0};

function step(step: number, loss: number): StepRecord {
  const epoch = Math.floor(step / 2);
  return {step, epoch, lr: 0.005, loss, losses, gradientNorm: 1, seconds: 3, dataSeconds: 0.5};
}

test('a run is told step by step and epoch by epoch', (t) => {
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text), isTTY: false};
  const log = new TrainLog(createProgress({stream}), {epochs: 2, stepsPerEpoch: 2});
  log.step(step(0, 4));
  log.step(step(1, 2));
  log.evaluating(0, 1, 1);
  const scores = {iou: 0.5, f1: 2 / 3, precision: 1, recall: 0.5};
  const validation = {pixel: {images: 1, mean: scores, pooled: scores}};
  log.epoch({epoch: 0, loss: 3, seconds: 187, validation});
  log.epoch({epoch: 1, loss: 1.5, seconds: 6, validation: null});
  t.deepEqual(lines, [
    'epoch 1/2: 1 of 2, 50 % loss 4.000, rate 0.0050, 3.00 s/step (data 0.50), 9 s to go\n',
    'epoch 1/2: 2 of 2, 100 % loss 3.000, rate 0.0050, 3.00 s/step (data 0.50), 6 s to go\n',
    'epoch 1/2, validation: 1 of 1, 100 %\n',
    'epoch 1/2: loss 3.000, pixel IoU 0.500, F1 0.667, 3:07 min\n',
    'epoch 2/2: loss 1.500, 6 s\n',
  ]);
});

test('what is shown is the mean of the last 20 steps', (t) => {
  const lines: string[] = [];
  const stream = {write: (text: string) => lines.push(text), isTTY: true, columns: 200};
  const log = new TrainLog(createProgress({stream, now: () => 0}), {epochs: 100, stepsPerEpoch: 1});
  for (let i = 0; i < 30; i++) log.step({...step(i, i), epoch: i});
  t.true(lines.at(-1)!.includes('loss 19.500'), lines.at(-1)); // the mean of 10..29
});

test('durations', (t) => {
  t.is(formatDuration(3.6), '4 s');
  t.is(formatDuration(187), '3:07 min');
  t.is(formatDuration(3600 * 2 + 5 * 60), '2:05 h');
});
