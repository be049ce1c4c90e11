import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {fixture, temporaryFolder} from './files.js';

const codes = ['INVALID_CHECKPOINT', 'UNSAFE_CHECKPOINT'];

/** Reads `bytes`. Any error must be one of this package's, and must name the file. */
async function readDamaged(t: ExecutionContext, file: string, bytes: Uint8Array): Promise<'read' | 'refused'> {
  await writeFile(file, bytes);
  try {
    await readWeights(file);
    return 'read';
  } catch (error) {
    if (error instanceof MaskRcnnError && codes.includes(error.code) && error.message.startsWith(file))
      return 'refused';
    t.log(Buffer.from(bytes).toString('base64'));
    throw error;
  }
}

for (const name of ['zip.pth', 'legacy.pth', 'deflated.pth', 'plain.safetensors']) {
  test(`${name} cut anywhere is refused`, async (t) => {
    const bytes = await readFile(fixture(name));
    const file = join(await temporaryFolder(t), name);
    t.is(await readDamaged(t, file, bytes), 'read');
    for (let length = 0; length < bytes.length; length++) {
      if ((await readDamaged(t, file, bytes.subarray(0, length))) !== 'refused') t.fail(`read ${length} bytes`);
    }
  });

  test(`${name} with any bytes changed is read or refused`, async (t) => {
    const bytes = await readFile(fixture(name));
    const file = join(await temporaryFolder(t), name);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, {minLength: 1, maxLength: 4}), async (changes) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, value] of changes) damaged[at] = value;
        await readDamaged(t, file, damaged);
      }),
      {numRuns: 300, seed: 20},
    );
    t.pass();
  });
}

test('a file of a hundred bytes of anything after each signature is read or refused', async (t) => {
  const file = join(await temporaryFolder(t), 'any.pth');
  const head = Buffer.from(
    '80028a0a6cfc9c46f9206aa850192e80024de9032e80027d580d0000006c6974746c655f656e6469616e88732e',
    'hex',
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('', 'PK\x03\x04'), fc.uint8Array({maxLength: 100}), async (signature, tail) => {
      await readDamaged(t, file, Buffer.concat([signature === '' ? head : Buffer.from(signature), tail]));
    }),
    {numRuns: 500, seed: 21},
  );
  t.pass();
});

test('safetensors: headers that lie are refused', async (t) => {
  const file = join(await temporaryFolder(t), 'hostile.safetensors');
  const tensor = (begin: number, end: number, shape: unknown = [1], dtype: unknown = 'F32') => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const cases: [unknown, number, RegExp][] = [
    [{a: tensor(0, 4), b: tensor(0, 4)}, 4, /expected tensor b to begin at byte 4 of the data, not at 0/],
    [{a: tensor(0, 4), b: tensor(2, 6)}, 6, /expected tensor b to begin at byte 4 of the data, not at 2/],
    [{a: tensor(4, 8)}, 8, /expected tensor a to begin at byte 0 of the data, not at 4/],
    [{a: tensor(0, 4)}, 3, /expected 4 bytes of data after the header, found 3/],
    [{a: tensor(0, 4)}, 5, /expected 4 bytes of data after the header, found 5/],
    [{a: tensor(0, 4, [2])}, 4, /shape \[2\] in F32 takes 8 bytes, but its offsets span 4/],
    [{a: tensor(4, 0, [1])}, 4, /takes 4 bytes, but its offsets span -4/],
    [{a: tensor(0, 4, [2 ** 40, 2 ** 40])}, 4, /but its offsets span 4/],
    [{a: tensor(0, 2 ** 52, [2 ** 50])}, 4, /expected 4503599627370496 bytes of data after the header, found 4/],
    [{a: tensor(0, 4, [-1])}, 4, /tensor a lacks a shape or its two offsets/],
    [{a: tensor(0, 4, [1.5])}, 4, /tensor a lacks a shape/],
    [{a: tensor(0, 4, 'x')}, 4, /tensor a lacks a shape/],
    [{a: {dtype: 'F32', shape: [1]}}, 4, /tensor a lacks a shape/],
    [{a: {dtype: 'F32', shape: [1], data_offsets: [0, 2, 4]}}, 4, /tensor a lacks a shape/],
    [{a: tensor(0, 4, [1], 'F8_E4M3')}, 4, /has tensor a in "F8_E4M3", expected one of F32, F64/],
    [{a: tensor(0, 4, [1], {x: 1})}, 4, /has tensor a in \{"x":1\}, expected one of F32/],
    [{a: 3}, 4, /has a corrupt safetensors header: tensor a lacks a type/],
    [{__metadata__: {a: 1}}, 0, /expected strings by name as __metadata__/],
    [{__metadata__: []}, 0, /expected strings by name as __metadata__/],
  ];
  for (const [header, dataBytes, message] of cases) {
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    await writeFile(file, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
    await t.throwsAsync(readWeights(file), {code: 'INVALID_CHECKPOINT', message});
  }
  for (const [bytes, message] of [
    ['ffffff7f00000000' + '7b7d', /claims a header of 2147483647 bytes, more than the 100000000/],
    ['0300000000000000' + '7b7d', /expected the header in bytes 8 to 11, but the file has 10 bytes/],
    ['0200000000000000' + '7bff', /has a corrupt safetensors header: expected JSON/],
    ['0300000000000000' + '7b2c7d', /has a corrupt safetensors header: expected JSON/],
  ] as const) {
    await writeFile(file, Buffer.from(bytes, 'hex'));
    await t.throwsAsync(readWeights(file), {code: 'INVALID_CHECKPOINT', message});
  }
});

test('a header of millions of nested lists is refused', async (t) => {
  const file = join(await temporaryFolder(t), 'deep.safetensors');
  const json = Buffer.from(`{"a":${'['.repeat(2_000_000)}`);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  t.is(await readDamaged(t, file, Buffer.concat([length, json])), 'refused');
});
