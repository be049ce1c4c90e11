import test from 'ava';
import type {Model as NativeModel} from '../../../binding.js';
import {loadBinding} from '../../../lib/addon/binding.js';
import type {StateTensor} from '../../../lib/index.js';
import {completeModelOptions} from '../../../lib/model/complete-options.js';
import {fingerprints, tinyModel} from '../../tiny.js';

const {Model, freeBytes, lendBytes} = await loadBinding();

async function tinyNative(seed: number): Promise<NativeModel> {
  const {classes, ...options} = {...tinyModel, seed};
  const circumstances = {pretrained: false, cocoV1: false, numClasses: classes.length + 1, device: 'cpu', threads: 2};
  return Model.create(completeModelOptions(options, circumstances).options);
}

const fingerprintsOf = (tensors: StateTensor[]) =>
  fingerprints(new Map(tensors.map((tensor) => [tensor.name, tensor])));

/** The same tensors in lent memory. */
const lend = (tensors: StateTensor[]): StateTensor[] =>
  tensors.map((tensor) => {
    const data = lendBytes(tensor.data.length);
    data.set(tensor.data);
    return {...tensor, data};
  });

test('a model takes lent memory over, or copies it', async (t) => {
  const source = await (await tinyNative(1)).stateDict();
  const expected = fingerprintsOf(source);
  for (const consume of [true, false]) {
    const model = await tinyNative(2);
    const lent = lend(source);
    await model.loadStateDict(lent, {consume});
    t.true(lent.every(({data}, i) => data.length === (consume ? 0 : source[i]!.data.length)));
    t.deepEqual(fingerprintsOf(await model.stateDict()), expected);
  }
});

test('lent memory stays valid where a model takes only part of it', async (t) => {
  const [first, ...others] = await (await tinyNative(1)).stateDict();
  const expected = fingerprintsOf([first!, ...others]);
  const whole = lendBytes(first!.data.length + 1).fill(7);
  whole.set(first!.data);
  const model = await tinyNative(2);
  await model.loadStateDict([{...first!, data: whole.subarray(0, -1)}, ...others], {consume: true});
  t.is(whole.at(-1), 7);
  t.deepEqual(fingerprintsOf(await model.stateDict()), expected);
});

test('a length that is none is refused', (t) => {
  for (const length of [0, -1, 1.5, Number.NaN]) t.throws(() => lendBytes(length), {instanceOf: RangeError});
});

test('pixels that are lent are detected on as those that are copied, and stay whole', async (t) => {
  const model = await tinyNative(3);
  const [width, height] = [64, 48];
  const data = Uint8Array.from({length: width * height * 3}, (_, i) => (i * 37) % 251);
  const before = Uint8Array.from(data);
  const options = {scoreThreshold: 0, maxDetections: 10, maskFormat: 'rle', maskThreshold: 0.5, views: 1} as const;
  const [copied] = await model.detect([{data, width, height}], options);
  const [lent] = await model.detect([{data, width, height, lent: true}], options);
  t.deepEqual(lent, copied);
  t.deepEqual(data, before);
});

test('the memory of an array is freed at once, but not that of a part of a buffer', (t) => {
  const whole = new Uint8Array(1000);
  freeBytes(whole);
  freeBytes(whole);
  t.is(whole.length, 0);
  const part = new Uint8Array(1000).subarray(1);
  freeBytes(part);
  t.is(part.length, 999);
  t.throws(() => freeBytes('text' as unknown as Uint8Array), {instanceOf: TypeError});
});
