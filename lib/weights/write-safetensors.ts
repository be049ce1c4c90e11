import {writeAll, writeAtomically} from '../files/atomic-file.js';
import {encodeMetadata, type WeightsMetadata} from './metadata.js';
import {safetensorsDTypes} from './safetensors-format.js';
import {itemSizes, requireWholeTensors, type StateDict} from './state-dict.js';

/**
 * Writes `dict` as a safetensors file atomically. Class names are stored in its metadata as a JSON list. Throws
 * INVALID_OPTION, WRITE_FAILED.
 */
export async function writeSafetensors(path: string, dict: StateDict, metadata: WeightsMetadata = {}): Promise<void> {
  requireWholeTensors(dict);
  // Write larger elements first, so that every tensor is aligned. The header keeps the order of the dict.
  const byItemSize = [...dict].toSorted(([, a], [, b]) => itemSizes[b.dtype] - itemSizes[a.dtype]);
  const offsets = new Map<string, [number, number]>();
  let position = 0;
  for (const [name, {data}] of byItemSize) {
    offsets.set(name, [position, position + data.length]);
    position += data.length;
  }
  // This format tells readers that the names are PyTorch's. The reference implementation writes the same.
  const entries: [string, unknown][] = [['__metadata__', {format: 'pt', ...encodeMetadata(metadata)}]];
  for (const [name, {dtype, shape}] of dict) {
    entries.push([name, {dtype: safetensorsDTypes[dtype], shape, data_offsets: offsets.get(name)}]);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  // Spaces after the JSON make the data begin at a multiple of eight bytes.
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);

  await writeAtomically(path, async (file) => {
    await writeAll(file, header);
    for (const [, {data}] of byItemSize) await writeAll(file, data);
  });
}
