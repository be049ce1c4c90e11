import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {maskRcnn, type StepRecord, type TrainOptions, train} from '../../lib/index.js';
import {FIRST_LOSS_SCALE, mayOverflow, nextLossScale} from '../../lib/train/loss-scale.js';
import {blobs, fingerprints, tinyModel} from '../tiny.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-loss-scale-'));
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

test('gradients that overflow halve the scale, down to 1; 2000 steps without double it', (t) => {
  t.deepEqual(nextLossScale({factor: 65536, steps: 7}, false), {factor: 32768, steps: 0});
  t.deepEqual(nextLossScale({factor: 1, steps: 7}, false), {factor: 1, steps: 0});
  t.true(mayOverflow({factor: 2, steps: 0}));
  t.false(mayOverflow({factor: 1, steps: 0}));
  let scale = FIRST_LOSS_SCALE;
  for (let step = 0; step < 1999; step++) scale = nextLossScale(scale, true);
  t.deepEqual(scale, {factor: 65536, steps: 1999});
  t.deepEqual(nextLossScale(scale, true), {factor: 131072, steps: 0});
});

test.serial(
  'training in float16 leaves out the steps whose gradients overflow, and resumes with its scale',
  async (t) => {
    const options: TrainOptions = {
      data: blobs(4),
      batchSize: 1,
      epochs: 2,
      warmup: 0,
      lr: 0.001,
      output: join(folder, 'run'),
      log: 'silent',
    };
    const make = () => maskRcnn({...tinyModel, precision: 'float16', device: 'cpu'});
    const interrupted = await make();
    t.true(interrupted.notices.some((notice) => notice.includes('float16')));
    const before = fingerprints(await interrupted.stateDict());
    const controller = new AbortController();
    const onStep = ({step}: StepRecord) => step === 4 && controller.abort(new Error('lunch'));
    const {signal} = controller;
    await t.throwsAsync(train(interrupted, {...options, onStep, signal}), {message: 'lunch'});
    t.notDeepEqual(fingerprints(await interrupted.stateDict()), before);

    const {history} = await train(await make(), {...options, resume: true});
    const isTaken = ({gradientNorm}: StepRecord) => Number.isFinite(gradientNorm);
    const {steps} = history;
    t.is(steps.length, 8);
    t.is(steps[0]!.lossScale, 65536);
    for (const [i, step] of steps.slice(1).entries()) {
      t.is(step.lossScale, isTaken(steps[i]!) ? steps[i]!.lossScale : steps[i]!.lossScale! / 2);
    }
    t.true(steps.some(isTaken) && !steps.every(isTaken));
  },
);
