import {promisify} from 'node:util';
import {crc32, inflateRaw as inflateRawCallback} from 'node:zlib';
import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';

const inflateRaw = promisify(inflateRawCallback);

export type ZipEntry = {
  name: string;
  size: number;
  compressedSize: number;
  /** 0: stored, as torch.save does; 8: deflated. */
  method: number;
  /** 0 where the writer computed none (`torch.serialization.set_crc32_options(False)`). */
  crc: number;
  headerOffset: number;
};

const endSize = 22;
const longestComment = 0xffff;
const directoryLimit = 64 << 20;
const signatures = {local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator64: 0x07064b50};

/** Entries of a zip archive by name, from its central directory; zip64 too (APPNOTE.TXT 4.3). */
export async function readZipDirectory(reader: FileReader): Promise<Map<string, ZipEntry>> {
  const {file} = reader;
  // 64-bit numbers past 2^53 become inexact, but lie past every file's end too.
  const {count, offset, size} = await findDirectory(reader);
  if (size > directoryLimit)
    throw invalidCheckpoint(file, `has a zip directory of ${size} bytes, more than any checkpoint`);
  const directory = await reader.read(offset, size, 'the zip directory');
  const entries = new Map<string, ZipEntry>();
  let position = 0;
  for (let i = 0; i < count; i++) {
    if (position + 46 > size || directory.readUInt32LE(position) !== signatures.central) {
      throw invalidCheckpoint(file, `is corrupt: expected ${count} entries in its zip directory, found ${i}`);
    }
    const nameEnd = position + 46 + directory.readUInt16LE(position + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(position + 30);
    const entryEnd = extraEnd + directory.readUInt16LE(position + 32);
    if (entryEnd > size) throw invalidCheckpoint(file, `is corrupt: entry ${i} goes past the end of its zip directory`);
    const name = directory.toString('utf8', position + 46, nameEnd);
    if (directory.readUInt16LE(position + 8) & 1)
      throw invalidCheckpoint(file, `is encrypted: its entry ${name} needs a password`);
    const wide = zip64Fields(directory.subarray(nameEnd, extraEnd));
    const field = (at: number) => {
      const value = directory.readUInt32LE(position + at);
      const result = value === 0xffffffff ? wide.shift() : value;
      if (result === undefined)
        throw invalidCheckpoint(file, `is corrupt: the zip64 sizes of its entry ${name} are not there`);
      return result;
    };
    // The order in which zip64 gives those that do not fit.
    const uncompressedSize = field(24);
    const compressedSize = field(20);
    entries.set(name, {
      name,
      size: uncompressedSize,
      compressedSize,
      method: directory.readUInt16LE(position + 10),
      crc: directory.readUInt32LE(position + 16),
      headerOffset: field(42),
    });
    position = entryEnd;
  }
  return entries;
}

/** Where a stored entry's bytes begin in the file. */
export async function locateStored(reader: FileReader, entry: ZipEntry): Promise<number> {
  const {file} = reader;
  const header = await reader.read(entry.headerOffset, 30, `the zip header of ${entry.name}`);
  if (header.readUInt32LE(0) !== signatures.local) {
    throw invalidCheckpoint(file, `is corrupt: no zip header of ${entry.name} at byte ${entry.headerOffset}`);
  }
  if (entry.method === 0 && entry.size !== entry.compressedSize) {
    throw invalidCheckpoint(
      file,
      `is corrupt: its stored entry ${entry.name} has two sizes, ${entry.size} and ${entry.compressedSize}`,
    );
  }
  return entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** All bytes of an entry, inflated if need be; at most `limit`. */
export async function readZipEntry(reader: FileReader, entry: ZipEntry, limit: number): Promise<Buffer> {
  const {file} = reader;
  const {name, size, compressedSize, method, crc} = entry;
  if (size > limit)
    throw invalidCheckpoint(file, `claims ${size} bytes for its entry ${name}, more than the ${limit} it may have`);
  if (method !== 0 && method !== 8)
    throw invalidCheckpoint(file, `compresses its entry ${name} by method ${method}, not by 0 or 8`);
  const offset = await locateStored(reader, entry);
  const packed = await reader.read(offset, compressedSize, `the zip entry ${name}`);
  const bytes = method === 0 ? packed : await inflate(file, name, packed, size);
  if (crc !== 0 && crc32(bytes) !== crc) throw corruptEntry(file, name);
  return bytes;
}

export function corruptEntry(file: string, name: string) {
  return invalidCheckpoint(
    file,
    `is corrupt: the bytes of its entry ${name} do not have the checksum noted for them`,
    'Copy or download it again.',
  );
}

async function inflate(file: string, name: string, packed: Buffer, size: number): Promise<Buffer> {
  try {
    const bytes = await inflateRaw(packed, {maxOutputLength: Math.max(size, 1)});
    if (bytes.length === size) return bytes;
  } catch (error) {
    throw invalidCheckpoint(
      file,
      `is corrupt: its entry ${name} cannot be inflated to ${size} bytes`,
      undefined,
      error,
    );
  }
  throw invalidCheckpoint(file, `is corrupt: its entry ${name} does not inflate to ${size} bytes`);
}

async function findDirectory(reader: FileReader): Promise<{count: number; offset: number; size: number}> {
  const {file} = reader;
  const length = Math.min(reader.size, endSize + longestComment);
  const tail = await reader.read(reader.size - length, length, 'the end of the zip archive');
  for (let at = length - endSize; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== signatures.end || at + endSize + tail.readUInt16LE(at + 20) !== length) continue;
    const end = reader.size - length + at;
    const locator = end >= 20 ? await reader.read(end - 20, 20, 'the zip64 locator') : undefined;
    if (locator?.readUInt32LE(0) !== signatures.locator64) {
      return {count: tail.readUInt16LE(at + 10), size: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16)};
    }
    const record = await reader.read(Number(locator.readBigUInt64LE(8)), 56, 'the zip64 end record');
    if (record.readUInt32LE(0) !== signatures.end64)
      throw invalidCheckpoint(file, 'is corrupt: its zip64 end record is not there');
    return {
      count: Number(record.readBigUInt64LE(32)),
      size: Number(record.readBigUInt64LE(40)),
      offset: Number(record.readBigUInt64LE(48)),
    };
  }
  throw invalidCheckpoint(
    file,
    'is truncated: it begins as a zip archive, but the directory expected at its end is not there',
    'Copy or download it again.',
  );
}

/** The 64-bit sizes and offset among an entry's extra fields. */
function zip64Fields(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = Math.min(at + 4 + extra.readUInt16LE(at + 2), extra.length);
    if (extra.readUInt16LE(at) === 1) {
      const fields: number[] = [];
      for (let field = at + 4; field + 8 <= end; field += 8) fields.push(Number(extra.readBigUInt64LE(field)));
      return fields;
    }
    at = end;
  }
  return [];
}
