import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import test from 'ava';
import {
  type Dataset,
  evaluate,
  type Instance,
  inspect,
  MaskRcnnError,
  maskRcnn,
  type TrainOptions,
  train,
} from '../../lib/index.js';
import {explainOutOfMemory} from '../../lib/train/gradient-step.js';
import {nodeArguments} from '../program.js';
import {blobSample, blobs, fingerprints, tinyModel} from '../tiny.js';
import {interruptible} from './interruptible.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-faults-'));
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

let runs = 0;

function short(options: Partial<TrainOptions> = {}): TrainOptions {
  return {data: blobs(4), epochs: 1, warmup: 0, log: 'silent', output: join(folder, String(runs++)), ...options};
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * Runs test/train/interruptible-run.ts with files limited to `limit` KiB, which simulates a full disk for one process.
 */
async function runWithLittleSpace(output: string, limit: number): Promise<string> {
  const program = nodeArguments('test/train/interruptible-run.ts');
  const args = ['-c', `ulimit -f ${limit} && exec "$0" "$@"`, process.execPath, ...program, output];
  const child = spawn('bash', args, {stdio: ['ignore', 'ignore', 'pipe']});
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  await new Promise((resolve) => child.on('close', resolve));
  return errors;
}

test.serial('a disk that fills up during a save leaves the checkpoint of before, which can be resumed', async (t) => {
  const output = join(folder, 'full');
  const controller = new AbortController();
  await using model = await maskRcnn(tinyModel);
  const onStep = ({step}: {step: number}) => step === 1 && controller.abort(new Error('lunch'));
  await t.throwsAsync(train(model, {...interruptible(output), onStep, signal: controller.signal}), {message: 'lunch'});
  const files = ['last.safetensors', 'last.state.safetensors'];
  const before = await Promise.all(files.map((name) => digest(join(output, name))));

  const errors = await runWithLittleSpace(output, 50_000);
  t.regex(errors, /WRITE_FAILED/);
  t.regex(errors, /last\.state\.safetensors could not be written: EFBIG: file too large, write\./);
  t.deepEqual(await Promise.all(files.map((name) => digest(join(output, name)))), before);
  t.deepEqual(
    (await readdir(output)).filter((name) => name.endsWith('.tmp')),
    [],
  );

  await using resumed = await maskRcnn(tinyModel);
  const {history} = await train(resumed, {...interruptible(output), resume: true});
  t.is(history.steps.length, 12);
});

test.serial('steps that are not finite are left out as often as is allowed', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const before = fingerprints(await model.stateDict());
  // The first steps make the weights explode, so that none of the later losses are finite.
  const wild = short({data: blobs(8), batchSize: 1, lr: 1e9, clipNorm: null, augment: 'none', skipNonFinite: 2});
  const steps: number[] = [];
  const error = await t.throwsAsync(train(model, {...wild, onStep: ({loss}) => steps.push(loss)}), {
    code: 'NON_FINITE_LOSS',
  });
  t.is(steps.filter((loss) => !Number.isFinite(loss)).length + 1, 3);
  t.regex(error!.message, /of step \d at rate 1000000000 must be finite/);
  t.notDeepEqual(fingerprints(await model.stateDict()), before);
});

test.serial('a file that cannot be read ends the run, or is left out on request', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const torn = new MaskRcnnError('INVALID_IMAGE', 'blob_2.png is not a readable PNG image: torn.', {
    file: 'blob_2.png',
  });
  const data: Dataset = {
    ...blobs(5),
    get: async (index) => (index === 2 ? Promise.reject(torn) : blobSample(index)),
  };
  t.is(await t.throwsAsync(train(model, short({data}))), torn);
  // With a batch size of one, the step of the torn image disappears and the others keep their numbers.
  const {history} = await train(model, short({data, batchSize: 1, unreadable: 'skip'}));
  t.is(history.steps.length, 4);
  t.is(new Set(history.steps.map(({step}) => step)).size, 4);
  t.true(history.steps.every(({step}) => step >= 0 && step < 5));

  const bug = new TypeError('a defect of the data set');
  const defect: Dataset = {...data, get: () => Promise.reject(bug)};
  for (const ended of [
    train(model, short({data: defect, unreadable: 'skip', batchSize: 1})),
    evaluate(model, {data: defect}),
  ]) {
    const error = await t.throwsAsync(ended, {
      code: 'INVALID_DATASET',
      message: /^Sample \d of the data set: get\(\d\) threw TypeError: a defect of the data set\.$/,
    });
    t.is(error!.cause, bug);
  }
  const missing = Object.assign(new Error('ENOENT: no such file'), {syscall: 'open', path: 'blob_2.png'});
  const lacking: Dataset = {...data, get: async (i) => (i === 2 ? Promise.reject(missing) : blobSample(i))};
  t.is((await train(model, short({data: lacking, batchSize: 1, unreadable: 'skip'}))).history.steps.length, 4);
});

// torchvision's losses are NaN here: means of no elements.
test.serial('a batch without proposals and objects has no losses of the heads, and training goes on', async (t) => {
  const background: Dataset = {...blobs(4), get: async (index) => ({...blobSample(index), instances: []})};
  for (const version of [1, 2] as const) {
    await using model = await maskRcnn({...tinyModel, version, rpnScoreThresh: 0.999});
    const before = fingerprints(await model.stateDict());
    const {history} = await train(model, short({data: background, batchSize: 2}));
    t.is(history.steps.length, 2);
    for (const {losses} of history.steps) {
      t.like(losses, {loss_classifier: 0, loss_box_reg: 0, loss_mask: 0});
      t.true(losses.loss_objectness > 0);
    }
    t.notDeepEqual(fingerprints(await model.stateDict()), before); // the proposals still learn
  }
});

test.serial('an image that is too thin for the network is told with its file, or left out on request', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const thin = {data: new Uint8Array(3 * 3000), width: 3000, height: 1};
  const data: Dataset = {
    ...blobs(3),
    get: async (index) => (index === 1 ? {file: 'thin.png', image: thin, instances: []} : blobSample(index)),
  };
  const error = await t.throwsAsync(train(model, short({data})), {code: 'INVALID_IMAGE'});
  t.is((error as MaskRcnnError).file, 'thin.png');
  const {history} = await train(model, short({data, batchSize: 1, unreadable: 'skip'}));
  t.is(history.steps.length, 2);
  await t.throwsAsync(evaluate(model, {data}), {code: 'INVALID_IMAGE', message: /^thin\.png of 3000 × 1 pixels/});
  const {faults} = await inspect(data);
  t.deepEqual(
    faults.map(({file}) => file),
    ['thin.png'],
  );
});

test.serial('a sample of a wrong shape ends the run, with its number', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const data: Dataset = {...blobs(3), get: async (index) => (index === 1 ? (null as never) : blobSample(index))};
  for (const unreadable of ['error', 'skip'] as const) {
    await t.throwsAsync(train(model, short({data, unreadable})), {code: 'INVALID_DATASET', message: /^Sample 1 of/});
  }
  await t.throwsAsync(train(model, short({data: blobs(3), augment: (() => null) as never})), {
    code: 'INVALID_DATASET',
    message: /^Sample \d, augmented, must have a file/,
  });
  const augment = () => {
    throw new TypeError('no stain');
  };
  await t.throwsAsync(train(model, short({data: blobs(3), augment, unreadable: 'skip'})), {
    code: 'INVALID_DATASET',
    message: /^Sample \d of the data set: its augmentation threw TypeError: no stain\.$/,
  });
});

test.serial('evaluation refuses the instances that training refuses, with their file', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const [good] = blobSample(0).instances;
  for (const [bad, message] of [
    [{...good!, label: 9}, /must have a label in 1\.\.1/],
    [{...good!, label: 0}, /must have a label in 1\.\.1/],
    [{...good!, box: [6, 6, 2, 2]}, /must have a box \[x0, y0, x1, y1\]/],
    [{...good!, box: [0, 0, Number.NaN, 2]}, /a box of four finite numbers/],
    [{...good!, mask: {...good!.mask, data: new Uint8Array(3)}}, /must have a mask of/],
  ] as [Instance, RegExp][]) {
    const data: Dataset = {...blobs(1), get: async () => ({...blobSample(0), instances: [bad]})};
    const error = await t.throwsAsync(evaluate(model, {data}), {code: 'INVALID_TARGET', message});
    t.is((error as MaskRcnnError).file, 'blob_0.png');
    await t.throwsAsync(train(model, short({validation: data})), {code: 'INVALID_TARGET', message});
  }
});

test('a lack of memory names the largest image and what to change', (t) => {
  const cause = new MaskRcnnError('OUT_OF_MEMORY', 'could not allocate 8 GB');
  const large = blobSample(1);
  large.image = {data: new Uint8Array(0), width: 3000, height: 2000};
  const samples = [blobSample(0), large, blobSample(2)];
  const error = explainOutOfMemory(cause, samples, /* mayCheckpoint */ true) as MaskRcnnError;
  t.is(error.code, 'OUT_OF_MEMORY');
  t.is(error.file, 'blob_1.png');
  t.is(
    error.message,
    'A batch of 3 images must fit into memory, and did not: the largest is blob_1.png, 3000 × 2000 with 2 instances.\n' +
      'Lower `batchSize`, with `accumulate` raised as much for the same step; pass activationCheckpointing: true; or ' +
      "make the model with a smaller `minSize` and `maxSize`, or with precision: 'bfloat16'.",
  );
  t.is(error.cause, cause);
  const other = new MaskRcnnError('DISPOSED', 'gone');
  t.is(explainOutOfMemory(other, [large], true), other);
  const withoutIt = explainOutOfMemory(cause, samples, false) as MaskRcnnError;
  t.regex(withoutIt.hint!, /for the same step; or make the model with/);
});
