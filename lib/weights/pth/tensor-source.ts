import {setImmediate as nextTurn} from 'node:timers/promises';
import type {DType, StateTensor} from '../../../binding.js';
import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';
import {elementCount, isDType, itemSizes} from '../state-dict.js';
import type {TensorRef} from './pickle-values.js';

/** Number of elements to copy before the event loop runs. */
const elementsPerTurn = 1 << 20;

/** Fills `target` with the bytes of a storage, starting at byte `offset`. */
export type StorageReader = (target: Uint8Array, offset: number) => Promise<void>;

/** A storage: its length in bytes, and a function that reads from it. */
export type OpenStorage = {bytes: number; read: StorageReader};

/**
 * Reads the tensor `name`. The result is contiguous (row-major), whatever the strides in the file are. Throws
 * INVALID_CHECKPOINT for an unsupported dtype, or if the tensor goes beyond its storage.
 */
export async function readTensor(
  reader: FileReader,
  name: string,
  tensor: TensorRef,
  storage: OpenStorage,
): Promise<StateTensor> {
  const {file} = reader;
  const dtype = requireDType(file, name, tensor);
  const itemSize = itemSizes[dtype];
  const shape = [...tensor.shape];
  const data = reader.allocate(elementCount(shape) * itemSize);
  if (data.length === 0) return {name, dtype, shape, data};

  // Number of elements from the first to the last one that the tensor uses.
  const span = shape.reduce((sum, side, axis) => sum + (side - 1) * tensor.strides[axis]!, 1);
  const end = (tensor.offset + span) * itemSize;
  if (end > storage.bytes) {
    throw invalidCheckpoint(
      file,
      `is corrupt: tensor ${name} ends at byte ${end} of a storage of ${storage.bytes} bytes`,
    );
  }
  if (isContiguous(tensor)) await storage.read(data, tensor.offset * itemSize);
  else {
    const source = new Uint8Array(span * itemSize);
    await storage.read(source, tensor.offset * itemSize);
    await gather(source, data, tensor, itemSize);
  }
  return {name, dtype, shape, data};
}

export function tensorBytes(tensor: TensorRef): number {
  return elementCount(tensor.shape) * (isDType(tensor.dtype) ? itemSizes[tensor.dtype] : 1);
}

function requireDType(file: string, name: string, tensor: TensorRef): DType {
  if (isDType(tensor.dtype)) return tensor.dtype;
  throw invalidCheckpoint(
    file,
    `has tensor ${name} in ${tensor.dtype}, expected one of ${Object.keys(itemSizes).join(', ')}`,
    'Convert it in Python with tensor.to(torch.float32) and save again.',
  );
}

/** Whether the tensor is row-major without gaps. The strides of axes of length 1 do not matter. */
function isContiguous({shape, strides}: TensorRef): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

async function gather(source: Uint8Array, target: Uint8Array, tensor: TensorRef, itemSize: number): Promise<void> {
  // Copy as integers, because copying floats may change NaNs. Elements of eight bytes are copied as two halves, with an
  // additional axis of length 2.
  const halved = itemSize === 8;
  const from = integers(source, halved ? 4 : itemSize);
  const to = integers(target, halved ? 4 : itemSize);
  const shape = halved ? [...tensor.shape, 2] : tensor.shape;
  const strides = halved ? [...tensor.strides.map((stride) => 2 * stride), 1] : tensor.strides;
  const last = shape.length - 1;
  const width = shape[last]!;
  const step = strides[last]!;
  const index = shape.map(() => 0);
  let row = 0;
  for (let at = 0; at < to.length; at += width) {
    for (let i = 0; i < width; i++) to[at + i] = from[row + i * step]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      row -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
    if (Math.floor(at / elementsPerTurn) !== Math.floor((at + width) / elementsPerTurn)) await nextTurn();
  }
}

function integers(bytes: Uint8Array, size: number): Uint8Array | Uint16Array | Uint32Array {
  if (size === 2) return new Uint16Array(bytes.buffer);
  return size === 4 ? new Uint32Array(bytes.buffer) : bytes;
}
