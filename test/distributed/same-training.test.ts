import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {temporaryFolder} from '../examples/run-example.js';
import {runRanks} from './ranks.js';
import type {RankOutcome, RankRun} from './train-rank.js';
import {difference} from './weights.js';

let folder: string;
test.before(async () => {
  folder = await temporaryFolder();
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const PROGRAM = 'test/distributed/train-rank.ts';
/** Images of a batch of all processes together. */
const BATCH = 6;

/** Most of the weights. Without them, less is compared. */
const LARGEST = ['backbone.body.layer3', 'backbone.body.layer4'];

let runs = 0;

/** Trains with `size` processes, which have the same number of images per batch together. */
async function train(size: number, {options, ...run}: RankRun): Promise<RankOutcome[]> {
  const output = join(folder, String(runs++));
  return runRanks<RankOutcome>(PROGRAM, size, {
    ...run,
    options: {warmup: 0, batchSize: BATCH / size, distributed: 'auto', freeze: LARGEST, ...options, output},
  });
}

/** The largest difference of the losses of two runs, relative to the loss. */
function lossDifference(a: RankOutcome, b: RankOutcome): number {
  const pairs = a.losses.flatMap((losses, i) => Object.entries(losses).map(([name, x]) => [x, b.losses[i]![name]!]));
  return Math.max(...pairs.map(([x, y]) => Math.abs(x! - y!) / (1 + Math.abs(y!))));
}

/**
 * Ten steps of two batches, the second of which has one image at the end of an epoch: the last ranks have none then.
 * The rate is low because a change in the last digit may let another proposal win, which is a jump.
 */
const tenSteps: RankRun = {
  model: {backboneNorm: 'frozen'},
  images: 19,
  validation: 5,
  options: {
    epochs: 5,
    accumulate: 2,
    lr: 2e-4,
    schedule: 'constant',
    clipNorm: 5,
    ema: {decay: 0.9},
    augment: 'flips',
    scoreThreshold: 0,
    evaluateEvery: 5,
  },
};

test.serial('1, 2 and 3 processes train as one with a batch as large as all of theirs', async (t) => {
  const [one] = await train(1, tenSteps);
  t.is(one!.losses.length, 10);
  for (const size of [2, 3]) {
    const all = await train(size, tenSteps);
    for (const other of all.slice(1)) t.deepEqual({...other}, {...all[0]!}, `${size} processes`);
    const [first] = all;
    t.is(first!.losses.length, 10);
    t.true(lossDifference(first!, one!) < 1e-5, `losses differ by ${lossDifference(first!, one!)}`);
    const {most, largest} = difference(first!.weights, one!.weights);
    t.true(most < 1e-6 * largest, `${size} processes: weights differ by ${most} of ${largest}`);
  }
});

test.serial('trained norms have the same statistics in all processes, also in one without an image', async (t) => {
  const all = await train(2, {
    model: {backboneNorm: 'batch'},
    images: 7,
    options: {epochs: 2, lr: 0.01},
  });
  t.deepEqual(all[1], all[0]);
  const moved = Object.keys(all[0]!.weights).filter((name) => name.endsWith('running_mean'));
  t.true(moved.length > 0);
});

test.serial('bfloat16, in the network and on the wire', async (t) => {
  const run: RankRun = {
    model: {backboneNorm: 'frozen', precision: 'bfloat16'},
    images: 6,
    options: {epochs: 2, lr: 1e-3, distributed: {gradients: 'bfloat16'}},
  };
  const [one] = await train(1, run);
  const all = await train(2, run);
  t.deepEqual(all[1], all[0]);
  t.is(all[0]!.losses.length, 2);
  // bfloat16 has 8 bits.
  t.true(lossDifference(all[0]!, one!) < 0.02, `losses differ by ${lossDifference(all[0]!, one!)}`);
  for (const [i, norm] of one!.norms.entries()) t.true(Math.abs(all[0]!.norms[i]! / norm - 1) < 0.05);
});
