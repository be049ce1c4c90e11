import {cp, mkdir, mkdtemp, rename, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {MaskFolder, maskRcnn, type TrainOptions, train} from '../../lib/index.js';
import {RunFolder} from '../../lib/run/run-folder.js';
import {completeResumedOptions, resumeUnder} from '../../lib/train/resume.js';
import {readTrainingState, type TrainingState, writeTrainingState} from '../../lib/train/state.js';
import {writeBlobImages} from '../blob-images.js';
import {tinyModel} from '../tiny.js';

let folder: string;
let saved: TrainingState;

/** The run that the tests resume: of five images, with two for validation, ended by time after one step. */
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-changes-'));
  await writeBlobImages(join(folder, 'images'), 7);
  await using model = await maskRcnn(tinyModel);
  await train(model, {...(await options('images')), limitHours: 1e-9});
  saved = await readTrainingState(join(folder, 'run', 'last.state.safetensors'), model);
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

async function options(images: string): Promise<TrainOptions> {
  const {training, validation} = (await MaskFolder.open(join(folder, images), {classes: ['blob']})).split(0.3);
  return {
    data: training,
    validation,
    epochs: 1,
    freeze: ['backbone.body', 'roi_heads.box_head'],
    output: join(folder, 'run'),
    log: 'silent',
  };
}

/** Copies the images to a folder of their own, where a test may change them. */
async function copied(t: ExecutionContext): Promise<{name: string; data: MaskFolder; validation: MaskFolder}> {
  const name = t.title.replaceAll(/\W+/g, '-');
  await mkdir(join(folder, name));
  await cp(join(folder, 'images'), join(folder, name), {recursive: true});
  const {data, validation} = await options(name);
  return {name, data: data as MaskFolder, validation: validation as MaskFolder};
}

/** Tries to resume. Nothing is trained, because it is refused. */
async function refusal(t: ExecutionContext, change: Partial<TrainOptions>, network: object = {}) {
  await using model = await maskRcnn({...tinyModel, ...network});
  const given = {...(await options('images')), ...change, resume: true};
  return (await t.throwsAsync(train(model, given)))!;
}

test.serial('a mask or an image that was replaced is refused by name', async (t) => {
  const {data, validation} = await copied(t);
  const [first, second] = data.files;
  await cp(second!.mask, first!.mask);
  const error = await refusal(t, {data, validation});
  t.like(error, {code: 'INVALID_DATASET', file: first!.image});
  t.is(
    error.message.split('\n')[0],
    `'data' of a resumed run must have its files, but 1 image or its mask is another one: ${first!.image}.`,
  );
  await cp(first!.image, validation.files[0]!.image);
  t.regex(
    (await refusal(t, {data, validation})).message,
    /'data' of a .*\. 'validation' of a resumed run must have its/,
  );
});

test.serial('one image removed and one added is refused', async (t) => {
  const {name, data} = await copied(t);
  const {image, mask} = data.files[0]!;
  await rename(image, join(folder, name, 'new.png'));
  await rename(mask, join(folder, name, 'new_mask.png'));
  const error = await refusal(t, await options(name));
  t.like(error, {code: 'INVALID_DATASET'});
  t.regex(error.message, /of a resumed run must have its files, but .*new\.png/);
});

test.serial('validation images removed are refused', async (t) => {
  const {validation} = await options('images');
  const fewer = (validation as MaskFolder).subset([0]);
  const error = await refusal(t, {validation: fewer});
  t.like(error, {code: 'INVALID_DATASET'});
  t.regex(error.message, /^'validation' of a resumed run must have its 2 images, got 1\.\n.*allowChanges/);
});

test.serial('other options of the data set and another precision are refused', async (t) => {
  const {training, validation} = (await MaskFolder.open(join(folder, 'images'), {classes: ['blob'], minArea: 5})).split(
    0.3,
  );
  const other = await refusal(t, {data: training, validation});
  t.regex(other.message, /^'data' of a resumed run must have the option `minArea` 1, got 5\./);
  const precision = await refusal(t, {}, {precision: 'bfloat16'});
  t.like(precision, {code: 'INVALID_OPTION'});
  t.regex(precision.message, /must have the precision 'float32' as before, got 'bfloat16'\./);
});

test.serial('another score to choose by is refused, and so is another threshold', async (t) => {
  for (const [change, name] of [
    [{bestBy: 'loss'}, 'bestBy'],
    [{scoreThreshold: 0.1}, 'scoreThreshold'],
  ] as const) {
    const error = await refusal(t, change);
    t.like(error, {code: 'INVALID_OPTION'});
    t.true(error.message.startsWith(`Option '${name}' of a resumed run must be `), error.message);
  }
});

test('syncBatchNorm is kept where it is left out, and must not change', async (t) => {
  const given = {...(await options('images')), resume: true};
  const synced = {...saved, options: {...saved.options, syncBatchNorm: true}};
  t.true(completeResumedOptions({...given, distributed: 'auto'}, synced).syncBatchNorm);
  t.throws(() => completeResumedOptions({...given, distributed: {syncBatchNorm: false}}, synced), {
    code: 'INVALID_OPTION',
    message: /^Option 'syncBatchNorm' of a resumed run must be true as before, got false\./,
  });
});

test('with allowChanges they are told, and scores on other validation data are not compared', async (t) => {
  const given = {...(await options('images')), allowChanges: true, resume: true};
  const state = {...saved, position: {...saved.position, bestScore: 0.5, bestTieBreak: {ap: 0, loss: 1}, sinceBest: 3}};
  const {conditions} = saved;
  const other = {...conditions!, validation: {...conditions!.validation!, own: 'another'}};
  const changed = resumeUnder(other, state, given);
  t.regex(changed.notices.join('\n'), /^Going on regardless: 'validation' of a resumed run must have the fingerprint/);
  t.deepEqual(changed.state.position, {...saved.position, bestScore: null, sinceBest: 0});
  const precision = resumeUnder({...conditions!, precision: 'bfloat16'}, state, given);
  t.is(precision.notices.length, 1);
  t.deepEqual(precision.state.position, state.position);
});

test('another number of threads is told', async (t) => {
  const given = {...(await options('images')), resume: true};
  const {conditions} = saved;
  const {state, notices} = resumeUnder({...conditions!, minor: {...conditions!.minor, threads: 99}}, saved, given);
  t.is(state, saved);
  t.regex(notices.join('\n'), /^Changed since the state was saved: threads \d+ before, 99 now\. Results may differ/);
  t.deepEqual(resumeUnder(conditions!, saved, given), {state: saved, notices: []});
});

test('a state of an older version is resumed, and it is told that nothing could be compared', async (t) => {
  const given = {...(await options('images')), resume: true};
  const older = {...saved, conditions: undefined};
  t.notThrows(() => completeResumedOptions(given, older));
  const {state, notices} = resumeUnder(saved.conditions!, older, given);
  t.is(state, older);
  t.regex(notices.join('\n'), /^The state is of an older version: .* could not be compared\.$/);
});

test.serial('a state of an older version goes on, and images in both sets are told', async (t) => {
  const output = join(folder, 'older');
  await cp(join(folder, 'run'), output, {recursive: true});
  await using model = await maskRcnn(tinyModel);
  await writeTrainingState(RunFolder.statePath(output), {...saved, conditions: undefined}, model);
  const {data} = await options('images');
  const validation = (data as MaskFolder).subset([1, 2]);
  const {write} = process.stderr;
  let told = '';
  process.stderr.write = (text: string | Uint8Array) => {
    told += text;
    return true;
  };
  try {
    const given = {
      ...(await options('images')),
      validation,
      output,
      resume: true,
      limitHours: null,
      log: 'auto',
    } as const;
    t.is((await train(model, given)).history.steps.length, 3);
  } finally {
    process.stderr.write = write;
  }
  t.regex(told, /Going on from step 2\..*The state is of an older version: .* could not be compared\./s);
  const names = validation.files.map(({image}) => image).join(', ');
  const text = `2 images of the validation set are also in the training set, which makes the scores too high: ${names}.`;
  t.true(told.includes(text), told);
});
