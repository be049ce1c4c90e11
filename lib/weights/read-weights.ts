import {FileReader, type ReadOptions} from './file-reader.js';
import {invalidCheckpoint} from './invalid-checkpoint.js';
import {decodeMetadata, parseJson, type WeightsMetadata} from './metadata.js';
import {legacySignature, readPthLegacy} from './pth/read-pth-legacy.js';
import {readSafetensors} from './read-safetensors.js';
import type {StateDict} from './state-dict.js';

export type WeightsFormat = 'pth-zip' | 'pth-legacy' | 'safetensors';

export type WeightsFile = {
  tensors: StateDict;
  metadata: WeightsMetadata;
  format: WeightsFormat;
  /**
   * What was unwrapped or left out, each as a part of a sentence: "took the state dict from 'model' and left 'epoch'".
   */
  notes: string[];
};

/**
 * Reads a state dict from a `.pth` file (both containers of torch.save) or a `.safetensors` file. The content decides
 * the format, not the file name. Pickles are read by an interpreter that supports only tensors and plain data, and
 * executes nothing. From a training checkpoint, only the state dict is read.
 *
 * Throws INVALID_CHECKPOINT, UNSAFE_CHECKPOINT, or the signal's reason.
 */
export async function readWeights(file: string, options: ReadOptions = {}): Promise<WeightsFile> {
  const reader = await FileReader.open(file, options);
  try {
    const format = await detectFormat(reader);
    if (format === 'safetensors') {
      const {tensors, metadata, notes} = await readSafetensors(reader);
      return {tensors, metadata: decodeMetadata(metadata, notes), format, notes};
    }
    // Loaded when a zip is read: opening a .safetensors file should not wait for yauzl.
    const readPth = format === 'pth-zip' ? (await import('./pth/read-pth-zip.js')).readPthZip : readPthLegacy;
    const {tensors, metadata, notes} = await readPth(reader);
    return {tensors, metadata: decodeMetadata(recordMetadata(metadata), notes), format, notes};
  } finally {
    await reader.close();
  }
}

async function detectFormat(reader: FileReader): Promise<WeightsFormat> {
  const {file, size} = reader;
  if (size === 0) throw invalidCheckpoint(file, 'is empty, expected a .pth or .safetensors file');
  const head = await reader.read(0, Math.min(size, 512), 'the beginning');
  const startsWith = (signature: Buffer) => head.subarray(0, signature.length).equals(signature);
  if (startsWith(Buffer.from('PK\x03\x04', 'latin1'))) return 'pth-zip';
  if (startsWith(legacySignature)) return 'pth-legacy';
  // safetensors: a header length in eight bytes, then JSON.
  if (head[8] === 0x7b && head.readUIntBE(5, 3) === 0) return 'safetensors';

  let hint = 'Save it in Python with torch.save(model.state_dict(), path), or with safetensors.';
  const text = head.toString('latin1');
  if (/^\s*</.test(text)) hint = 'It looks like a web page, such as a failed download leaves behind.';
  else if (text.startsWith('version https://git-lfs')) hint = 'It is a Git LFS pointer: git lfs pull fetches the file.';
  else if (head.toString('latin1', 257, 262) === 'ustar') {
    hint = 'It is a tar archive, as torch.save wrote before 0.1.10: load it in Python and save it again.';
  }
  throw invalidCheckpoint(file, 'is neither a .pth file of torch.save nor a .safetensors file', hint);
}

function recordMetadata(record: string | undefined): Record<string, string> {
  const value = record === undefined ? undefined : parseJson(record);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'));
}
