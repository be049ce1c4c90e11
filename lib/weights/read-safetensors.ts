import type {DType} from '../../binding.js';
import type {FileReader} from './file-reader.js';
import {invalidCheckpoint} from './invalid-checkpoint.js';
import {longestHeader, safetensorsDTypes} from './safetensors-format.js';
import {elementCount, itemSizes, type StateDict} from './state-dict.js';

type Entry = {name: string; dtype: DType; shape: number[]; begin: number; end: number};

const dtypes = new Map(Object.entries(safetensorsDTypes).map(([dtype, name]) => [name, dtype as DType]));

/**
 * Reads a safetensors file: the header length in eight bytes, a JSON header, and the tensors without gaps. `metadata`
 * are the strings of its `__metadata__`.
 */
export async function readSafetensors(reader: FileReader) {
  const {file} = reader;
  const headerLength = Number((await reader.read(0, 8, 'the header length')).readBigUInt64LE());
  if (headerLength > longestHeader) {
    throw invalidCheckpoint(
      file,
      `claims a header of ${headerLength} bytes, more than the ${longestHeader} of safetensors`,
    );
  }
  const header = parseHeader(file, await reader.read(8, headerLength, 'the header'));
  const start = 8 + headerLength;
  const {__metadata__: metadata, ...descriptions} = header;
  const entries = Object.entries(descriptions).map(([name, description]) => parseEntry(file, name, description));
  requireNoGaps(file, entries, reader.size - start);

  const tensors: StateDict = new Map();
  for (const {name, dtype, shape, begin, end} of entries) {
    const data = reader.allocate(end - begin);
    await reader.readInto(data, start + begin, `tensor ${name}`);
    tensors.set(name, {name, dtype, shape, data});
  }
  return {tensors, notes: [] as string[], metadata: parseMetadata(file, metadata)};
}

function parseHeader(file: string, bytes: Buffer): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
  } catch (error) {
    throw invalidCheckpoint(file, 'has a corrupt safetensors header: expected JSON', undefined, error);
  }
  if (isRecord(header)) return header;
  throw invalidCheckpoint(file, 'has a corrupt safetensors header: expected a JSON object');
}

function parseEntry(file: string, name: string, description: unknown): Entry {
  const {dtype: dtypeName, shape, data_offsets: offsets} = isRecord(description) ? description : {};
  const dtype = dtypes.get(dtypeName as string);
  if (dtypeName === undefined) {
    throw invalidCheckpoint(file, `has a corrupt safetensors header: tensor ${name} lacks a type`);
  }
  if (dtype === undefined) {
    throw invalidCheckpoint(
      file,
      `has tensor ${name} in ${JSON.stringify(dtypeName)?.slice(0, 40)}, expected one of ${[...dtypes.keys()].join(', ')}`,
    );
  }
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw invalidCheckpoint(file, `has a corrupt safetensors header: tensor ${name} lacks a shape or its two offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = elementCount(shape) * itemSizes[dtype];
  if (end - begin !== bytes) {
    throw invalidCheckpoint(
      file,
      `is corrupt: tensor ${name} of shape [${shape}] in ${dtypeName} takes ${bytes} bytes, but its offsets span ${end - begin}`,
    );
  }
  return {name, dtype, shape, begin, end};
}

/** The format requires that every byte belongs to one tensor, so that a file has only one interpretation. */
function requireNoGaps(file: string, entries: readonly Entry[], dataBytes: number): void {
  let position = 0;
  for (const {name, begin, end} of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) {
      throw invalidCheckpoint(
        file,
        `is corrupt: expected tensor ${name} to begin at byte ${position} of the data, not at ${begin}`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw invalidCheckpoint(
      file,
      `is truncated or corrupt: expected ${position} bytes of data after the header, found ${dataBytes}`,
      'Copy or download it again.',
    );
  }
}

function parseMetadata(file: string, metadata: unknown): Record<string, string> {
  if (metadata === undefined) return {};
  if (isRecord(metadata) && Object.values(metadata).every((value) => typeof value === 'string')) {
    return metadata as Record<string, string>;
  }
  throw invalidCheckpoint(file, 'has a corrupt safetensors header: expected strings by name as __metadata__');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
