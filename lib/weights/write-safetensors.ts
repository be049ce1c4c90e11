import {writeAll, writeAtomically} from '../files/atomic-file.js';
import {encodeMetadata, type WeightsMetadata} from './metadata.js';
import {safetensorsDTypes} from './safetensors-format.js';
import {itemSizes, requireWholeTensors, type StateDict} from './state-dict.js';

/** Writes `dict` as a safetensors file, whole or not at all. Class names go into its metadata as a JSON list. */
export async function writeSafetensors(path: string, dict: StateDict, metadata: WeightsMetadata = {}): Promise<void> {
  requireWholeTensors(dict);
  // Larger elements first: every tensor is aligned then. The header keeps the dict's order.
  const byItemSize = [...dict].toSorted(([, a], [, b]) => itemSizes[b.dtype] - itemSizes[a.dtype]);
  const offsets = new Map<string, [number, number]>();
  let position = 0;
  for (const [name, {data}] of byItemSize) {
    offsets.set(name, [position, position + data.length]);
    position += data.length;
  }
  // Readers may want to know that names are PyTorch's: the reference implementation writes the same.
  const entries: [string, unknown][] = [['__metadata__', {format: 'pt', ...encodeMetadata(metadata)}]];
  for (const [name, {dtype, shape}] of dict) {
    entries.push([name, {dtype: safetensorsDTypes[dtype], shape, data_offsets: offsets.get(name)}]);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  // Spaces after the JSON let the data begin at a multiple of eight.
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);

  await writeAtomically(path, async (file) => {
    await writeAll(file, header);
    for (const [, {data}] of byItemSize) await writeAll(file, data);
  });
}
