import test from 'ava';
import type {Dataset} from '../../lib/datasets/dataset.js';
import {type Changes, type Conditions, compareConditions, refuseChanges} from '../../lib/train/conditions.js';
import {blobs} from '../tiny.js';

const data = blobs(3);
const before: Conditions = {
  data: {length: 3, classes: ['blob']},
  validation: {length: 2, classes: ['blob']},
  precision: 'float32',
  device: 'cpu',
  minor: {maskrcnn: '1.0.0', libtorch: '2.13.0', threads: 4, 'CPU capability': 'AVX2'},
};

function compare(change: Partial<Conditions>, validation: Dataset | undefined = blobs(2)): Changes {
  return compareConditions(before, {...before, ...change}, {data, ...(validation && {validation})});
}

const texts = ({major}: Changes) => major.map(({text}) => text);

test('nothing is told where nothing has changed', (t) => {
  const changes = compare({});
  t.deepEqual(changes, {major: [], minor: [], ofValidation: false});
  t.notThrows(() => refuseChanges(changes, 'last.state.safetensors'));
});

test('another precision or kind of device is refused', (t) => {
  const changes = compare({precision: 'bfloat16', device: 'cuda'});
  t.throws(() => refuseChanges(changes, 'last.state.safetensors'), {
    code: 'INVALID_OPTION',
    message:
      /^The model of a resumed run must have the precision 'float32' as before, got 'bfloat16'\. .* the device 'cpu' as before, got 'cuda'\.\n.*allowChanges: true/,
  });
});

test('validation data that were changed, added or taken away are refused', (t) => {
  const fewer = compare({validation: {length: 1, classes: ['blob']}});
  t.deepEqual(texts(fewer), ["'validation' of a resumed run must have its 2 images, got 1."]);
  t.true(fewer.ofValidation);
  t.throws(() => refuseChanges(fewer, 'last.state.safetensors'), {code: 'INVALID_DATASET'});
  t.deepEqual(texts(compareConditions(before, {...before, validation: null}, {data})), [
    "'validation' of a resumed run must be given as before, got none.",
  ]);
  const added = compareConditions({...before, validation: null}, before, {data, validation: blobs(2)});
  t.deepEqual(texts(added), ["'validation' of a resumed run must be none as before, got one of 2 images."]);
});

test('threads and versions are told and not refused', (t) => {
  const changes = compare({minor: {...before.minor, libtorch: '2.14.0', threads: 2}});
  t.deepEqual(changes.minor, ['libtorch 2.13.0 before, 2.14.0 now', 'threads 4 before, 2 now']);
  t.deepEqual(changes.major, []);
});
