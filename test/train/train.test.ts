import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {type Dataset, evaluate, maskRcnn, type StepRecord, type TrainOptions, train} from '../../lib/index.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {blobSample, blobs, fingerprints, tinyModel} from '../tiny.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-train-'));
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

let runs = 0;

/** The options of a short, silent run in its own folder. */
function short(options: Partial<TrainOptions> = {}): TrainOptions {
  return {data: blobs(4), epochs: 1, warmup: 0, log: 'silent', output: join(folder, String(runs++)), ...options};
}

function mean(steps: readonly StepRecord[]): number {
  return steps.reduce((sum, {loss}) => sum + loss, 0) / steps.length;
}

test.serial('training lowers the loss, finds what it was shown, and fills its folder', async (t) => {
  const model = await maskRcnn(tinyModel);
  const data = blobs(4);
  const before = await evaluate(model, {data});
  const seen: string[] = [];
  const options = short({
    data,
    validation: data,
    epochs: 40, // after 24, the result still depends on chance
    batchSize: 4,
    optimizer: 'adamw',
    lr: 0.002,
    schedule: 'cosine',
    warmup: 4,
    augment: 'none',
    evaluateEvery: 10,
    onStep: ({step}) => seen.push(`step ${step}`),
    onEpoch: ({epoch}) => seen.push(`epoch ${epoch}`),
  });
  const {history, output, best, last} = await train(model, options);
  const {steps, epochs} = history;

  t.is(steps.length, 40);
  const [early, late] = [mean(steps.slice(0, 5)), mean(steps.slice(-5))];
  t.true(late < 0.5 * early, `${early} to ${late}`);
  t.deepEqual(seen.slice(0, 4), ['step 0', 'epoch 0', 'step 1', 'epoch 1']);
  t.deepEqual(
    epochs.filter(({validation}) => validation !== null).map(({epoch}) => epoch),
    [9, 19, 29, 39],
  );
  const after = epochs.at(-1)!.validation!;
  t.true(after.pixel.mean.iou! > before.pixel.mean.iou! + 0.3, `${before.pixel.mean.iou} to ${after.pixel.mean.iou}`);
  const {details: _, ...again} = await evaluate(model, {data});
  t.deepEqual(again, after);
  for (const {loss, losses, lr, gradientNorm, seconds, dataSeconds} of steps) {
    t.true(Math.abs(Object.values(losses).reduce((a, b) => a + b) - loss) < 1e-9);
    t.true(lr > 0 && lr <= 0.002 && gradientNorm > 0 && seconds > 0 && dataSeconds >= 0);
  }

  t.is(options.output, output);
  const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(Object.keys(lines[0]), ['type', 'runId']);
  t.deepEqual(lines[1], {type: 'step', ...steps[0]!});
  t.deepEqual(lines.at(-1), {type: 'epoch', ...epochs.at(-1)!});
  t.is(lines.length, 1 + 40 + 40); // the run, its steps and its epochs
  const kept = JSON.parse(await readFile(join(output, 'options.json'), 'utf8'));
  t.is(kept.train.lr, 0.002);
  t.deepEqual(kept.classes, ['blob']);
  t.true((await readFile(join(output, 'losses.svg'), 'utf8')).startsWith('<svg'));
  t.is((await readFile(join(output, 'losses.png'))).toString('latin1', 1, 4), 'PNG');

  const [fromLast, fromBest] = [await maskRcnn({weights: last}), await maskRcnn({weights: best})];
  t.deepEqual(fingerprints(await fromLast.stateDict()), fingerprints(await model.stateDict()));
  t.deepEqual(fromBest.classes, ['blob']);
  for (const each of [model, fromLast, fromBest]) each.dispose();
});

for (const optimizer of ['sgd', 'adamw'] as const) {
  test.serial(`equal seeds give equal runs, bit for bit (${optimizer})`, async (t) => {
    const results = [];
    for (const seed of optimizer === 'sgd' ? [1, 1, 2] : [1, 1]) {
      const model = await maskRcnn(tinyModel);
      const {history} = await train(model, short({seed, optimizer}));
      results.push({losses: history.steps.map(({losses}) => losses), weights: fingerprints(await model.stateDict())});
      model.dispose();
    }
    t.deepEqual(results[1], results[0]);
    t.notDeepEqual(results[2]?.losses, results[0]!.losses);
  });
}

test.serial('the state beside last holds all that a run goes on from', async (t) => {
  const model = await maskRcnn(tinyModel);
  const {output, last} = await train(model, short());
  const {tensors, metadata} = await readWeights(join(output, 'last.state.safetensors'));
  const names = [...tensors.keys()];
  const weights = await readWeights(last);
  for (const [name, {data}] of weights.tensors) t.deepEqual(tensors.get(`model.${name}`)!.data.length, data.length);
  const trainable = model.parameters().filter(({trainable}) => trainable);
  t.is(names.filter((name) => name.startsWith('optimizer.')).length, trainable.length);
  t.deepEqual(
    names.filter((name) => !/^(model|optimizer)\./.test(name)),
    [],
  );
  const {position, options} = JSON.parse(metadata.maskrcnn_training as string);
  t.like(position, {step: 2, epoch: 1, batch: 0});
  t.is(options.optimizer.type, 'sgd');
  t.deepEqual(metadata.classes, ['blob']);
  model.dispose();
});

test.serial('an abort ends the run after its step, with last saved', async (t) => {
  const model = await maskRcnn(tinyModel);
  const controller = new AbortController();
  const reason = new Error('lunch');
  const options = short({
    epochs: 5,
    data: blobs(6),
    signal: controller.signal,
    onStep: ({step}) => step === 1 && controller.abort(reason),
  });
  t.is(await t.throwsAsync(train(model, options)), reason);
  const {metadata} = await readWeights(join(options.output!, 'last.state.safetensors'));
  t.like(JSON.parse(metadata.maskrcnn_training as string).position, {step: 2, epoch: 0, batch: 2});
  const loaded = await maskRcnn({weights: join(options.output!, 'last.safetensors')});
  t.deepEqual(fingerprints(await loaded.stateDict()), fingerprints(await model.stateDict()));
  loaded.dispose();

  const other = new Error('never begun');
  t.is(await t.throwsAsync(train(model, short({signal: AbortSignal.abort(other)}))), other);
  model.dispose();
});

test.serial('a loss that is not finite stops the run and names step, rate, losses and files', async (t) => {
  const model = await maskRcnn(tinyModel);
  const error = await t.throwsAsync(train(model, short({data: blobs(8), lr: 1e9, clipNorm: null, augment: 'none'})), {
    code: 'NON_FINITE_LOSS',
  });
  t.regex(
    error!.message,
    /^The (losses|gradients) of step \d+ at rate 1000000000 must be finite, got .*loss_classifier .* on blob_\d\.png, blob_\d\.png\./,
  );
  // The process and other models keep working.
  const next = await maskRcnn(tinyModel);
  t.is((await next.predict(blobSample(0).image)).length, 1);
  model.dispose();
  next.dispose();
});

test.serial('weights being trained are neither trained nor replaced by others, but can be used', async (t) => {
  const model = await maskRcnn(tinyModel);
  const running = train(model, short());
  const error = await t.throwsAsync(train(model, short()), {code: 'BUSY'});
  t.is(error!.message.split('\n')[0], "train() needs the model's weights, which train() is changing.");
  await t.throwsAsync(model.loadStateDict(await model.stateDict()), {code: 'BUSY'});
  t.is((await model.predict(blobSample(0).image)).length, 1);
  await running;
  await train(model, short());
  model.dispose();
});

test.serial('a model disposed of during training ends it', async (t) => {
  const model = await maskRcnn(tinyModel);
  await t.throwsAsync(train(model, short({onStep: () => model.dispose()})), {code: 'DISPOSED'});
  await t.throwsAsync(train(model, short()), {code: 'DISPOSED'});
});

test.serial('images without objects are trained on', async (t) => {
  const model = await maskRcnn(tinyModel);
  const empty: Dataset = {...blobs(2), get: async (index) => ({...blobSample(index), instances: []})};
  const {history} = await train(model, short({data: empty}));
  t.is(history.steps[0]!.losses.loss_mask, 0);
  t.true(history.steps[0]!.loss > 0);
  model.dispose();
});

test.serial('data that does not fit is refused before the first step', async (t) => {
  const model = await maskRcnn(tinyModel);
  const other = await t.throwsAsync(train(model, short({data: {...blobs(2), classes: ['a', 'b']}})), {
    code: 'INVALID_DATASET',
  });
  t.is(other!.message.split('\n')[0], "'data' must have the model's classes [blob], in this order, got [a, b].");
  const none = await t.throwsAsync(train(model, short({validation: blobs(0)})), {code: 'INVALID_DATASET'});
  t.is(none!.message, "'validation' must have at least one image, got none.");

  const nan: Dataset = {
    ...blobs(2),
    get: async (index) => {
      const sample = blobSample(index);
      sample.instances[0]!.box[0] = Number.NaN;
      return sample;
    },
  };
  const target = await t.throwsAsync(train(model, short({data: nan})), {code: 'INVALID_TARGET'});
  t.regex(target!.message, /^Instance 0 of blob_\d\.png must have a box of four finite numbers, got \[NaN, /);

  const broken = new Error('disk on fire');
  const unreadable: Dataset = {...blobs(2), get: async () => Promise.reject(broken)};
  const failed = await t.throwsAsync(train(model, short({data: unreadable})), {code: 'INVALID_DATASET'});
  t.regex(failed!.message, /^Sample \d of the data set: get\(\d\) threw Error: disk on fire\.$/);
  t.is(failed!.cause, broken);
  const thrown = new Error('from the callback');
  const onStep = () => {
    throw thrown;
  };
  t.is(await t.throwsAsync(train(model, short({onStep}))), thrown);
  // The model can still be trained after all this.
  t.is((await train(model, short())).history.steps.length, 2);
  model.dispose();
});

test.serial('a folder that cannot be made is named', async (t) => {
  const model = await maskRcnn(tinyModel);
  const file = join(folder, 'file');
  await import('node:fs/promises').then(({writeFile}) => writeFile(file, ''));
  const error = await t.throwsAsync(train(model, short({output: file})), {code: 'INVALID_OPTION'});
  t.true(
    error!.message.startsWith(`Option 'output' of train() must be a folder that can be written, got '${file}' (`),
    error!.message,
  );
  model.dispose();
});

test.serial('evaluation needs images and can be aborted', async (t) => {
  const model = await maskRcnn(tinyModel);
  await t.throwsAsync(evaluate(model, {data: blobs(0)}), {code: 'INVALID_DATASET'});
  const controller = new AbortController();
  const reason = new Error('enough');
  const onImage = () => controller.abort(reason);
  t.is(await t.throwsAsync(evaluate(model, {data: blobs(3), onImage, signal: controller.signal})), reason);
  model.dispose();
});
