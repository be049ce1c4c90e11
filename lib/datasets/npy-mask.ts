import {readFile} from 'node:fs/promises';
import {basename} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {inTurns} from '../basics/turns.js';
import {MAX_PIXELS} from '../image/format.js';
import type {IdMask} from '../image/read-mask.js';
import {InertObject, MalformedPickle, UnsafePickle} from '../weights/pth/pickle-values.js';
import {unpickle} from '../weights/pth/unpickle.js';

/** What every .npy file begins with (numpy.lib.format). A version of two bytes follows. */
const MAGIC = '\x93NUMPY';
const HINT = 'Save the masks as _cp_masks.png or .tif in Cellpose, or as an array of whole numbers.';

const MOST_ID = 2 ** 32 - 1;

/** An array of NumPy whose values are still bytes. */
type Values = {dtype: string; shape: readonly number[]; columnMajor: boolean; bytes: Uint8Array};

/**
 * Reads the ids of objects from an array that NumPy saved: a .npy file of whole numbers in rows and columns, or the
 * `masks` of Cellpose's NAME_seg.npy, which is a pickled dict. Nothing of the pickle is executed. Throws INVALID_MASK.
 */
export async function readNpyMask(path: string): Promise<IdMask> {
  const fail = (must: string, details: {hint?: string; cause?: unknown} = {}) =>
    new MaskRcnnError('INVALID_MASK', `${path} must ${must}.`, {file: path, ...details});
  let file: Buffer;
  try {
    file = await readFile(path);
  } catch (cause) {
    throw fail(`be readable: ${(cause as Error).message}`, {cause});
  }
  try {
    return await idsOf(valuesOf(file));
  } catch (cause) {
    if (cause instanceof UnsafePickle) {
      throw fail(`hold arrays and plain values only, got ${cause.message}, which is not read`, {hint: HINT, cause});
    }
    if (!(cause instanceof Malformed || cause instanceof MalformedPickle)) throw cause;
    const what = basename(path).endsWith('_seg.npy') ? 'masks of Cellpose' : 'an array of ids';
    throw fail(`be ${what} in NumPy's format: ${cause.message}`, {hint: HINT, cause});
  }
}

/** What is wrong with the file, so that it can follow a colon. */
class Malformed extends Error {}

function valuesOf(file: Buffer): Values {
  if (file.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Malformed('it does not begin as such a file does');
  const isLong = file[MAGIC.length]! >= 2;
  const start = MAGIC.length + 2 + (isLong ? 4 : 2);
  if (file.length < start) throw new Malformed('it ends in its header');
  const length = isLong ? file.readUInt32LE(start - 4) : file.readUInt16LE(start - 2);
  const header = file.toString('latin1', start, start + length);
  const [, dtype] = /'descr': *'([^']*)'/.exec(header) ?? [];
  const [, order] = /'fortran_order': *(True|False)/.exec(header) ?? [];
  const [, sides] = /'shape': *\(([^)]*)\)/.exec(header) ?? [];
  if (dtype === undefined || order === undefined || sides === undefined) {
    throw new Malformed('its header names no type, order and shape');
  }
  const bytes = file.subarray(start + length);
  if (dtype.endsWith('O')) return masksOf(unpickle(bytes).value);
  const shape = sides.split(',').flatMap((side) => (side.trim() === '' ? [] : [Number(side)]));
  return {dtype, shape, columnMajor: order === 'True', bytes};
}

/** The array `masks` of the dict that `numpy.save()` has wrapped in an array without sides. */
function masksOf(pickled: unknown): Values {
  const [dict] = (stateOf(pickled)[4] as unknown[] | undefined) ?? [];
  if (!(dict instanceof Map)) throw new Malformed('it holds no dict');
  const [, shape, dtype, columnMajor, bytes] = stateOf(dict.get('masks'));
  const [name] = dtype instanceof InertObject ? dtype.args : [];
  const isArray = Array.isArray(shape) && typeof name === 'string' && bytes instanceof Uint8Array;
  if (!isArray) throw new Malformed("it has no array 'masks'");
  const [, order] = Array.isArray((dtype as InertObject).state) ? ((dtype as InertObject).state as unknown[]) : [];
  return {dtype: `${order === '>' ? '>' : '<'}${name}`, shape, columnMajor: columnMajor === true, bytes};
}

/** The state of a pickled array: version, shape, type, whether its columns come first, values. */
function stateOf(array: unknown): readonly unknown[] {
  const isArray = array instanceof InertObject && array.type.endsWith('multiarray._reconstruct');
  return isArray && Array.isArray(array.state) ? array.state : [];
}

async function idsOf({dtype, shape, columnMajor, bytes}: Values): Promise<IdMask> {
  // A stack of one image is an image.
  const sides = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  const [height = 0, width = 0] = sides;
  if (sides.length !== 2 || !sides.every((side) => Number.isSafeInteger(side) && side > 0)) {
    throw new Malformed(`its array must have rows and columns, got the shape (${shape.join(', ')})`);
  }
  if (width * height > MAX_PIXELS) throw new Malformed(`${width} × ${height} are more than ${MAX_PIXELS} pixels`);
  const [, order, kind, size = ''] = /^([<>|=]?)([biuf])(\d)$/.exec(dtype) ?? [];
  if (kind === undefined) throw new Malformed(`its values must be whole numbers, got the type ${dtype}`);
  const itemSize = Number(size);
  if (bytes.length < width * height * itemSize) throw new Malformed('it ends before its last value');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = reader(view, kind, itemSize, order !== '>');
  const ids = new Uint32Array(width * height);
  await inTurns(ids.length, (from, to) => {
    for (let i = from; i < to; i++) {
      const at = columnMajor ? (i % width) * height + Math.floor(i / width) : i;
      const value = read(at * itemSize);
      if (!(value >= 0 && value <= MOST_ID && value % 1 === 0)) {
        throw new Malformed(`it has the value ${value}, and ids are whole numbers from 0 to ${MOST_ID}`);
      }
      ids[i] = value;
    }
  });
  return {ids, width, height, source: 'values', bits: kind === 'b' ? 1 : 8 * itemSize};
}

function reader(view: DataView, kind: string, itemSize: number, isLittle: boolean): (at: number) => number {
  const readers: Record<string, (at: number) => number> = {
    b1: (at) => view.getUint8(at),
    u1: (at) => view.getUint8(at),
    u2: (at) => view.getUint16(at, isLittle),
    u4: (at) => view.getUint32(at, isLittle),
    u8: (at) => Number(view.getBigUint64(at, isLittle)),
    i1: (at) => view.getInt8(at),
    i2: (at) => view.getInt16(at, isLittle),
    i4: (at) => view.getInt32(at, isLittle),
    i8: (at) => Number(view.getBigInt64(at, isLittle)),
    f4: (at) => view.getFloat32(at, isLittle),
    f8: (at) => view.getFloat64(at, isLittle),
  };
  const read = readers[`${kind}${itemSize}`];
  if (read === undefined) throw new Malformed(`its values must be whole numbers, got those of ${itemSize} bytes`);
  return read;
}
