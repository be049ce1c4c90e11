import test from 'ava';
import {defaultMilestones, defaultWarmupSteps, learningRate, type Schedule} from '../lib/schedule.js';

const base: Schedule = {
  lr: 0.01,
  decay: {type: 'constant'},
  warmupSteps: 0,
  warmupFactor: 0.001,
  stepsPerEpoch: 10,
  totalSteps: 100,
};

function near(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected));
}

test('a constant rate without warm-up never changes', (t) => {
  for (const step of [0, 1, 50, 99]) t.is(learningRate(base, step), 0.01);
});

test('warm-up climbs linearly from its factor to the full rate, as LinearLR does', (t) => {
  const schedule = {...base, warmupSteps: 4};
  // torch.optim.lr_scheduler.LinearLR(start_factor=0.001, total_iters=4) on lr 0.01, by hand.
  const expected = [0.00001, 0.0025075, 0.005005, 0.0075025, 0.01, 0.01];
  for (const [step, rate] of expected.entries()) t.true(near(learningRate(schedule, step), rate), `step ${step}`);
});

test('step decay multiplies by gamma at each milestone, counted in epochs', (t) => {
  const schedule: Schedule = {...base, decay: {type: 'step', milestones: [3, 8.5], gamma: 0.1}};
  t.is(learningRate(schedule, 29), 0.01);
  t.true(near(learningRate(schedule, 30), 0.001));
  t.true(near(learningRate(schedule, 84), 0.001));
  t.true(near(learningRate(schedule, 85), 0.0001));
});

test('cosine decay starts full, is half way down in the middle and ends above its floor', (t) => {
  const schedule: Schedule = {...base, decay: {type: 'cosine', floor: 0.2}};
  t.is(learningRate(schedule, 0), 0.01);
  t.true(near(learningRate(schedule, 50), 0.006));
  const last = learningRate(schedule, 99);
  t.true(last > 0.002 && last < 0.00201, `${last}`);
});

test('warm-up and decay multiply', (t) => {
  const schedule: Schedule = {...base, warmupSteps: 20, decay: {type: 'step', milestones: [1], gamma: 0.5}};
  t.true(near(learningRate(schedule, 10), 0.01 * 0.5 * (0.001 + 0.999 * 0.5)));
});

test("the defaults are torchvision's recipe", (t) => {
  t.deepEqual(defaultMilestones(26), [16, 22]);
  t.is(defaultWarmupSteps(8), 7);
  t.is(defaultWarmupSteps(1), 0);
  t.is(defaultWarmupSteps(5000), 1000);
});
