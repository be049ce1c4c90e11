import {mkdtemp, open, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {crc32} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import type {StateTensor} from '../../binding.js';
import type {ModelDescription} from '../../lib/model/checkpoint.js';
import {readTrainingState, START, type TrainingState, writeTrainingState} from '../../lib/train/state.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {toStateDict} from '../../lib/weights/state-dict.js';
import {writeSafetensors} from '../../lib/weights/write-safetensors.js';

const description = {classes: ['cell'], options: {backbone: 'resnet18'}} as unknown as ModelDescription;
const tensor = (name: string, length: number): StateTensor => ({
  name,
  dtype: 'uint8',
  shape: [length],
  data: new Uint8Array(length).fill(7),
});
const state: TrainingState = {
  // Larger than the parts of the checksum.
  model: toStateDict([tensor('weight', 20 << 20), tensor('bias', 3)]),
  optimizer: [tensor('moment', 5)],
  position: {...START, step: 4, bestScore: 0.5, bestTieBreak: {ap: null, loss: 1.5}},
  options: {lr: 0.1} as TrainingState['options'],
  images: 3,
  runId: 'run-1',
  conditions: {
    data: {length: 3, classes: ['cell'], samples: 'abcdefgh'.repeat(3)},
    validation: null,
    precision: 'float32',
    device: 'cpu',
    minor: {threads: 2},
  },
};

/** The state in a form that ava compares quickly. */
const comparable = ({model, optimizer, ...rest}: TrainingState) => ({
  ...rest,
  tensors: [...model.values(), ...optimizer].map(({data, ...tensor}) => ({...tensor, crc: crc32(data)})),
});

async function written(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-state-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const path = join(folder, 'last.state.safetensors');
  await writeTrainingState(path, state, description);
  return path;
}

test('a state is read as it was written', async (t) => {
  t.deepEqual(comparable(await readTrainingState(await written(t), description)), comparable(state));
});

test('a state with a flipped bit is refused by name', async (t) => {
  const path = await written(t);
  const bytes = await readFile(path);
  const headerLength = Number(bytes.readBigUInt64LE());
  const places = [
    bytes.length - 1,
    8 + headerLength + 1000,
    8 + headerLength + (15 << 20),
    bytes.indexOf('"step\\":4'.replace('"', '\\"')) + 9, // the position
  ];
  for (const place of places) {
    const file = await open(path, 'r+');
    await file.write(Uint8Array.of(bytes[place]! ^ 1), 0, 1, place);
    const error = await t.throwsAsync(readTrainingState(path, description), {code: 'INVALID_CHECKPOINT'});
    t.like(error, {file: path});
    t.true(error!.message.startsWith(`${path} is damaged: its content must have the checksum `), error!.message);
    await file.write(Uint8Array.of(bytes[place]!), 0, 1, place);
    await file.close();
  }
  await t.notThrowsAsync(readTrainingState(path, description));
});

test('a state with a flipped bit in the header of its file says what to do', async (t) => {
  const path = await written(t);
  const bytes = await readFile(path);
  for (const place of [3, 12, 20, 8 + Number(bytes.readBigUInt64LE()) - 2]) {
    await writeFile(path, bytes.with(place, bytes[place]! ^ 4));
    const error = await t.throwsAsync(readTrainingState(path, description), {code: 'INVALID_CHECKPOINT'});
    t.like(error, {file: path});
    t.regex(error!.message, /The run cannot be resumed from it\. Begin another one/, `byte ${place}`);
  }
});

test('a state without checksum whose JSON is damaged is refused by name', async (t) => {
  const path = await written(t);
  const {tensors, metadata} = await readWeights(path);
  const {maskrcnn_checksum: _, ...older} = metadata;
  const training = String(older.maskrcnn_training);
  for (const damaged of ['', training.slice(0, 30), 'null', '3', '[]', '{}', '{"position": null}']) {
    await writeSafetensors(path, tensors, {...older, maskrcnn_training: damaged});
    const error = await t.throwsAsync(readTrainingState(path, description), {code: 'INVALID_CHECKPOINT'}, damaged);
    t.like(error, {file: path});
    t.true(error!.message.startsWith(`${path} is damaged: its metadata `), error!.message);
  }
  for (const damaged of ['', '{"backb', 'null', '[]']) {
    await writeSafetensors(path, tensors, {...older, maskrcnn: damaged, maskrcnn_options: damaged});
    const error = await t.throwsAsync(
      readTrainingState(path, {...description, options: {backbone: 'resnet50'}} as never),
    );
    t.like(error, {code: 'INVALID_CHECKPOINT', file: path}, damaged);
  }
});

test('a state of an older version, without checksum, id and conditions, is read', async (t) => {
  const path = await written(t);
  const {tensors, metadata} = await readWeights(path);
  const {maskrcnn_checksum: _, maskrcnn_training: training, ...network} = metadata;
  const {runId, conditions, ...older} = JSON.parse(String(training));
  await writeSafetensors(path, tensors, {...network, maskrcnn_training: JSON.stringify(older)});
  t.deepEqual(
    comparable(await readTrainingState(path, description)),
    comparable({...state, runId: undefined, conditions: undefined}),
  );
  await writeFile(path, 'something else');
  await t.throwsAsync(readTrainingState(path, description), {code: 'INVALID_CHECKPOINT'});
});
