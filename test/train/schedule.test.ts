import test from 'ava';
import {
  defaultMilestones,
  defaultWarmupSteps,
  learningRate,
  placeInRun,
  type Schedule,
} from '../../lib/train/schedule.js';

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

test('multistep decay multiplies by gamma at each milestone, counted in epochs', (t) => {
  const schedule: Schedule = {...base, decay: {type: 'multistep', milestones: [3, 8.5], gamma: 0.1}};
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
  const schedule: Schedule = {...base, warmupSteps: 20, decay: {type: 'multistep', milestones: [1], gamma: 0.5}};
  t.true(near(learningRate(schedule, 10), 0.01 * 0.5 * (0.001 + 0.999 * 0.5)));
});

test("the defaults are torchvision's recipe", (t) => {
  t.deepEqual(defaultMilestones(26), [16, 22]);
  t.is(defaultWarmupSteps(8), 7);
  t.is(defaultWarmupSteps(1), 0);
  t.is(defaultWarmupSteps(5000), 1000);
});

test('step decay multiplies by gamma every so many epochs', (t) => {
  const schedule: Schedule = {...base, decay: {type: 'step', every: 2.5, gamma: 0.5}};
  for (const [step, rate] of [
    [0, 0.01],
    [24, 0.01],
    [25, 0.005],
    [49, 0.005],
    [50, 0.0025],
    [99, 0.00125],
  ] as const) {
    t.true(near(learningRate(schedule, step), rate), `step ${step}`);
  }
});

test('one cycle has the rates of PyTorch', (t) => {
  const schedule: Schedule = {
    ...base,
    totalSteps: 20,
    decay: {type: 'one-cycle', rise: 0.3, start: 1 / 25, floor: 4e-6},
  };
  // torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=20), PyTorch 2.14.
  const expected = [
    0.0004, 0.001316718427000251, 0.003716718427000252, 0.006683281572999748, 0.009083281572999747, 0.01,
    0.009874640062350875, 0.009504846320134737, 0.0089091617757105, 0.008117456539497631, 0.007169430017913008,
    0.0061126202193628925, 0.00500002, 0.003887419780637108, 0.0028306099820869924, 0.00188258346050237,
    0.0010908782242895004, 0.0004951936798652628, 0.00012539993764912555, 4e-8,
  ];
  for (const [step, rate] of expected.entries()) {
    t.true(Math.abs(learningRate(schedule, step) - rate) < 1e-15, `step ${step}`);
  }
});

test('step decay falls at whole steps, however many epochs are written as a decimal fraction', (t) => {
  const exponents = (every: number, stepsPerEpoch: number, steps: number) => {
    const schedule: Schedule = {...base, stepsPerEpoch, decay: {type: 'step', every, gamma: 0.1}};
    return Array.from({length: steps}, (_, step) => Math.round(Math.log10(base.lr / learningRate(schedule, step))));
  };
  t.deepEqual(exponents(0.1, 10, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.deepEqual(exponents(0.3, 10, 10), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
  t.deepEqual(exponents(0.25, 10, 10), [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]); // every 2.5 steps: at 3, 5, 8
});

test('the default milestones fall at 16/26 and 22/26 of the steps, for every number of epochs and steps', (t) => {
  for (let stepsPerEpoch = 1; stepsPerEpoch <= 60; stepsPerEpoch++) {
    for (let epochs = 1; epochs <= 60; epochs++) {
      const decay = {type: 'multistep', milestones: defaultMilestones(epochs), gamma: 0.1} as const;
      const schedule: Schedule = {...base, stepsPerEpoch, decay};
      const totalSteps = epochs * stepsPerEpoch;
      for (let step = 0; step < totalSteps; step++) {
        const drops = [16, 22].filter((share) => 26 * step >= share * totalSteps).length;
        const actual = Math.round(-Math.log10(learningRate(schedule, step) / base.lr));
        if (actual !== drops) t.fail(`${epochs} epochs of ${stepsPerEpoch} steps, step ${step}: ${actual} drops`);
      }
    }
  }
  t.pass();
});

test('one cycle has the rates of PyTorch where it would rise for less than a step', (t) => {
  const rates = (totalSteps: number, rise: number) => {
    const decay = {type: 'one-cycle', rise, start: 1 / 25, floor: 4e-6} as const;
    return Array.from({length: totalSteps}, (_, step) => learningRate({...base, totalSteps, decay}, step));
  };
  // OneCycleLR(optimizer, max_lr=0.01, total_steps=T, pct_start=P), PyTorch 2.14.
  const expected = [
    {totalSteps: 1, rise: 0.3, lr: [4e-8]},
    {totalSteps: 2, rise: 0.3, lr: [0.00811745653949763, 4e-8]},
    {totalSteps: 3, rise: 0.3, lr: [0.009944154354509118, 0.00462637102666975, 4e-8]},
    {totalSteps: 4, rise: 0.05, lr: [0.00894570676417178, 0.005412915075774753, 0.0016136256875027282, 4e-8]},
  ];
  for (const {totalSteps, rise, lr} of expected) {
    for (const [step, rate] of rates(totalSteps, rise).entries()) {
      t.true(Math.abs(rate - lr[step]!) < 1e-15, `${rise} of ${totalSteps}, step ${step}: ${rate}`);
    }
  }
});

test('epochs of different lengths: decay counts epochs, and warm-up counts steps', (t) => {
  const lengths = [7, 13, 10, 30];
  const decay: Schedule['decay'] = {type: 'multistep', milestones: [1, 2.5, 3], gamma: 0.1};
  const schedule: Schedule = {...base, warmupSteps: 4, totalSteps: 40, decay};
  let first = 0;
  for (const [epoch, steps] of lengths.entries()) {
    for (let step = 0; step < steps; step++) {
      const drops = [epoch >= 1, epoch > 2 || (epoch === 2 && step >= steps / 2), epoch >= 3].filter(Boolean).length;
      const warmup = Math.min(1, 0.001 + (0.999 * (first + step)) / 4);
      const rate = learningRate(schedule, first + step, placeInRun(schedule, {epoch, step, steps}));
      t.true(near(rate, 0.01 * warmup * 0.1 ** drops), `epoch ${epoch}, step ${step}`);
    }
    first += steps;
  }
  // In epochs of one length the place is the step, to the bit.
  for (let step = 0; step < 40; step++) {
    t.is(placeInRun({...base, stepsPerEpoch: 13}, {epoch: Math.floor(step / 13), step: step % 13, steps: 13}), step);
  }
  const cycle: Schedule = {...base, totalSteps: 40, decay: {type: 'one-cycle', rise: 0.3, start: 0.04, floor: 1e-3}};
  const last = learningRate(cycle, 59, placeInRun(cycle, {epoch: 3, step: 29, steps: 30}));
  t.true(near(last, 0.01 * 1e-3), 'the last step of a long epoch does not rise again');
});
