import {execFile} from 'node:child_process';
import {resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import type {Case} from './cases.js';
import {Side} from './side.js';
import type {Row} from './table.js';

export type PeerOptions = {
  /** An interpreter with torch, torchvision and safetensors. */
  python: string;
  threads: number;
  device: string;
  precisions: readonly string[];
  /** Whether to measure torchvision as a good engineer tunes it, too. */
  tuned: boolean;
  /** A folder where onnxruntime-node is installed. */
  onnxruntime?: string | undefined;
};

/** glibc then keeps the memory that is freed, instead of giving it back to the system and asking for it again. */
export const KEEPS_MEMORY = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: String(2 ** 36),
  MALLOC_TOP_PAD_: String(2 ** 28),
};

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const tunedName = (precision: string) => `torchvision tuned, ${precision}`;

/** The sides of the other programs. torchvision in float32, as it comes, is the first. */
export async function peerSides({kind}: Case, folder: string, options: PeerOptions): Promise<Side[]> {
  const {python, threads, device, precisions, tuned, onnxruntime} = options;
  const torchvision = (name: string, precision: string, way: string[] = [], env = {}) =>
    new Side(name, python, [script('torchvision_side.py'), folder, precision, ...way], threads, env);
  const sides = [torchvision('torchvision', 'float32')];
  // As it comes, torchvision in bfloat16 is only common on a GPU.
  if (device !== 'cpu') sides.push(torchvision('torchvision, bfloat16', 'bfloat16'));
  for (const precision of tuned ? precisions : []) {
    sides.push(torchvision(`${tunedName(precision)}: eager`, precision, ['channels-last'], KEEPS_MEMORY));
    if (kind === 'detect')
      sides.push(torchvision(`${tunedName(precision)}: compiled`, precision, ['compiled'], KEEPS_MEMORY));
  }
  if (onnxruntime !== undefined && kind === 'detect') {
    await promisify(execFile)(python, [script('export_onnx.py'), folder]);
    const args = ['--import=tsx', script('onnxruntime-side.ts'), folder, resolve(onnxruntime)];
    sides.push(new Side('onnxruntime-node', process.execPath, args, threads));
  }
  return sides;
}

/** Of the tuned sides of one precision, keeps the fastest, under the name of the precision. */
export function keepBestTuned({sides, ...row}: Row): Row {
  const kept: Row['sides'] = {};
  for (const [name, measured] of Object.entries(sides)) {
    const plain = name.replace(/: (eager|compiled)$/, '');
    if (!(kept[plain]! && kept[plain].seconds <= measured.seconds)) kept[plain] = measured;
  }
  return {...row, sides: kept};
}

/** The peers with which this package in `precision` is compared, and all columns of peers, the tuned ones first. */
export function peerColumns({precisions, tuned, device, onnxruntime}: Omit<PeerOptions, 'python' | 'threads'>) {
  const best = tuned ? precisions.map(tunedName) : [];
  const plain = ['torchvision', ...(device === 'cpu' ? [] : ['torchvision, bfloat16'])];
  const all = [...best, ...plain, ...(onnxruntime === undefined ? [] : ['onnxruntime-node'])];
  return {all, of: (precision: string) => [...(tuned ? [tunedName(precision)] : []), 'torchvision']};
}
