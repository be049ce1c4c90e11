import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';
import {isDType, itemSizes} from '../state-dict.js';
import {PickledDict, PickleEnds, type StorageRef} from './pickle-values.js';
import {pickleLimit, readPickledTensors, unpickleIn} from './read-pth.js';
import type {OpenStorage} from './tensor-source.js';

/** `MAGIC_NUMBER` and `PROTOCOL_VERSION` of `torch/serialization.py`. */
const magicNumber = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;

/** The pickle of the magic number, which starts every legacy file. */
export const legacySignature = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

/** Bytes per element of unsupported dtypes, to skip their storages: storages follow each other without an index. */
const foreignItemSizes: Readonly<Record<string, number>> = {complex64: 8, complex128: 16, qint32: 4};

const firstWindow = 1 << 20;

type Header = {object: unknown; keys: string[]; storages: ReadonlyMap<string, StorageRef>; end: number};
type Position = {start: number; bytes: number; itemSize: number};

/**
 * Reads the container of torch.save before 1.6: five pickles (magic number, protocol, byte order, object, storage
 * keys), then each storage as an element count of eight bytes and its elements.
 */
export async function readPthLegacy(reader: FileReader) {
  const {file} = reader;
  const header = await readHeader(reader);
  const positions = await locateStorages(reader, header);
  const open = async (storage: StorageRef, tensor: string): Promise<OpenStorage> => {
    const position = positions.get(storage.key);
    if (position === undefined) {
      throw invalidCheckpoint(file, `is corrupt: storage '${storage.key}' of tensor ${tensor} is not in it`);
    }
    const {start, bytes, itemSize} = position;
    const view = storage.viewOffset * itemSize;
    const viewBytes = Math.min(bytes - view, storage.length * itemSize);
    return {
      bytes: viewBytes,
      read: async (target, offset) => void (await reader.readInto(target, start + view + offset, `tensor ${tensor}`)),
    };
  };
  const {tensors, notes} = await readPickledTensors(reader, header.object, ({storage}, name) => open(storage, name));
  return {tensors, notes, metadata: undefined};
}

async function readHeader(reader: FileReader): Promise<Header> {
  // The end of the pickles is known only after they have been read.
  for (let window = firstWindow; ; window *= 4) {
    const length = Math.min(window, reader.size, pickleLimit);
    const isAll = length === reader.size || length === pickleLimit;
    try {
      return parseHeader(reader.file, await reader.read(0, length, 'the pickles'), !isAll);
    } catch (error) {
      if (!(error instanceof PickleEnds) || isAll) throw error;
    }
  }
}

function parseHeader(file: string, bytes: Buffer, mayEnd: boolean): Header {
  let end = 0;
  const next = () => {
    const result = unpickleIn(file, bytes, end, {mayEnd});
    end = result.end;
    return result;
  };
  if (next().value !== magicNumber) throw invalidCheckpoint(file, 'does not begin with the magic number of torch.save');
  if (next().value !== protocolVersion) {
    throw invalidCheckpoint(
      file,
      `is corrupt: expected protocol ${protocolVersion} after the magic number of torch.save`,
    );
  }
  const system = next().value;
  if (!(system instanceof PickledDict) || system.get('little_endian') !== true) {
    throw invalidCheckpoint(file, "is of another byte order: expected 'little_endian' to be true");
  }
  const {value: object, storages} = next();
  const keys = next().value;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
    throw invalidCheckpoint(file, 'is corrupt: expected a list of storage keys after the state dict');
  }
  return {object, keys, storages, end};
}

async function locateStorages(reader: FileReader, {keys, storages, end}: Header): Promise<Map<string, Position>> {
  const {file} = reader;
  const positions = new Map<string, Position>();
  let at = end;
  for (const key of keys) {
    const dtype = storages.get(key)?.dtype;
    if (dtype === undefined) throw invalidCheckpoint(file, `is corrupt: no tensor refers to its storage '${key}'`);
    const itemSize = isDType(dtype) ? itemSizes[dtype] : (foreignItemSizes[dtype] ?? 1);
    const length = Number((await reader.read(at, 8, `the length of storage '${key}'`)).readBigInt64LE());
    const start = at + 8;
    const bytes = length * itemSize;
    if (length < 0 || start + bytes > reader.size) {
      throw invalidCheckpoint(
        file,
        `is truncated or corrupt: expected ${bytes} bytes of storage '${key}' from byte ${start}, but the file has ${reader.size}`,
        'Copy or download it again.',
      );
    }
    positions.set(key, {start, bytes, itemSize});
    at = start + bytes;
  }
  return positions;
}
