import {PickleInput} from './pickle-input.js';
import {opcodes as op} from './pickle-opcodes.js';
import {PickleStack} from './pickle-stack.js';
import {
  InertObject,
  MalformedPickle,
  PickledDict,
  PickleGlobal,
  type StorageRef,
  UnsafePickle,
  UnsupportedTensor,
} from './pickle-values.js';
import {findGlobal, loadStorage} from './torch-globals.js';

export type Unpickled = {
  value: unknown;
  /** The position after the pickle. */
  end: number;
  /** All storages that the pickle refers to, by key. */
  storages: ReadonlyMap<string, StorageRef>;
};

/**
 * Reads the pickle at `start` in `bytes`, protocols 0 to 5, without executing anything. Names outside the allow-list of
 * `torch-globals.ts` throw UnsafePickle. Malformed pickles throw MalformedPickle.
 */
export function unpickle(bytes: Buffer, start = 0): Unpickled {
  const machine = new Machine(new PickleInput(bytes, start));
  return {value: machine.run(), end: machine.input.position, storages: machine.storages};
}

/** Maximum number of values that calls may handle. A tensor takes about twenty. */
const workLimit = 2_000_000;

/** The result of `literal` for opcodes that it does not handle. */
const none = Symbol('none');

class Machine {
  readonly storages = new Map<string, StorageRef>();
  private readonly stack = new PickleStack();
  /** Number of arguments of all calls so far, plus the items of lists among them. */
  private work = 0;

  constructor(readonly input: PickleInput) {}

  run(): unknown {
    for (;;) {
      const opcode = this.input.byte();
      if (opcode === op.STOP) return this.stack.pop();
      const value = this.literal(opcode);
      if (value !== none) this.stack.push(value);
      else this.act(opcode);
    }
  }

  /** Handles opcodes that create a value from the bytes after them or from popped values. */
  private literal(opcode: number): unknown {
    const {input, stack} = this;
    switch (opcode) {
      case op.NONE:
        return null;
      case op.NEWTRUE:
        return true;
      case op.NEWFALSE:
        return false;
      case op.INT:
        return this.integerOrBoolean();
      case op.LONG:
        return input.decimal();
      case op.BININT:
        return input.int32();
      case op.BININT1:
        return input.byte();
      case op.BININT2:
        return input.uint16();
      case op.LONG1:
        return input.long(input.byte());
      case op.LONG4:
        return input.long(input.int32());
      case op.FLOAT:
        return Number(input.line());
      case op.BINFLOAT:
        return input.float64();
      case op.STRING:
        return input.line().replace(/^(['"])(.*)\1$/, '$2');
      case op.UNICODE:
        return input.line();
      case op.BINSTRING:
        return input.text(input.int32());
      case op.SHORT_BINSTRING:
      case op.SHORT_BINUNICODE:
        return input.text(input.byte());
      case op.BINUNICODE:
        return input.text(input.uint32());
      case op.BINUNICODE8:
        return input.text(input.uint64());
      case op.SHORT_BINBYTES:
        return input.data(input.byte());
      case op.BINBYTES:
        return input.data(input.uint32());
      case op.BINBYTES8:
      case op.BYTEARRAY8:
        return input.data(input.uint64());
      case op.EMPTY_TUPLE:
      case op.EMPTY_LIST:
        return [];
      case op.EMPTY_DICT:
        return new PickledDict();
      case op.EMPTY_SET:
        return new Set();
      case op.TUPLE1:
        return stack.popMany(1);
      case op.TUPLE2:
        return stack.popMany(2);
      case op.TUPLE3:
        return stack.popMany(3);
      case op.TUPLE:
      case op.LIST:
        return stack.popMarked();
      case op.FROZENSET:
        return new Set(stack.popMarked());
      case op.DICT:
        return setItems(new PickledDict(), stack.popMarked());
      case op.GLOBAL:
        return allowed(input.line(), input.line());
      case op.STACK_GLOBAL:
        return allowed(...(stack.popMany(2) as [unknown, unknown]));
      case op.REDUCE:
      case op.NEWOBJ:
        return this.call(...(stack.popMany(2) as [unknown, unknown]));
      case op.NEWOBJ_EX:
        return this.call(...(stack.popMany(3).slice(0, 2) as [unknown, unknown]));
      case op.OBJ: {
        const [callee, ...args] = stack.popMarked();
        return this.call(callee, args);
      }
      case op.INST:
        return this.call(allowed(input.line(), input.line()), stack.popMarked());
      case op.BINPERSID:
        return this.storage(stack.pop());
      case op.PERSID:
        return this.storage(input.line());
      default:
        return none;
    }
  }

  /** Handles opcodes that change the stack, the memo or a container. */
  private act(opcode: number): void {
    const {input, stack} = this;
    switch (opcode) {
      case op.PROTO: {
        const version = input.byte();
        if (version > 5) throw new MalformedPickle(`it is of protocol ${version}, and 5 is the last known`);
        break;
      }
      case op.FRAME:
        input.uint64();
        break;
      case op.MARK:
        stack.mark();
        break;
      case op.POP:
        stack.drop();
        break;
      case op.POP_MARK:
        stack.popMarked();
        break;
      case op.DUP:
        stack.push(stack.top());
        break;
      case op.PUT:
        stack.remember(input.decimal());
        break;
      case op.BINPUT:
        stack.remember(input.byte());
        break;
      case op.LONG_BINPUT:
        stack.remember(input.uint32());
        break;
      case op.MEMOIZE:
        stack.remember();
        break;
      case op.GET:
        stack.recall(input.decimal());
        break;
      case op.BINGET:
        stack.recall(input.byte());
        break;
      case op.LONG_BINGET:
        stack.recall(input.uint32());
        break;
      case op.APPEND:
        append(stack.popMany(1), stack.top());
        break;
      case op.APPENDS:
        append(stack.popMarked(), stack.top());
        break;
      case op.ADDITEMS:
        addMembers(stack.popMarked(), stack.top());
        break;
      case op.SETITEM: {
        const items = stack.popMany(2);
        setItems(stack.top(), items);
        break;
      }
      case op.SETITEMS: {
        const items = stack.popMarked();
        setItems(stack.top(), items);
        break;
      }
      case op.BUILD:
        setState(stack.pop(), stack.top());
        break;
      case op.EXT1:
        throw new UnsafePickle(`code ${input.byte()} of the extension registry`);
      case op.EXT2:
        throw new UnsafePickle(`code ${input.uint16()} of the extension registry`);
      case op.EXT4:
        throw new UnsafePickle(`code ${input.int32()} of the extension registry`);
      default:
        throw new MalformedPickle(`it has the unknown opcode 0x${opcode.toString(16)} at byte ${input.position - 1}`);
    }
  }

  private call(callee: unknown, args: unknown): unknown {
    if (!(callee instanceof PickleGlobal) || callee.call === undefined) {
      throw new MalformedPickle('it calls something that is not a function');
    }
    if (!Array.isArray(args)) throw new MalformedPickle(`it calls ${callee.name} without arguments`);
    this.work += 1 + args.length;
    // Count the items too: calls may copy their lists, and a short pickle can pass a long list again and again.
    if (this.work <= workLimit) for (const arg of args) if (Array.isArray(arg)) this.work += arg.length;
    if (this.work > workLimit) throw new MalformedPickle(`its calls handle more than ${workLimit} values`);
    return callee.call(args);
  }

  private storage(id: unknown): StorageRef {
    const storage = loadStorage(id);
    this.storages.set(storage.key, storage);
    return storage;
  }

  /** Protocol 0 writes booleans as the integers 00 and 01. */
  private integerOrBoolean(): unknown {
    const start = this.input.position;
    const text = this.input.line();
    if (text === '00' || text === '01') return text === '01';
    this.input.position = start;
    return this.input.decimal();
  }
}

function append(items: readonly unknown[], list: unknown): void {
  if (!Array.isArray(list)) throw new MalformedPickle('it appends to something that is not a list');
  for (const item of items) list.push(item);
}

function addMembers(items: readonly unknown[], set: unknown): void {
  if (!(set instanceof Set)) throw new MalformedPickle('it adds members to something that is not a set');
  for (const item of items) set.add(item);
}

function setItems(dict: unknown, items: readonly unknown[]): PickledDict {
  if (!(dict instanceof PickledDict)) throw new MalformedPickle('it sets items of something that is not a dict');
  if (items.length % 2 !== 0) throw new MalformedPickle('it sets an item without a value');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  return dict;
}

function setState(state: unknown, object: unknown): void {
  if (object instanceof PickledDict) object.attributes = state;
  else if (object instanceof InertObject) object.state = state;
  else if (object instanceof UnsupportedTensor) return;
  else throw new MalformedPickle('it sets the state of a value that has none');
}

function allowed(module: unknown, name: unknown): PickleGlobal {
  if (typeof module !== 'string' || typeof name !== 'string')
    throw new MalformedPickle('it names a global without text');
  const global = findGlobal(module, name);
  if (global !== undefined) return global;
  throw new UnsafePickle(`${module}.${name}`.slice(0, 200).replace(/[^\x20-\x7e]/g, '?'));
}
