import {setImmediate as nextTurn} from 'node:timers/promises';
import {crc32} from 'node:zlib';

/** torch.save aligns storages to this number of bytes, so that they can be memory-mapped. */
const alignment = 64;
const checksumChunk = 4 << 20;

/** The most entries that the record at the end can count. For more there is another one, of zip64. */
const mostEntries = 0xfffe;

/** Writes a zip archive with stored, aligned entries (APPNOTE.TXT 4.3), smaller than 4 GiB, piece by piece. */
export class ZipWriter {
  private position = 0;
  private readonly directory: Buffer[] = [];

  /** `write` appends bytes to the archive. */
  constructor(private readonly write: (bytes: Uint8Array) => Promise<void>) {}

  async add(name: string, bytes: Uint8Array): Promise<void> {
    const nameBytes = Buffer.from(name);
    // Version 2.0, UTF-8 names, stored, no time, checksum, both sizes. These fields are the same in both headers.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2);
    // 1 January 1980, the earliest date in zip.
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(await checksum(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);

    const unpadded = this.position + 30 + nameBytes.length + 4;
    const padding = (alignment - (unpadded % alignment)) % alignment;
    const local = Buffer.alloc(30 + nameBytes.length + 4 + padding, 'Z');
    local.writeUInt32LE(0x04034b50, 0);
    common.copy(local, 4);
    local.writeUInt16LE(4 + padding, 28);
    nameBytes.copy(local, 30);
    // The padding is in an extra field 'FB', as in files of torch.
    local.write('FB', 30 + nameBytes.length);
    local.writeUInt16LE(padding, 32 + nameBytes.length);

    const central = Buffer.alloc(46 + nameBytes.length);
    central.writeUInt32LE(0x02014b50, 0);
    common.copy(central, 6);
    central.writeUInt32LE(this.position, 42);
    nameBytes.copy(central, 46);
    this.directory.push(central);

    await this.write(local);
    await this.write(bytes);
    this.position += local.length + bytes.length;
  }

  async finish(): Promise<void> {
    const directory = Buffer.concat(this.directory);
    const entries = this.directory.length;
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(Math.min(entries, 0xffff), 8);
    end.writeUInt16LE(Math.min(entries, 0xffff), 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(this.position, 16);
    await this.write(directory);
    if (entries > mostEntries) await this.write(zip64End(entries, directory.length, this.position));
    await this.write(end);
  }
}

/** The record of zip64 that counts the entries, and the one that says where it is (4.3.14, 4.3.15). */
function zip64End(entries: number, directoryBytes: number, directoryAt: number): Buffer {
  const records = Buffer.alloc(56 + 20);
  records.writeUInt32LE(0x06064b50, 0);
  records.writeBigUInt64LE(44n, 4); // the bytes that follow in the first record
  records.writeUInt16LE(45, 12);
  records.writeUInt16LE(45, 14);
  records.writeBigUInt64LE(BigInt(entries), 24);
  records.writeBigUInt64LE(BigInt(entries), 32);
  records.writeBigUInt64LE(BigInt(directoryBytes), 40);
  records.writeBigUInt64LE(BigInt(directoryAt), 48);
  records.writeUInt32LE(0x07064b50, 56);
  records.writeBigUInt64LE(BigInt(directoryAt + directoryBytes), 64);
  records.writeUInt32LE(1, 72);
  return records;
}

async function checksum(bytes: Uint8Array): Promise<number> {
  let crc = 0;
  for (let at = 0; at < bytes.length; at += checksumChunk) {
    if (at > 0) await nextTurn();
    crc = crc32(bytes.subarray(at, at + checksumChunk), crc);
  }
  return crc;
}
