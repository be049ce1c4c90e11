import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {ModelOptions, TrainOptions} from '../../lib/index.js';
import {temporaryFolder} from '../examples/run-example.js';
import {halfBackbone} from '../tiny.js';
import {runRanks} from './ranks.js';
import type {RankOutcome, RankRun} from './train-rank.js';
import {difference} from './weights.js';

const PROGRAM = 'test/distributed/train-rank.ts';

/**
 * Nothing competes: each anchor is a proposal, none suppresses another, and all are samples. Otherwise a change in the
 * last digit may let another proposal win, which is a jump.
 */
const withoutChoice = {
  anchorAspectRatios: [[1], [1], [1]],
  rpnPreNmsTopNTrain: 1000,
  rpnPostNmsTopNTrain: 1000,
  rpnNmsThresh: 1,
  boxBatchSizePerImage: 1000,
} as const satisfies ModelOptions;

/**
 * Two steps per epoch, of two batches each. The last batch of an epoch has one image: the last ranks have none then.
 * The rate is lower with norms that are trained: many of their results are so close to 0 that ReLUs open or close.
 */
function stepsOf(network: ModelOptions, batch: number, options: Partial<TrainOptions> = {}): RankRun {
  return {
    model: {...halfBackbone, ...withoutChoice, ...network},
    images: 3 * batch + 1,
    validation: 4,
    options: {
      epochs: 5,
      batchSize: batch,
      accumulate: 2,
      lr: network.backboneNorm === 'batch' ? 2e-6 : 2e-4,
      schedule: 'constant',
      clipNorm: 5,
      ema: {decay: 0.9},
      augment: 'flips',
      scoreThreshold: 0,
      evaluateEvery: 5,
      distributed: {syncBatchNorm: network.backboneNorm === 'batch'},
      ...options,
    },
  };
}

const frozen = {backboneNorm: 'frozen'} as const;
const synced = {backboneNorm: 'batch'} as const;

/** What is trained. `batchSize` is that of all processes together. */
const RUNS = {
  frozen4: stepsOf(frozen, 4),
  frozen3: stepsOf(frozen, 3),
  frozenAgain: stepsOf(frozen, 4, {activationCheckpointing: true}),
  synced4: stepsOf(synced, 4),
  synced3: stepsOf(synced, 3),
  syncedAgain: stepsOf(synced, 4, {activationCheckpointing: true}),
  /** With norms in the pyramid and in the heads, too. */
  heads4: stepsOf({...synced, version: 2}, 4),
  ownNorms: {model: {...halfBackbone, backboneNorm: 'batch'}, images: 5, options: {epochs: 2, batchSize: 4, lr: 0.01}},
  bfloat16: {
    model: {...halfBackbone, backboneNorm: 'frozen', precision: 'bfloat16'},
    images: 4,
    options: {epochs: 2, batchSize: 4, lr: 1e-3, distributed: {gradients: 'bfloat16'}},
  },
} satisfies Record<string, RankRun>;
type Name = keyof typeof RUNS;

/** The runs of each number of processes. */
const GROUPS: Record<number, readonly Name[]> = {
  1: ['frozen4', 'frozen3', 'frozenAgain', 'synced4', 'synced3', 'syncedAgain', 'heads4', 'bfloat16'],
  2: ['frozen4', 'frozenAgain', 'synced4', 'ownNorms', 'bfloat16'],
  3: ['frozen3', 'synced3'],
  4: ['frozen4', 'synced4', 'syncedAgain', 'heads4'],
};

let folder: string;
/** The outcomes by number of processes, by rank, by run. */
const outcomes = new Map<number, RankOutcome[][]>();

test.before(async () => {
  folder = await temporaryFolder();
  for (const [size, names] of Object.entries(GROUPS)) outcomes.set(Number(size), await trainAll(Number(size), names));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

async function trainAll(size: number, names: readonly Name[]): Promise<RankOutcome[][]> {
  const runs = names.map((name) => {
    const {options, ...run}: RankRun = RUNS[name];
    const shared = {warmup: 0, distributed: 'auto', ...options, batchSize: options.batchSize! / size};
    return {...run, options: {...shared, output: join(folder, `${name}-${size}`)}};
  });
  return runRanks<RankOutcome[]>(PROGRAM, size, runs);
}

/** What a run has come to in each process of a group. */
function outcomesOf(name: Name, size: number): RankOutcome[] {
  const place = GROUPS[size]!.indexOf(name);
  return outcomes.get(size)!.map((runs) => runs[place]!);
}

/** The largest difference of the losses of two runs, relative to the loss. */
function lossDifference(a: RankOutcome, b: RankOutcome): number {
  const pairs = a.losses.flatMap((losses, i) => Object.entries(losses).map(([name, x]) => [x, b.losses[i]![name]!]));
  return Math.max(...pairs.map(([x, y]) => Math.abs(x! - y!) / (1 + Math.abs(y!))));
}

/** Without the weights themselves, whose digests say the same and which take long to print. */
function seen({weights: _, ...outcome}: RankOutcome): Omit<RankOutcome, 'weights'> {
  return outcome;
}

function isAsOne(t: ExecutionContext, name: Name, size: number): void {
  const [one] = outcomesOf(name, 1);
  const [first, ...others] = outcomesOf(name, size);
  for (const other of others) t.deepEqual(seen(other), seen(first!), `${size} processes`);
  t.is(one!.losses.length, 10);
  t.is(first!.losses.length, 10);
  const loss = lossDifference(first!, one!);
  t.true(loss < 1e-5, `losses differ by ${loss}`);
  for (const [step, norm] of one!.norms.entries()) {
    const off = Math.abs(first!.norms[step]! / norm - 1);
    // Of few pixels, a ReLU that opens is 0.001 of the gradients of a network with norms.
    t.true(off < (name.startsWith('frozen') ? 1e-3 : 1e-2), `the gradients of step ${step} differ by ${off}`);
  }
  const {most, largest} = difference(first!.weights, one!.weights);
  t.true(most < 1e-6 * largest, `${size} processes: weights differ by ${most} of ${largest}`);
}

for (const [size, name] of [
  [2, 'frozen4'],
  [3, 'frozen3'],
  [4, 'frozen4'],
] as const) {
  test(`${size} processes train as one with a batch as large as all of theirs`, (t) => isAsOne(t, name, size));
}

test('two processes with activation checkpointing train as one', (t) => {
  isAsOne(t, 'frozenAgain', 2);
  const loss = lossDifference(outcomesOf('frozenAgain', 1)[0]!, outcomesOf('frozen4', 1)[0]!);
  t.true(loss < 1e-5, `losses differ by ${loss} without it`);
});

for (const [size, name] of [
  [2, 'synced4'],
  [3, 'synced3'],
  [4, 'synced4'],
] as const) {
  test(`with syncBatchNorm, ${size} processes normalize as one, also if one of them has no image`, (t) => {
    isAsOne(t, name, size);
  });
}

test('with activation checkpointing, norms over four processes, of which one has no image, are as in one', (t) => {
  isAsOne(t, 'syncedAgain', 4);
});

test('with syncBatchNorm, the norms of the pyramid and of the heads are as in one process', (t) => {
  isAsOne(t, 'heads4', 4);
  const statistics = Object.keys(outcomesOf('heads4', 4)[0]!.weights).filter((key) => key.endsWith('running_var'));
  for (const part of ['backbone.body', 'backbone.fpn', 'roi_heads.box_head', 'roi_heads.mask_head'])
    t.true(statistics.some((key) => key.startsWith(part)));
});

test('norms of each process have the same statistics in all processes, also in one without an image', (t) => {
  const [first, second] = outcomesOf('ownNorms', 2);
  t.deepEqual(seen(second!), seen(first!));
  const moved = Object.keys(first!.weights).filter((name) => name.endsWith('running_mean'));
  t.true(moved.length > 0);
});

test('bfloat16, in the network and on the wire', (t) => {
  const [one] = outcomesOf('bfloat16', 1);
  const [first, second] = outcomesOf('bfloat16', 2);
  t.deepEqual(seen(second!), seen(first!));
  t.is(first!.losses.length, 2);
  // bfloat16 has 8 bits.
  const loss = lossDifference(first!, one!);
  t.true(loss < 0.02, `losses differ by ${loss}`);
  for (const [i, norm] of one!.norms.entries()) t.true(Math.abs(first!.norms[i]! / norm - 1) < 0.05);
});
