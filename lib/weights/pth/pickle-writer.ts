import type {DType, StateTensor} from '../../../binding.js';
import {elementCount, type StateDict} from '../state-dict.js';
import {opcodes as op} from './pickle-opcodes.js';
import {storageClasses} from './torch-globals.js';

/** Data that a checkpoint may contain besides state dicts. Integers become Python's int, other numbers float. */
export type PlainValue = null | boolean | number | string | PlainValue[] | {[key: string]: PlainValue | StateDict};

const classesByDType = new Map(Object.entries(storageClasses).map(([name, dtype]) => [dtype, name]));

/**
 * Pickles a checkpoint with protocol 2, as torch.save does. State dicts become an OrderedDict of
 * `torch._utils._rebuild_tensor_v2(storage, ...)`. `storages` are the tensors, in the order of their storage keys.
 */
export function pickleCheckpoint(contents: StateDict | PlainValue): {pickle: Buffer; storages: StateTensor[]} {
  const writer = new PickleWriter();
  writer.write(contents);
  return {pickle: writer.finish(), storages: writer.storages};
}

class PickleWriter {
  readonly storages: StateTensor[] = [];
  private readonly parts: Uint8Array[] = [Uint8Array.of(op.PROTO, 2)];

  finish(): Buffer {
    this.bytes(op.STOP);
    return Buffer.concat(this.parts);
  }

  write(value: StateDict | PlainValue): void {
    if (value === null) this.bytes(op.NONE);
    else if (typeof value === 'boolean') this.boolean(value);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'string') this.text(value);
    else if (value instanceof Map) this.stateDict(value);
    else if (Array.isArray(value)) {
      this.bytes(op.EMPTY_LIST, op.MARK);
      for (const item of value) this.write(item);
      this.bytes(op.APPENDS);
    } else {
      this.bytes(op.EMPTY_DICT, op.MARK);
      for (const [key, item] of Object.entries(value)) {
        this.text(key);
        this.write(item);
      }
      this.bytes(op.SETITEMS);
    }
  }

  private stateDict(dict: StateDict): void {
    this.emptyOrderedDict();
    this.bytes(op.MARK);
    for (const [name, tensor] of dict) {
      this.text(name);
      this.tensor(tensor);
    }
    this.bytes(op.SETITEMS);
  }

  /** Writes `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)`. */
  private tensor(tensor: StateTensor): void {
    this.global('torch._utils', '_rebuild_tensor_v2');
    this.bytes(op.MARK);
    this.storage(tensor);
    this.number(0);
    this.tuple(tensor.shape);
    this.tuple(contiguousStrides(tensor.shape));
    this.boolean(false);
    this.emptyOrderedDict();
    this.bytes(op.TUPLE, op.REDUCE);
  }

  /** Writes the persistent id `('storage', class, key, location, length)`. */
  private storage(tensor: StateTensor): void {
    this.bytes(op.MARK);
    this.text('storage');
    this.global('torch', storageClass(tensor.dtype));
    this.text(String(this.storages.length));
    this.text('cpu');
    this.number(elementCount(tensor.shape));
    this.bytes(op.TUPLE, op.BINPERSID);
    this.storages.push(tensor);
  }

  private emptyOrderedDict(): void {
    this.global('collections', 'OrderedDict');
    this.bytes(op.EMPTY_TUPLE, op.REDUCE);
  }

  private tuple(items: readonly number[]): void {
    this.bytes(op.MARK);
    for (const item of items) this.number(item);
    this.bytes(op.TUPLE);
  }

  private global(module: string, name: string): void {
    this.bytes(op.GLOBAL);
    this.parts.push(Buffer.from(`${module}\n${name}\n`));
  }

  private boolean(value: boolean): void {
    this.bytes(value ? op.NEWTRUE : op.NEWFALSE);
  }

  private text(value: string): void {
    const bytes = Buffer.from(value);
    const head = Buffer.alloc(5);
    head[0] = op.BINUNICODE;
    head.writeUInt32LE(bytes.length, 1);
    this.parts.push(head, bytes);
  }

  private number(value: number): void {
    const bytes = Buffer.alloc(10);
    let length = 9;
    if (!Number.isSafeInteger(value)) {
      bytes[0] = op.BINFLOAT;
      bytes.writeDoubleBE(value, 1);
    } else if (value === (value | 0)) {
      bytes[0] = op.BININT;
      bytes.writeInt32LE(value, 1);
      length = 5;
    } else {
      bytes.set([op.LONG1, 8]);
      bytes.writeBigInt64LE(BigInt(value), 2);
      length = 10;
    }
    this.parts.push(bytes.subarray(0, length));
  }

  private bytes(...values: number[]): void {
    this.parts.push(Uint8Array.from(values));
  }
}

function storageClass(dtype: DType): string {
  return classesByDType.get(dtype)!;
}

function contiguousStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}
