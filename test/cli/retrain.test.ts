import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {runCli} from '../../lib/cli/run.js';
import {maskRcnn, type StateDict} from '../../lib/index.js';
import {temporaryFolder} from '../examples/run-example.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {blobSample, tinyModel} from '../tiny.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

type Task = {data: object; predictions: {result: {value: Record<string, unknown>; type: string}[]}[]};

/** What Label Studio exports after people have looked at the predictions: `correct` is what they did to one. */
async function exported(name: string, correct: (result: Task['predictions'][0]['result']) => void): Promise<string> {
  const tasks = JSON.parse(await readFile(at('found', 'label-studio', 'tasks.json'), 'utf8')) as Task[];
  const corrected = tasks.map(({data, predictions: [prediction]}, id) => {
    const result = structuredClone(prediction!.result);
    if (id === 0) correct(result);
    return {id: id + 1, data, annotations: [{id: id + 1, was_cancelled: false, result}], predictions: []};
  });
  await writeFile(at(name), JSON.stringify(corrected));
  return at(name);
}

const floats = (dict: StateDict, name: string) => new Float32Array(dict.get(name)!.data.slice().buffer);
const BIAS = 'roi_heads.box_predictor.cls_score.bias';

/** So little is learnt that weights stay what they were, to a few digits. */
const LITTLE = ['--lr', '1e-9', '--epochs', '1', '--validation', '0'];

test.before(async () => {
  folder = await temporaryFolder();
  await mkdir(at('scans'));
  for (let i = 0; i < 4; i++) {
    const {data, width, height} = blobSample(i).image as {data: Uint8Array; width: number; height: number};
    await sharp(data, {raw: {width, height, channels: 3}}).toFile(at('scans', `blob_${i}.png`));
  }
  await using model = await maskRcnn({...tinyModel, classes: ['blob', 'ring']});
  await mkdir(at('runs'));
  await model.save(at('first.safetensors'));
});

test.serial('a run goes on from the folder of another with what people corrected in Label Studio', async (t) => {
  const out = ['--output', at('found'), '--save', 'label-studio', '--score-threshold', '0', '--max-detections', '3'];
  t.like(await maskrcnn('predict', at('first.safetensors'), at('scans'), '--order', 'doubt', ...out), {code: 0});
  const rename = (result: Task['predictions'][0]['result'], name: string) => {
    for (const {value, type} of result) value[type] = [name];
  };
  const all = await exported('all.json', (result) => rename(result.slice(0, 1), 'ring'));
  const where = ['--images', at('scans'), '--classes', 'blob,ring', '--no-inspect'];
  const first = await maskrcnn(
    'train',
    all,
    ...where,
    '--weights',
    at('first.safetensors'),
    '--output',
    at('runs', 'a'),
    ...LITTLE,
  );
  t.is(first.code, 0, first.err);
  t.notRegex(first.err, /replaced/);

  // The folder of the run, and a class that is new.
  const more = await exported('more.json', (result) => {
    rename(result.slice(0, 1), 'ring');
    rename(result.slice(1, 2), 'star');
  });
  const classes = ['--images', at('scans'), '--classes', 'star,ring,blob', '--no-inspect'];
  const second = await maskrcnn(
    'train',
    more,
    ...classes,
    '--weights',
    at('runs', 'a'),
    '--output',
    at('runs', 'b'),
    ...LITTLE,
  );
  t.is(second.code, 0, second.err);
  t.regex(second.err, /for the 3 classes star, ring, blob; kept what it knows of ring, blob\./);
  await using before = await maskRcnn({weights: at('runs', 'a')});
  await using after = await maskRcnn({weights: at('runs', 'b')});
  t.deepEqual(after.classes, ['star', 'ring', 'blob']);
  const sizes = {seed: 0, numClasses: 0};
  t.deepEqual({...after.options, ...sizes}, {...before.options, ...sizes}, 'sizes and backbone need not be repeated');
  const [old, now] = [floats(await before.stateDict(), BIAS), floats(await after.stateDict(), BIAS)];
  const near = (a: number | undefined, b: number | undefined) => Math.abs(a! - b!) < 1e-6;
  t.true(near(now[0], old[0]), 'background');
  t.true(near(now[2], old[2]), 'ring');
  t.true(near(now[3], old[1]), 'blob');
});

test.serial('data without objects of a class do not make the network forget it unnoticed', async (t) => {
  const few = await exported('few.json', () => {});
  const tasks = JSON.parse(await readFile(few, 'utf8')) as {annotations: [{result: {value: object; type: string}[]}]}[];
  for (const {annotations} of tasks) {
    for (const {value, type} of annotations[0].result) Object.assign(value, {[type]: ['blob']});
  }
  await writeFile(few, JSON.stringify(tasks));
  const options = ['--images', at('scans'), '--no-inspect', '--weights', at('runs', 'b'), ...LITTLE];
  const {code, err} = await maskrcnn('train', few, ...options, '--output', at('runs', 'c'));
  t.is(code, 0, err);
  t.regex(err, /kept what it knows of blob; gave up star, ring, which option --classes can keep\./);
  const kept = await maskrcnn('train', few, ...options, '--classes', 'star,ring,blob', '--output', at('runs', 'd'));
  t.is(kept.code, 0, kept.err);
  t.notRegex(kept.err, /replaced/);
});
