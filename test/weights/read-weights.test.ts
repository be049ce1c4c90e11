import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {readWeights} from '../../lib/weights/read-weights.js';
import {itemSizes} from '../../lib/weights/state-dict.js';
import {fixture, pickle, temporaryFolder, text, values, writeLegacyVectors} from './files.js';

const modelNames = [
  'conv.weight',
  'conv.bias',
  'norm.weight',
  'norm.bias',
  'norm.running_mean',
  'norm.running_var',
  'norm.num_batches_tracked',
];

for (const [name, format] of [
  ['zip.pth', 'pth-zip'],
  ['legacy.pth', 'pth-legacy'],
  ['deflated.pth', 'pth-zip'],
  ['wrapped.pth', 'pth-zip'],
  ['wrapped-legacy.pth', 'pth-legacy'],
] as const) {
  test(`${name} has the tensors that safetensors has`, async (t) => {
    const expected = await readWeights(fixture('plain.safetensors'));
    const actual = await readWeights(fixture(name));
    t.is(actual.format, format);
    t.deepEqual([...actual.tensors.keys()], modelNames);
    t.deepEqual([...expected.tensors.keys()].sort(), modelNames.toSorted());
    for (const [tensorName, tensor] of actual.tensors) t.deepEqual(tensor, expected.tensors.get(tensorName));
  });
}

test('of a training checkpoint the state dict is taken, and said so', async (t) => {
  const {notes} = await readWeights(fixture('wrapped.pth'));
  t.deepEqual(notes, [
    "took the state dict from 'model' and left 'optimizer', 'lr_scheduler', 'args', 'size', 'epoch'",
    "took the prefix 'module.' off every name",
  ]);
  t.deepEqual((await readWeights(fixture('wrapped-legacy.pth'))).notes, [
    "took the state dict from 'state_dict' and left 'epoch'",
  ]);
  t.deepEqual((await readWeights(fixture('zip.pth'))).notes, []);
});

test('scores of NumPy and other plain values beside the weights are left', async (t) => {
  const {tensors, notes} = await readWeights(fixture('beside.pth'));
  t.deepEqual([...tensors.keys()], modelNames);
  t.deepEqual(notes, [
    "took the state dict from 'model' and left 'best', 'flag', 'dtype', 'curve', 'names', 'raw', 'array', 'z' and 4 more",
  ]);
});

for (const module of ['numpy.core.multiarray', 'numpy._core.multiarray']) {
  test(`a scalar of ${module} beside the tensors is skipped`, async (t) => {
    const file = join(await temporaryFolder(t), 'scalar.pth');
    const dtype = pickle(
      'cnumpy\ndtype\n',
      text('f8'),
      '\x89\x88\x87R(K\x03',
      text('<'),
      'NNNJ\xff\xff\xff\xffK\x00tb',
    );
    const scalar = pickle('c', module, '\nscalar\n', dtype, 'C\x08', new Uint8Array(8), '\x86R');
    await writeLegacyVectors(file, ['a'], pickle(text('best'), scalar));
    const {tensors, notes} = await readWeights(file);
    t.deepEqual([...tensors.keys()], ['a']);
    t.deepEqual(notes, ["skipped entries that are not tensors: 'best'"]);
  });
}

test('a prefix that is there thousands of times is taken off at once', async (t) => {
  const file = join(await temporaryFolder(t), 'prefixed.pth');
  for (const prefix of ['module.'.repeat(20_000), 'module._orig_mod.'.repeat(3)]) {
    const names = [`${prefix}a`, `${prefix}b`];
    await writeLegacyVectors(file, names);
    const {tensors, notes} = await readWeights(file);
    t.deepEqual([...tensors.keys()], ['a', 'b']);
    const shown = prefix.length > 80 ? `${prefix.slice(0, 79)}…` : prefix;
    t.deepEqual(notes, [`took the prefix '${shown}' off every name`]);
  }
  const names = [`${'module.'.repeat(20_000)}a`, 'b'];
  await writeLegacyVectors(file, names);
  t.deepEqual([...(await readWeights(file)).tensors.keys()], names);
});

for (const name of ['dtypes.pth', 'dtypes-legacy.pth', 'dtypes.safetensors']) {
  test(`${name} has every dtype`, async (t) => {
    const {tensors} = await readWeights(fixture(name));
    t.deepEqual([...tensors.keys()].sort(), Object.keys(itemSizes).sort());
    for (const tensor of tensors.values()) {
      t.is(tensor.dtype, tensor.name as typeof tensor.dtype);
      t.deepEqual(tensor.shape, [2, 3]);
      t.deepEqual(values(tensor), tensor.dtype === 'bool' ? [0, 1, 1, 0, 0, 1] : [0, 1, 2, 3, 4, 5]);
    }
  });
}

for (const name of ['views.pth', 'views-legacy.pth', 'views-protocol-4.pth']) {
  test(`${name}: strides, offsets and shared storages are made contiguous`, async (t) => {
    const expected = JSON.parse(await readFile(fixture('views.json'), 'utf8'));
    const {tensors} = await readWeights(fixture(name));
    const actual = Array.from(tensors.values(), (tensor) => [
      tensor.name,
      {shape: tensor.shape, values: values(tensor)},
    ]);
    t.deepEqual(Object.fromEntries(actual), expected);
  });
}

test('class names in the metadata arrive as a list', async (t) => {
  t.deepEqual((await readWeights(fixture('dtypes.safetensors'))).metadata, {classes: ['gland', 'lumen']});
});

test('what is no state dict of dense tensors is refused with the reason', async (t) => {
  const cases: [string, string, RegExp][] = [
    ['uint16.pth', 'INVALID_CHECKPOINT', /has tensor a in uint16, expected one of float32, float64/],
    ['complex.pth', 'INVALID_CHECKPOINT', /has tensor a in complex64, expected one of float32/],
    ['sparse.pth', 'INVALID_CHECKPOINT', /has a sparse tensor 'a', expected only dense ones/],
    ['big-endian.pth', 'INVALID_CHECKPOINT', /has byte order 'big', expected 'little'/],
    ['torchscript.pth', 'INVALID_CHECKPOINT', /is a TorchScript archive, expected a state dict/],
    [
      'module.pth',
      'UNSAFE_CHECKPOINT',
      /names train\.Whole, expected only tensors and plain data; nothing was executed/,
    ],
    ['versions.json', 'INVALID_CHECKPOINT', /is neither a \.pth file of torch\.save nor a \.safetensors file/],
    ['absent.pth', 'INVALID_CHECKPOINT', /could not be opened: ENOENT/],
    ['', 'INVALID_CHECKPOINT', /is not a file/],
  ];
  for (const [name, code, message] of cases) {
    const error = await t.throwsAsync(readWeights(fixture(name)), {code, message});
    t.true(error?.message.startsWith(fixture(name)));
  }
});

test('files that are often taken for weights are recognised', async (t) => {
  const file = join(await temporaryFolder(t), 'weights.pth');
  const tar = Buffer.alloc(512);
  tar.write('ustar', 257);
  for (const [content, message] of [
    ['', /is empty, expected a \.pth or \.safetensors file/],
    ['<!DOCTYPE html><html>', /looks like a web page/],
    ['version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
    [tar, /tar archive, as torch\.save wrote before 0\.1\.10/],
  ] as const) {
    await writeFile(file, content);
    await t.throwsAsync(readWeights(file), {code: 'INVALID_CHECKPOINT', message});
  }
});

test('an aborted read rejects with the reason', async (t) => {
  const reason = new Error('enough');
  t.is(await t.throwsAsync(readWeights(fixture('zip.pth'), {signal: AbortSignal.abort(reason)})), reason);
});
