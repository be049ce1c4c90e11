import {execFileSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {readNpyMask} from '../../lib/datasets/npy-mask.js';
import {python, pythonHas} from '../python.js';

let folder: string;
const at = (name: string) => join(folder, name);

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-npy-'));
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

/** A file of numpy.lib.format, version 1.0. */
function npy(descr: string, shape: string, values: Uint8Array, order = 'False'): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const header = `${text.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.of(header.length, 0),
    Buffer.from(header),
    values,
  ]);
}

const bytesOf = (values: Uint16Array | Int32Array | Float64Array) => new Uint8Array(values.buffer);

test('whole numbers of every type and order', async (t) => {
  const read = async (contents: Buffer) => {
    await writeFile(at('whole.npy'), contents);
    const {ids, ...rest} = await readNpyMask(at('whole.npy'));
    return [[...ids], rest];
  };
  const rest = (bits: number) => ({width: 3, height: 2, source: 'values', bits});
  const ids = [0, 1, 2, 70000, 0, 5];
  t.deepEqual(await read(npy('<i4', '(2, 3)', bytesOf(Int32Array.from(ids)))), [ids, rest(32)]);
  t.deepEqual(await read(npy('<f8', '(1, 2, 3)', bytesOf(Float64Array.from(ids)))), [ids, rest(64)]);
  t.deepEqual(await read(npy('|b1', '(2, 3)', Uint8Array.of(0, 1, 1, 0, 0, 1))), [[0, 1, 1, 0, 0, 1], rest(1)]);
  const swapped = bytesOf(Uint16Array.from([0, 1, 2, 3, 4, 500])).map((_, i, all) => all[i ^ 1]!);
  t.deepEqual(await read(npy('>u2', '(2, 3)', swapped)), [[0, 1, 2, 3, 4, 500], rest(16)]);
  // Column by column.
  t.deepEqual(await read(npy('|u1', '(2, 3)', Uint8Array.of(1, 4, 2, 5, 3, 6), 'True')), [[1, 2, 3, 4, 5, 6], rest(8)]);
});

test('arrays that are no masks are refused, with their file', async (t) => {
  for (const [contents, message] of [
    [Buffer.from('no array'), /a\.npy must be an array of ids in NumPy's format: it does not begin as such a file/],
    [npy('|u1', '(6,)', new Uint8Array(6)), /must have rows and columns, got the shape \(6\)/],
    [npy('|u1', '(2, 2, 3)', new Uint8Array(12)), /got the shape \(2, 2, 3\)/],
    [npy('|u1', '(0, 3)', new Uint8Array(0)), /got the shape \(0, 3\)/],
    [npy('|u1', '(2, 3)', new Uint8Array(5)), /it ends before its last value/],
    [npy('|u1', '(200000, 200000)', new Uint8Array(5)), /are more than \d+ pixels/],
    [npy('<c8', '(2, 3)', new Uint8Array(48)), /must be whole numbers, got the type <c8/],
    [npy('<i4', '(1, 2)', bytesOf(Int32Array.of(1, -1))), /has the value -1, and ids are whole numbers/],
    [npy('<f8', '(1, 2)', bytesOf(Float64Array.of(1, 0.5))), /has the value 0\.5/],
    [npy('|O', '()', new Uint8Array(0)), /NumPy's format: it ends within/],
    [npy('|O', '()', Buffer.from('N.')), /it holds no dict/],
  ] as const) {
    await writeFile(at('a.npy'), contents);
    const error = await t.throwsAsync(readNpyMask(at('a.npy')), {
      instanceOf: MaskRcnnError,
      code: 'INVALID_MASK',
      message,
    });
    t.is(error.file, at('a.npy'));
  }
  await t.throwsAsync(readNpyMask(at('none.npy')), {code: 'INVALID_MASK', message: /must be readable: ENOENT/});
});

test('any bytes: a mask, or an INVALID_MASK', async (t) => {
  const good = npy('|u1', '(2, 3)', Uint8Array.of(1, 4, 2, 5, 3, 6));
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, {maxLength: 6}), fc.nat(good.length), async (changes, end) => {
      const bytes = Buffer.from(good);
      for (const [i, value] of changes) bytes[i] = value;
      await writeFile(at('fuzz.npy'), bytes.subarray(0, end));
      await readNpyMask(at('fuzz.npy')).catch((error) => {
        if (!(error instanceof MaskRcnnError)) throw error;
      });
    }),
    {numRuns: 300},
  );
  t.pass();
});

/** What Cellpose saves (cellpose/io.py, `masks_flows_to_seg`), by numpy.save(). */
const CELLPOSE = `
import sys, numpy as np, pathlib
masks = np.zeros((4, 5), np.uint16)
masks[1:3, 1:3] = 1
masks[0, 4] = 700
seg = {'outlines': masks * 0, 'colors': np.zeros((2, 3), np.uint8), 'masks': masks, 'chan_choose': [0, 0],
       'ismanual': np.zeros(2, bool), 'filename': 'a.png', 'diameter': np.float32(30.5),
       'flows': [np.zeros((4, 5, 3), np.uint8), np.zeros((2, 4, 5), np.float32), []]}
np.save(sys.argv[1] + '/a_seg.npy', seg)
seg['masks'] = np.asfortranarray(masks.astype('>i4'))
np.save(sys.argv[1] + '/b_seg.npy', seg)
np.save(sys.argv[1] + '/c_seg.npy', {'masks': masks, 'model': pathlib.PurePosixPath('x')})
np.save(sys.argv[1] + '/d_seg.npy', {'flows': []})
`;

test("Cellpose's _seg.npy, and what must not be in it", async (t) => {
  if (!pythonHas(['numpy'], "Cellpose's files")) {
    t.pass();
    return;
  }
  execFileSync(python, ['-c', CELLPOSE, folder]);
  const expected = [0, 0, 0, 0, 700, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0];
  for (const [name, bits] of [
    ['a_seg.npy', 16],
    ['b_seg.npy', 32],
  ] as const) {
    const {ids, ...rest} = await readNpyMask(at(name));
    t.deepEqual([...ids], expected);
    t.deepEqual(rest, {width: 5, height: 4, source: 'values', bits});
  }
  await t.throwsAsync(readNpyMask(at('c_seg.npy')), {
    code: 'INVALID_MASK',
    message: /c_seg\.npy must hold arrays and plain values only, got pathlib\S*PurePosixPath, which is not read/,
  });
  await t.throwsAsync(readNpyMask(at('d_seg.npy')), {code: 'INVALID_MASK', message: /it has no array 'masks'/});
});
