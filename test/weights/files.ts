import {mkdtemp, open, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import type {DType, StateTensor} from '../../binding.js';
import {writeAll} from '../../lib/files/atomic-file.js';
import {ZipWriter} from '../../lib/files/zip-writer.js';
import {itemSizes, type StateDict, toStateDict} from '../../lib/weights/state-dict.js';

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/weights/${name}`, import.meta.url));
}

export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-weights-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  return folder;
}

/** The elements as numbers. */
export function values({dtype, data}: StateTensor): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const readers: Record<DType, (at: number) => number> = {
    float32: (at) => view.getFloat32(at, true),
    float64: (at) => view.getFloat64(at, true),
    float16: (at) => smallHalf(view.getUint16(at, true), 10, 15),
    bfloat16: (at) => smallHalf(view.getUint16(at, true), 7, 127),
    int64: (at) => Number(view.getBigInt64(at, true)),
    int32: (at) => view.getInt32(at, true),
    int16: (at) => view.getInt16(at, true),
    int8: (at) => view.getInt8(at),
    uint8: (at) => view.getUint8(at),
    bool: (at) => view.getUint8(at),
  };
  return Array.from({length: data.length / itemSizes[dtype]}, (_, i) => readers[dtype](i * itemSizes[dtype]));
}

/** Decodes positive normal numbers and 0, because the fixtures contain no others in these formats. */
function smallHalf(bits: number, fractionBits: number, bias: number): number {
  if (bits === 0) return 0;
  const fraction = bits % 2 ** fractionBits;
  return (1 + fraction / 2 ** fractionBits) * 2 ** ((bits >> fractionBits) - bias);
}

export function floats(name: string, shape: number[], numbers: number[]): StateTensor {
  return {name, dtype: 'float32', shape, data: new Uint8Array(Float32Array.from(numbers).buffer)};
}

/** A state dict of zeros with the given names and shapes. */
export function zeros(shapes: Record<string, number[]>): StateDict {
  return toStateDict(
    Object.entries(shapes).map(([name, shape]) =>
      floats(name, shape, new Array(shape.reduce((product, side) => product * side, 1)).fill(0)),
    ),
  );
}

/** Parts of a pickle: text as latin1, numbers as bytes. */
export function pickle(...parts: (string | number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(typeof part === 'number' ? [part] : part),
    ),
  );
}

/** A text in a pickle. */
export const text = (value: string) => pickle('X', new Uint8Array(Uint32Array.of(value.length).buffer), value);

const legacyHead = pickle(
  '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.',
  '\x80\x02M\xe9\x03.',
  '\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.',
);

/** Writes a legacy .pth file. `object` is the pickle of its object and everything after it. */
export async function writeLegacy(path: string, object: Uint8Array): Promise<string> {
  await writeFile(path, Buffer.concat([legacyHead, object]));
  return path;
}

/** Writes a legacy .pth file of vectors of one element, 0 in float32. `items` are further items of its dict. */
export async function writeLegacyVectors(path: string, names: readonly string[], items = pickle()): Promise<string> {
  const keys = names.map((_, index) => text(String(index)));
  const vectors = names.map((name, index) =>
    pickle(
      text(name),
      'ctorch._utils\n_rebuild_tensor_v2\n((',
      ...[text('storage'), 'ctorch\nFloatStorage\n', keys[index]!, text('cpu'), 'K\x01N'],
      'tQK\x00K\x01\x85K\x01\x85\x89}tR',
    ),
  );
  const storages = names.map(() => pickle(1, new Uint8Array(11)));
  return writeLegacy(path, pickle('\x80\x03}(', ...vectors, items, 'u.', '\x80\x02](', ...keys, 'e.', ...storages));
}

export async function writeZip(path: string, entries: Record<string, Uint8Array>): Promise<string> {
  const file = await open(path, 'w');
  const zip = new ZipWriter((bytes) => writeAll(file, bytes));
  for (const [name, bytes] of Object.entries(entries)) await zip.add(name, bytes);
  await zip.finish();
  await file.close();
  return path;
}
