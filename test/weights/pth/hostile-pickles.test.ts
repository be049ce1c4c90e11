import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {readWeights} from '../../../lib/weights/read-weights.js';
import {fixture, pickle, temporaryFolder, text, writeLegacy, writeZip} from '../files.js';

test('names outside the allow-list are refused, whichever way they are named', async (t) => {
  const folder = await temporaryFolder(t);
  const cases: [string, Buffer, string][] = [
    ['reduce', pickle('\x80\x02cposix\nsystem\n', text('echo'), '\x85R.'), 'posix.system'],
    ['os', pickle('\x80\x02cos\nsystem\n', text('echo'), '\x85R.'), 'os.system'],
    ['eval', pickle('\x80\x02c__builtin__\neval\n', text('1'), '\x85R.'), '__builtin__.eval'],
    ['getattr', pickle('\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.'), 'builtins.getattr'],
    ['nested name', pickle('\x80\x04\x8c\x05torch\x8c\x10load.__globals__\x93.'), 'torch.load.__globals__'],
    ['prototype', pickle('\x80\x02ctorch._utils\nconstructor\n.'), 'torch._utils.constructor'],
    ['prototype of storages', pickle('\x80\x02ctorch\n__proto__\n.'), 'torch.__proto__'],
    ['inner pickle', pickle('\x80\x02ctorch.storage\n_load_from_bytes\n.'), 'torch.storage._load_from_bytes'],
    ['inst', pickle('(S"echo"\nios\nsystem\n.'), 'os.system'],
    ['obj', pickle('(cos\nsystem\n', text('echo'), 'o.'), 'os.system'],
    ['within a dict', pickle('\x80\x02}', text('a'), 'cos\nsystem\ns.'), 'os.system'],
    ['loader of NumPy', pickle('\x80\x02cnumpy\nload\n.'), 'numpy.load'],
    [
      'pickled NumPy',
      pickle('\x80\x02cnumpy._core.multiarray\n_load_from_bytes\n.'),
      'numpy._core.multiarray._load_from_bytes',
    ],
    [
      'eval of NumPy',
      pickle('\x80\x02cnumpy.testing._private.utils\nrunstring\n.'),
      'numpy.testing._private.utils.runstring',
    ],
    ['control characters', pickle('\x80\x02c\x1b[2J\nx\n.'), '?[2J.x'],
    ['extension 1', pickle('\x80\x02\x82\x05.'), 'code 5 of the extension registry'],
    ['extension 2', pickle('\x80\x02\x83\x05\x01.'), 'code 261 of the extension registry'],
    ['extension 4', pickle('\x80\x02\x84\x05\x00\x00\x00.'), 'code 5 of the extension registry'],
  ];
  for (const [name, bytes, named] of cases) {
    const files = [
      await writeLegacy(join(folder, 'legacy.pth'), bytes),
      await writeZip(join(folder, 'zip.pth'), {'zip/data.pkl': bytes}),
    ];
    for (const file of files) {
      const error = await t.throwsAsync(readWeights(file), {code: 'UNSAFE_CHECKPOINT'}, name);
      t.is(
        error?.message.split('\n')[0],
        `${file} names ${named}, expected only tensors and plain data; nothing was executed.`,
      );
    }
  }
});

test('broken rules and claims that no file can keep are refused', async (t) => {
  const folder = await temporaryFolder(t);
  const rebuild = (shape: Buffer, strides: Buffer) =>
    pickle(
      '\x80\x02}',
      text('a'),
      'ctorch._utils\n_rebuild_tensor_v2\n((',
      text('storage'),
      'ctorch\nFloatStorage\n',
      text('0'),
      text('cpu'),
      'K\x01tQK\x00',
      shape,
      strides,
      '\x89}tRs.',
    );
  const million = pickle('J\x40\x42\x0f\x00');
  const cases: [Buffer, RegExp][] = [
    [pickle('.'), /it uses a value that is not there/],
    [pickle('\x80\x02('), /it ends within an operand of 1 byte/],
    [pickle('\x80\x09N.'), /it is of protocol 9/],
    [pickle('\x80\x02\xff.'), /unknown opcode 0xff/],
    [pickle('\x80\x02\x97.'), /unknown opcode 0x97/],
    [pickle('\x80\x02NR.'), /it uses a value that is not there/],
    [pickle('\x80\x02N)R.'), /it calls something that is not a function/],
    [pickle('\x80\x02ctorch\nFloatStorage\n)R.'), /it calls something that is not a function/],
    [pickle('\x80\x02ccollections\nOrderedDict\nNR.'), /calls collections\.OrderedDict without arguments/],
    [pickle('\x80\x02]NNs.'), /it sets items of something that is not a dict/],
    [pickle('\x80\x02}(Nu.'), /it sets an item without a value/],
    [pickle('\x80\x02}Na.'), /it appends to something that is not a list/],
    [pickle('\x80\x02](N\x90.'), /it adds members to something that is not a set/],
    [pickle('\x80\x02]}b.'), /it sets the state of a value that has none/],
    [pickle('\x80\x02NNu.'), /it uses a mark that is not there/],
    [pickle('\x80\x02(N\x85\x86.'), /it uses a value that is not there/],
    [pickle('\x80\x02h\x07.'), /recalls value 7, which it has not remembered/],
    [pickle('\x80\x02Nr\xff\xff\xff\xff.'), /remembers more than 4000000 values/],
    [pickle('\x80\x02Np-1\n.'), /remembers more than 4000000 values/],
    [pickle('\x80\x02X\xff\xff\xff\xffabc.'), /ends within an operand of 4294967295 bytes/],
    [pickle('\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.'), /an operand claims 18446744073709551615 bytes/],
    [pickle('\x80\x02T\xff\xff\xff\xff.'), /an operand claims -1 bytes/],
    [pickle('\x80\x02\x8b\xff\xff\xff\x7f.'), /an integer claims 2147483647 bytes/],
    [pickle(`L${'9'.repeat(100_000)}\n.`), /expected a decimal integer/],
    [pickle('\x80\x02NQ.'), /expected a storage as persistent object/],
    [pickle('\x80\x02)Q.'), /expected a storage as persistent object/],
    [rebuild(pickle('(', million, million, million, 't'), pickle('K\x00K\x00K\x00\x87')), /the impossible shape/],
    [
      rebuild(pickle('J\xff\xff\xff\xff\x85'), pickle('K\x01\x85')),
      /expected a whole number as the side of a tensor, not -1/,
    ],
    [rebuild(pickle('K\x01\x85'), pickle(')')), /expected a shape and strides of one length/],
    [rebuild(pickle('}\x85'), pickle('K\x01\x85')), /side of a tensor, not a value of type object/],
    // 10^12 elements with strides of 0.
    [rebuild(pickle(million, million, '\x86'), pickle('K\x00K\x00\x86')), /its tensors claim 4000000000000 bytes/],
    [rebuild(pickle('K\x02\x85'), pickle('K\x01\x85')), /tensor a ends at byte 8 of a storage of 4 bytes/],
    [rebuild(pickle('K\x02\x85'), pickle('J\xff\xff\xff\x7f\x85')), /of a storage of 4 bytes/],
  ];
  for (const [bytes, message] of cases) {
    const data = {'zip/data.pkl': bytes, 'zip/data/0': Buffer.alloc(4)};
    const file = await writeZip(join(folder, 'zip.pth'), data);
    await t.throwsAsync(readWeights(file), {code: 'INVALID_CHECKPOINT', message});
  }
});

test('deep nesting, cycles and repetition take neither stack nor memory', async (t) => {
  const folder = await temporaryFolder(t);
  const read = async (bytes: Buffer) => readWeights(await writeLegacy(join(folder, 'file.pth'), bytes));
  const noStateDict = {code: 'INVALID_CHECKPOINT', message: /holds no state dict/};
  await t.throwsAsync(read(pickle('\x80\x02N', '\x85'.repeat(1_000_000), '.', '\x80\x02].')), noStateDict);
  await t.throwsAsync(read(pickle('\x80\x02]q\x00h\x00a.', '\x80\x02].')), noStateDict);
  const selfContained = pickle('\x80\x02}q\x00', text('model'), 'h\x00s.', '\x80\x02].');
  await t.throwsAsync(read(selfContained), noStateDict);
  // 10^100 elements, if they were visited.
  const laughs = pickle('\x80\x02]q\x00', `]q\x01(${'h\x00'.repeat(10)}eq\x00`.repeat(100), '.', '\x80\x02].');
  await t.throwsAsync(read(laughs), noStateDict);
  // One long list, passed to OrderedDict repeatedly.
  const list = pickle(']q\x00(', ')'.repeat(50_000), 'e0');
  const calls = 'ccollections\nOrderedDict\nh\x00\x85R0'.repeat(1000);
  await t.throwsAsync(read(pickle('\x80\x02', list, calls, 'N.')), {
    code: 'INVALID_CHECKPOINT',
    message: /expected pairs for an OrderedDict|its calls handle more than 2000000 values/,
  });
  const pair = pickle(']q\x00(', 'K\x01K\x02\x86'.repeat(50_000), 'e0');
  await t.throwsAsync(read(pickle('\x80\x02', pair, calls, 'N.')), {
    code: 'INVALID_CHECKPOINT',
    message: /its calls handle more than 2000000 values/,
  });
});

test('protocols 0 and 1 are understood', async (t) => {
  const folder = await temporaryFolder(t);
  const object = pickle(
    '(dp0\nVa\np1\n',
    "ctorch._utils\n_rebuild_tensor\n((S'storage'\nctorch\nLongStorage\nS'7'\nVcpu\nI2\nNtQI0\n(L2L\nt(I1\nttRp2\ns",
    'Vflag\nI01\nsVrate\nF0.5\nsVlist\n(lp3\nI1\nas.',
  );
  const file = await writeLegacy(
    join(folder, 'old.pth'),
    pickle(object, '(lS"7"\na.', new Uint8Array(BigInt64Array.of(2n, 5n, -6n).buffer)),
  );
  const {tensors, notes} = await readWeights(file);
  const data = new Uint8Array(BigInt64Array.of(5n, -6n).buffer);
  t.deepEqual([...tensors.values()], [{name: 'a', dtype: 'int64', shape: [2], data}]);
  t.deepEqual(notes, ["skipped entries that are not tensors: 'flag', 'rate', 'list'"]);
});

test('a legacy view reads from its place in the storage, and not past its end', async (t) => {
  const folder = await temporaryFolder(t);
  const object = (length: number) =>
    pickle(
      '\x80\x02}',
      text('a'),
      'ctorch._utils\n_rebuild_tensor_v2\n((',
      ...[text('storage'), 'ctorch\nFloatStorage\n', text('0'), text('cpu'), 'K\x04', text('1'), 'K\x01'],
      ...['K', length, '\x87tQK\x00K\x02\x85K\x01\x85\x89}tRs.'],
      ...['\x80\x02]', text('0'), 'a.', '\x04\x00\x00\x00\x00\x00\x00\x00'],
      new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
    );
  const {tensors} = await readWeights(await writeLegacy(join(folder, 'view.pth'), object(2)));
  t.deepEqual(tensors.get('a')?.data, new Uint8Array(Float32Array.of(2, 3).buffer));
  const file = await writeLegacy(join(folder, 'view.pth'), object(1));
  await t.throwsAsync(readWeights(file), {message: /tensor a ends at byte 8 of a storage of 4 bytes/});
});

test('checksums of zip entries are held against their bytes', async (t) => {
  const bytes = await readFile(fixture('zip.pth'));
  const file = join(await temporaryFolder(t), 'flipped.pth');
  const {tensors} = await readWeights(fixture('zip.pth'));
  const at = bytes.indexOf(tensors.get('conv.weight')!.data);
  bytes[at]! ^= 1;
  await writeFile(file, bytes);
  await t.throwsAsync(readWeights(file), {
    code: 'INVALID_CHECKPOINT',
    message: /the bytes of its entry zip\/data\/0 do not match their checksum/,
  });
});
