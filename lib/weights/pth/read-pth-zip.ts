import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';
import {isDType, itemSizes} from '../state-dict.js';
import type {StorageRef} from './pickle-values.js';
import {pickleLimit, readPickledTensors, unpickleIn} from './read-pth.js';
import type {OpenStorage} from './tensor-source.js';
import {corruptEntry, locateStored, readZipDirectory, readZipEntry, type ZipEntry} from './zip-reader.js';

/** Record beside the tensors for what this package notes about them; Python's torch.load passes over it. */
export const metadataRecord = 'extra/maskrcnn.json';

/** The zip container of torch.save (since 1.6): `NAME/data.pkl` and one stored entry `NAME/data/KEY` per storage. */
export async function readPthZip(reader: FileReader) {
  const {file} = reader;
  const entries = await readZipDirectory(reader);
  const pickle = [...entries.values()].find(({name}) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) {
    throw invalidCheckpoint(file, "is a zip archive without 'data.pkl', expected one that torch.save wrote");
  }
  const root = pickle.name.slice(0, -'data.pkl'.length);
  if (entries.has(`${root}constants.pkl`)) {
    throw invalidCheckpoint(
      file,
      'is a TorchScript archive, expected a state dict',
      'Save it in Python with torch.save(torch.jit.load(path).state_dict(), other_path).',
    );
  }
  const byteOrder = entries.get(`${root}byteorder`);
  if (byteOrder !== undefined) {
    const text = (await readZipEntry(reader, byteOrder, 64)).toString('latin1');
    if (text !== 'little') throw invalidCheckpoint(file, `has byte order '${text}', expected 'little'`);
  }
  const {value} = unpickleIn(file, await readZipEntry(reader, pickle, pickleLimit));
  const storages = new ZipStorages(reader, entries, root);
  const {tensors, notes} = await readPickledTensors(reader, value, ({storage}, name) => storages.open(storage, name));
  const record = entries.get(root + metadataRecord);
  const metadata =
    record === undefined ? undefined : (await readZipEntry(reader, record, pickleLimit)).toString('utf8');
  return {tensors, notes, metadata};
}

class ZipStorages {
  /** The last inflated entry: tensors that share one mostly follow each other. */
  private inflated: {name: string; bytes: Buffer} | undefined;

  constructor(
    private readonly reader: FileReader,
    private readonly entries: ReadonlyMap<string, ZipEntry>,
    private readonly root: string,
  ) {}

  async open(storage: StorageRef, tensor: string): Promise<OpenStorage> {
    const {file} = this.reader;
    const itemSize = isDType(storage.dtype) ? itemSizes[storage.dtype] : 1;
    const bytes = storage.length * itemSize;
    if (bytes === 0) return {bytes, read: async () => {}};
    const entry = this.entries.get(`${this.root}data/${storage.key}`);
    if (entry === undefined) {
      throw invalidCheckpoint(file, `is corrupt: storage '${storage.key}' of tensor ${tensor} is not in it`);
    }
    if (entry.size < bytes) {
      throw invalidCheckpoint(
        file,
        `is corrupt: expected ${bytes} bytes in storage '${storage.key}' of tensor ${tensor}, found ${entry.size}`,
      );
    }
    return {bytes, read: (target, offset) => this.read(entry, target, offset)};
  }

  private async read(entry: ZipEntry, target: Uint8Array, offset: number): Promise<void> {
    const {reader} = this;
    if (entry.method !== 0) {
      if (this.inflated?.name !== entry.name) {
        this.inflated = undefined;
        this.inflated = {name: entry.name, bytes: await readZipEntry(reader, entry, 16 * reader.size + (16 << 20))};
      }
      target.set(this.inflated.bytes.subarray(offset, offset + target.length));
      return;
    }
    const start = await locateStored(reader, entry);
    const checksum = target.length === entry.size && entry.crc !== 0;
    const crc = await reader.readInto(target, start + offset, `the zip entry ${entry.name}`, {checksum});
    if (checksum && crc !== entry.crc) throw corruptEntry(reader.file, entry.name);
  }
}
