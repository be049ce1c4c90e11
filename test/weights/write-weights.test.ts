import {readdir, readFile, utimes, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type {DType, StateTensor} from '../../binding.js';
import {writePth} from '../../lib/weights/pth/write-pth.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {itemSizes, type StateDict, toStateDict} from '../../lib/weights/state-dict.js';
import {writeSafetensors} from '../../lib/weights/write-safetensors.js';
import {writeWeights} from '../../lib/weights/write-weights.js';
import {fixture, floats, temporaryFolder} from './files.js';

const tensors = fc
  .record({
    name: fc.string({minLength: 1, unit: 'binary'}),
    dtype: fc.constantFrom(...(Object.keys(itemSizes) as DType[])),
    shape: fc.array(fc.nat(4), {maxLength: 4}),
    seed: fc.nat(255),
  })
  .map(({name, dtype, shape, seed}): StateTensor => {
    const bytes = shape.reduce((product, side) => product * side, itemSizes[dtype]);
    return {name, dtype, shape, data: Uint8Array.from({length: bytes}, (_, i) => (i * 37 + seed) & 255)};
  });

/** JSON objects put keys that look like indices first, so such names would come back in another order. */
const dicts = fc
  .array(tensors, {maxLength: 6})
  .map((list) => toStateDict(list.filter(({name}) => !/^\d+$/.test(name))));

test('what is written is read: .safetensors and .pth', async (t) => {
  const folder = await temporaryFolder(t);
  await fc.assert(
    fc.asyncProperty(dicts, async (dict) => {
      const file = join(folder, 'any');
      await writeSafetensors(file, dict);
      t.deepEqual([...(await readWeights(file)).tensors], [...dict]);
      // The .pth reader rejects a state dict without tensors, and a name may be that of a wrapper.
      if (dict.size === 0) return;
      await writePth(file, dict);
      t.deepEqual([...(await readWeights(file)).tensors], [...dict]);
    }),
    {numRuns: 100, seed: 22},
  );
});

test('temporary files that a killed process has left are removed by the next save, fresh ones are not', async (t) => {
  const folder = await temporaryFolder(t);
  const names = ['w.safetensors.0123abcd.tmp', 'w.safetensors.0123abce.tmp', 'v.safetensors.0123abcd.tmp'];
  for (const name of names) await writeFile(join(folder, name), '');
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const name of [names[0]!, names[2]!]) await utimes(join(folder, name), hourAgo, hourAgo);
  await writeWeights(join(folder, 'w.safetensors'), toStateDict([floats('a', [1], [1])]), {});
  t.deepEqual((await readdir(folder)).sort(), [names[2], 'w.safetensors', names[1]].sort());
});

test('class names and other metadata survive both formats', async (t) => {
  const folder = await temporaryFolder(t);
  const dict = toStateDict([floats('a', [1], [1])]);
  const metadata = {classes: ['gland', 'Drüse'], backbone: 'resnet50'};
  await writeSafetensors(join(folder, 'a.safetensors'), dict, metadata);
  await writePth(join(folder, 'a.pth'), dict, metadata);
  t.deepEqual((await readWeights(join(folder, 'a.safetensors'))).metadata, {...metadata, format: 'pt'});
  t.deepEqual((await readWeights(join(folder, 'a.pth'))).metadata, metadata);
});

test('a checkpoint with plain data beside the state dict', async (t) => {
  const file = join(await temporaryFolder(t), 'checkpoint.pth');
  const model = (await readWeights(fixture('zip.pth'))).tensors;
  await writePth(file, {model, epoch: 3, rates: [0.5, -1, 2 ** 40], best: null, done: false, name: 'x'});
  const {tensors: read, notes} = await readWeights(file);
  t.deepEqual(read, model);
  t.deepEqual(notes, ["took the state dict from 'model' and left 'epoch', 'rates', 'best', 'done', 'name'"]);
});

test('tensors of a .pth file begin at multiples of 64, of a .safetensors file at multiples of their element size', async (t) => {
  const folder = await temporaryFolder(t);
  const mark = (dtype: DType, byte: number): StateTensor => ({
    name: dtype,
    dtype,
    shape: [3],
    data: new Uint8Array(3 * itemSizes[dtype]).fill(byte),
  });
  const dict = toStateDict([mark('uint8', 0xe1), mark('float32', 0xe2), mark('int64', 0xe3), mark('float16', 0xe4)]);
  await writePth(join(folder, 'a.pth'), dict);
  await writeSafetensors(join(folder, 'a.safetensors'), dict);
  const pth = await readFile(join(folder, 'a.pth'));
  const safetensors = await readFile(join(folder, 'a.safetensors'));
  for (const {dtype, data} of dict.values()) {
    t.is(pth.indexOf(data) % 64, 0);
    t.is(safetensors.indexOf(data) % itemSizes[dtype], 0);
  }
});

test('a tensor whose bytes are not those of its shape is refused before anything is written', async (t) => {
  const folder = await temporaryFolder(t);
  const dict: StateDict = new Map([['a', {name: 'a', dtype: 'float32', shape: [2], data: new Uint8Array(4)}]]);
  for (const write of [writeSafetensors, writePth]) {
    await t.throwsAsync(write(join(folder, 'file'), dict), {
      code: 'INVALID_OPTION',
      message: 'tensor a of shape [2] in float32 should have 8 bytes, but has 4.',
    });
  }
  t.deepEqual(await readdir(folder), []);
});

test('when the disk is full the file of before stays', async (t) => {
  const folder = await temporaryFolder(t);
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {code: 'ENOSPC', syscall: 'write'});
  for (const write of [writeSafetensors, writePth]) {
    const file = join(folder, 'weights');
    await writeFile(file, 'before');
    // The bytes are requested twice: first to check them, then to write them.
    let asked = 0;
    const tensor = {
      ...floats('b', [1], [1]),
      get data(): Uint8Array {
        if (++asked > 2) throw full;
        return new Uint8Array(4);
      },
    };
    await t.throwsAsync(write(file, toStateDict([floats('a', [1], [1]), tensor])), {
      code: 'WRITE_FAILED',
      message: /weights could not be written: ENOSPC: no space left on device, write/,
    });
    t.is(await readFile(file, 'utf8'), 'before');
    t.deepEqual(await readdir(folder), ['weights']);
  }
});
