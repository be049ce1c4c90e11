import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {type Dataset, maskRcnn, type Sample, type TrainOptions, train} from '../../lib/index.js';
import {blobSample, blobs, fingerprints, tinyModel} from '../tiny.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-course-'));
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

let runs = 0;

function short(options: Partial<TrainOptions> = {}): TrainOptions {
  return {data: blobs(4), epochs: 1, warmup: 0, log: 'silent', output: join(folder, String(runs++)), ...options};
}

test.serial('what is frozen stays, and is trained again by the next run', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const isFrozen = (name: string) => /^backbone\.|^rpn\.head\.bbox_pred\.bias$/.test(name);
  const trainable = model.parameters().filter((parameter) => parameter.trainable).length;
  const before = fingerprints(await model.stateDict());
  await train(model, short({freeze: ['backbone', 'rpn.head.bbox_pred.bias']}));
  const after = fingerprints(await model.stateDict());
  for (const {name, kind} of model.parameters()) {
    if (kind === 'parameter') t.is(after.get(name) === before.get(name), isFrozen(name), name);
  }
  t.is(model.parameters().filter((parameter) => parameter.trainable).length, trainable);
  await train(model, short());
  t.not(fingerprints(await model.stateDict()).get('rpn.head.bbox_pred.bias'), after.get('rpn.head.bbox_pred.bias'));
  await t.throwsAsync(train(model, short({freeze: 'bakbone'})), {code: 'INVALID_OPTION', message: /'backbone'\?$/});
});

test.serial('batches are accumulated to steps, the last of an epoch of what is left', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const read: number[] = [];
  const data: Dataset = {
    ...blobs(5),
    get: async (index) => {
      read.push(index);
      return blobSample(index);
    },
  };
  const options = short({data, epochs: 2, batchSize: 1, accumulate: 2});
  const {history} = await train(model, options);
  t.deepEqual(
    history.steps.map(({step, epoch}) => [step, epoch]),
    [0, 1, 2, 3, 4, 5].map((step) => [step, Math.floor(step / 3)]),
  );
  t.is(read.length, 10);
  t.true(history.steps.every(({loss, gradientNorm}) => loss > 0 && gradientNorm > 0));
});

test.serial('with an average the model, best and last have it, and the training goes on without', async (t) => {
  const weights = [];
  for (const ema of [false, {decay: 0.5}, {decay: 0}]) {
    await using model = await maskRcnn(tinyModel);
    const options = short({ema, epochs: 2, validation: blobs(2), augment: 'none'});
    const {history, last} = await train(model, options);
    await using saved = await maskRcnn({weights: last});
    const own = fingerprints(await model.stateDict());
    t.deepEqual(fingerprints(await saved.stateDict()), own);
    weights.push({own, losses: history.steps.map(({loss}) => loss)});
  }
  const [plain, averaged, without] = weights;
  t.deepEqual(averaged!.losses, plain!.losses, 'the steps are those of a run without');
  t.notDeepEqual(averaged!.own, plain!.own);
  t.deepEqual(without!.own, plain!.own, 'an average that forgets at once is the weights');
});

test.serial('a run ends when its scores no longer rise', async (t) => {
  // A learning rate too small to change a score. Frozen norms, whose statistics would change it.
  await using model = await maskRcnn({...tinyModel, backboneNorm: 'frozen'});
  const run = await train(
    model,
    short({epochs: 9, lr: 1e-12, validation: blobs(2), bestBy: 'objectDice', patience: 2}),
  );
  t.is(run.ending, 'patience');
  t.is(run.history.epochs.length, 3);
  t.is((await train(model, short())).ending, 'epochs');
});

test.serial('a run ends in time, and goes on where that was', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const options = short({data: blobs(8), epochs: 3, batchSize: 1, validation: blobs(2)});
  const first = await train(model, {...options, limitHours: 1e-9});
  t.is(first.ending, 'limitHours');
  t.is(first.history.steps.length, 1);
  t.not(first.history.epochs[0]!.validation, null);
  const rest = await train(model, {...options, resume: true, limitHours: 1});
  t.is(rest.ending, 'epochs');
  t.deepEqual(
    rest.history.steps.map(({step}) => step),
    Array.from({length: 24}, (_, step) => step),
  );
  t.is(rest.history.epochs.length, 3);
});

test.serial('the folder fills with copies, curves, pictures and events', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const {output} = await train(model, short({epochs: 4, validation: blobs(2), saveEvery: 2}));
  const names = await readdir(output);
  for (const name of [
    'best.safetensors',
    'epoch-2.safetensors',
    'epoch-4.safetensors',
    'last.safetensors',
    'last.state.safetensors',
    'losses.png',
    'losses.svg',
    'metrics.jsonl',
    'metrics.png',
    'metrics.svg',
    'options.json',
    'results.csv',
  ]) {
    t.true(names.includes(name), name);
  }
  t.is(names.filter((name) => name.startsWith('events.out.tfevents.')).length, 1);
  t.deepEqual(await readdir(join(output, 'batches')), ['step-1.png', 'step-2.png', 'step-3.png']);
  t.is((await readdir(join(output, 'validation'))).length, 4);
  t.false(names.includes('epoch-1.safetensors'));
});

test.serial('batches of one shape are formed on request', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const widths: number[] = [];
  const data: Dataset = {
    ...blobs(6),
    get: async (index) => {
      const sample = blobSample(index);
      if (index % 2 === 0) return sample;
      // Twice as wide; the right half is black.
      const data = new Uint8Array(128 * 64 * 3);
      for (let y = 0; y < 64; y++) data.set(sample.image.data.subarray(y * 192, (y + 1) * 192), y * 384);
      return {...sample, image: {data, width: 128, height: 64}};
    },
  };
  const augment = (sample: Sample) => {
    widths.push(sample.image.width);
    return sample;
  };
  await train(model, short({data, batchSize: 3, groupByAspectRatio: true, prefetch: 0, augment}));
  t.deepEqual(widths.slice(0, 3), Array(3).fill(widths[0]));
  t.deepEqual(widths.slice(3), Array(3).fill(192 - widths[0]!));
});
