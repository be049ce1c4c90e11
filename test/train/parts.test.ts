import {createHash} from 'node:crypto';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {maskRcnn, type Run, type TrainOptions, train} from '../../lib/index.js';
import {blobs, fingerprints, tinyModel} from '../tiny.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-parts-'));
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

/** Two steps an epoch. Without a threshold, even a network that has learnt little has scores. */
function short(name: string, options: Partial<TrainOptions>): TrainOptions {
  return {
    data: blobs(4),
    validation: blobs(2),
    epochs: 6,
    warmup: 0,
    schedule: 'constant',
    scoreThreshold: 0,
    freeze: ['backbone.body', 'roi_heads.box_head'],
    output: join(folder, name),
    log: 'silent',
    ...options,
  };
}

const digest = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

/** Everything that a run has decided and found, to the bit. */
async function outcome({history, ending, best, last}: Run): Promise<object> {
  await using model = await maskRcnn({weights: last});
  return {
    ending,
    best: await digest(best),
    steps: history.steps.map(({step, epoch, losses, gradientNorm}) => ({step, epoch, losses, gradientNorm})),
    epochs: history.epochs.map(({epoch, loss, validation, cut}) => ({epoch, loss, validation, cut})),
    weights: fingerprints(await model.stateDict()),
  };
}

/** Trains in parts: the time of each is over after one step. Tells how many parts there were. */
async function inParts(options: TrainOptions): Promise<{run: Run; parts: number}> {
  await using model = await maskRcnn(tinyModel);
  for (let parts = 1; ; parts++) {
    const run = await train(model, {...options, resume: 'auto', limitHours: 1e-9});
    if (run.ending !== 'limitHours') return {run, parts};
  }
}

for (const [bestBy, lr, patience] of [
  ['iou', 0.02, 1],
  ['loss', 0.08, 1],
] as const) {
  test.serial(`a run in parts by '${bestBy}' decides as the run in one`, async (t) => {
    await using model = await maskRcnn(tinyModel);
    const whole = await train(model, short(`whole-${bestBy}`, {bestBy, lr, patience}));
    const {run, parts} = await inParts(short(`parts-${bestBy}`, {bestBy, lr, patience}));
    t.is(parts, whole.history.steps.length);
    t.deepEqual(await outcome(run), await outcome(whole));
  });
}
