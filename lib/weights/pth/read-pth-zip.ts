import type {Entry} from 'yauzl';
import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';
import {isDType, itemSizes} from '../state-dict.js';
import type {StorageRef} from './pickle-values.js';
import {metadataRecord, pickleLimit, readPickledTensors, unpickleIn} from './read-pth.js';
import type {OpenStorage} from './tensor-source.js';
import {corruptEntry, Zip} from './zip-reader.js';

/**
 * Reads the zip container of torch.save (since 1.6): `NAME/data.pkl` and one stored entry `NAME/data/KEY` per storage.
 */
export async function readPthZip(reader: FileReader) {
  const {file} = reader;
  const zip = await Zip.open(reader);
  const {entries} = zip;
  const pickle = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) {
    throw invalidCheckpoint(file, "is a zip archive without 'data.pkl', expected one that torch.save wrote");
  }
  const root = pickle.slice(0, -'data.pkl'.length);
  if (entries.has(`${root}constants.pkl`)) {
    throw invalidCheckpoint(
      file,
      'is a TorchScript archive, expected a state dict',
      'Save it in Python with torch.save(torch.jit.load(path).state_dict(), other_path).',
    );
  }
  const byteOrder = entries.get(`${root}byteorder`);
  if (byteOrder !== undefined) {
    const text = (await zip.read(byteOrder, 64)).toString('latin1');
    if (text !== 'little') throw invalidCheckpoint(file, `has byte order '${text}', expected 'little'`);
  }
  const {value} = unpickleIn(file, await zip.read(entries.get(pickle)!, pickleLimit));
  const storages = new ZipStorages(reader, zip, root);
  const {tensors, notes} = await readPickledTensors(reader, value, ({storage}, name) => storages.open(storage, name));
  const record = entries.get(root + metadataRecord);
  const metadata = record === undefined ? undefined : (await zip.read(record, pickleLimit)).toString('utf8');
  return {tensors, notes, metadata};
}

class ZipStorages {
  /** The last inflated entry. Tensors that share an entry usually follow each other. */
  private inflated: {name: string; bytes: Buffer} | undefined;

  constructor(
    private readonly reader: FileReader,
    private readonly zip: Zip,
    private readonly root: string,
  ) {}

  async open(storage: StorageRef, tensor: string): Promise<OpenStorage> {
    const {file} = this.reader;
    const itemSize = isDType(storage.dtype) ? itemSizes[storage.dtype] : 1;
    const bytes = storage.length * itemSize;
    if (bytes === 0) return {bytes, read: async () => {}};
    const entry = this.zip.entries.get(`${this.root}data/${storage.key}`);
    if (entry === undefined) {
      throw invalidCheckpoint(file, `is corrupt: storage '${storage.key}' of tensor ${tensor} is not in it`);
    }
    if (entry.uncompressedSize < bytes) {
      throw invalidCheckpoint(
        file,
        `is corrupt: expected ${bytes} bytes in storage '${storage.key}' of tensor ${tensor}, found ${entry.uncompressedSize}`,
      );
    }
    return {bytes, read: (target, offset) => this.read(entry, target, offset)};
  }

  private async read(entry: Entry, target: Uint8Array, offset: number): Promise<void> {
    const {reader, zip} = this;
    const name = String(entry.fileName);
    if (entry.compressionMethod !== 0) {
      if (this.inflated?.name !== name) {
        this.inflated = undefined;
        this.inflated = {name, bytes: await zip.read(entry, 16 * reader.size + (16 << 20))};
      }
      target.set(this.inflated.bytes.subarray(offset, offset + target.length));
      return;
    }
    const start = await zip.locate(entry);
    const checksum = target.length === entry.uncompressedSize && entry.crc32 !== 0;
    const crc = await reader.readInto(target, start + offset, `the zip entry ${name}`, {checksum});
    if (checksum && crc !== entry.crc32) throw corruptEntry(reader.file, name);
  }
}
