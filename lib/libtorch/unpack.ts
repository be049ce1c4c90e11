import {createWriteStream} from 'node:fs';
import {cp, mkdir} from 'node:fs/promises';
import {dirname, join, relative, sep} from 'node:path';
import {Transform} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {crc32} from 'node:zlib';
import type {Entry} from 'yauzl';
import {MaskRcnnError} from '../basics/errors.js';
import type {Progress} from '../basics/progress.js';
import {openWheel} from './wheel.js';

/** Libraries that only serve Python or PyTorch's own tests: a tenth of `torch/lib`. */
const unneeded = /^(lib)?(torch_python|shm|jitbackend_test|torchbind_test|backend_with_compiler|aoti_custom_ops)\b/;
const library = /\.(so(\.\d+)*|dylib|dll|lib)$/;

/**
 * The path of an entry of a wheel or a libtorch zip in the folder that `setup` fills. Undefined for the entries that
 * are not needed to run and build the addon: nine tenths of all.
 */
export function placeOf(entry: string): string | undefined {
  const name = entry.replace(/^libtorch\//, 'torch/');
  const [top, second, third, ...rest] = name.split('/');
  const file = name.slice(name.lastIndexOf('/') + 1);
  if (file === '') return undefined;
  if (top === 'torch') {
    if (second === 'include') return name;
    if (third === undefined) return second === 'version.py' || second === 'build-version' ? name : undefined;
    return second === 'lib' && rest.length === 0 && library.test(file) && !unneeded.test(file) ? name : undefined;
  }
  // CUDA's libraries, which libtorch looks for next to itself, and torchvision's operators.
  if (top === 'nvidia') return library.test(file) ? name : undefined;
  if (top === 'torchvision') return third === undefined && /^_C\w*\.(so|pyd)$/.test(file) ? name : undefined;
  return undefined;
}

type UnpackOptions = {progress: Progress; label: string; signal?: AbortSignal | undefined};

/**
 * Unpacks the needed entries of a wheel or a libtorch zip into `folder`. Throws DOWNLOAD_FAILED if the zip is damaged.
 */
export async function unpackWheel(
  path: string,
  folder: string,
  {progress, label, signal}: UnpackOptions,
): Promise<void> {
  const zip = await openWheel(path);
  try {
    const entries: {entry: Entry; place: string}[] = [];
    for await (const entry of zip.eachEntry()) {
      const place = placeOf(entry.fileName);
      if (place !== undefined) entries.push({entry, place});
    }
    const total = entries.reduce((sum, {entry}) => sum + entry.uncompressedSize, 0);
    const made = new Set<string>();
    let done = 0;
    for (const {entry, place} of entries) {
      signal?.throwIfAborted();
      const target = join(folder, place);
      if (!made.has(dirname(target))) await mkdir(dirname(target), {recursive: true});
      made.add(dirname(target));
      const check = new Transform({
        transform(chunk: Buffer, _, callback) {
          sum = crc32(chunk, sum);
          done += chunk.length;
          progress.update({label, done, total, unit: 'bytes'});
          callback(null, chunk);
        },
      });
      let sum = 0;
      await pipeline(await zip.openReadStreamPromise(entry), check, createWriteStream(target), {signal});
      if (sum !== entry.crc32) throw new Error(`${entry.fileName} does not have the checksum that the zip states`);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    // A full disk or a folder without write permission is not the zip's fault.
    if (cause instanceof MaskRcnnError || (cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
    throw new MaskRcnnError('DOWNLOAD_FAILED', `${path} is damaged: ${(cause as Error).message}.`, {
      hint: 'Fetch it again.',
      file: path,
      cause,
    });
  } finally {
    progress.close();
    zip.close();
  }
}

/** Copies the needed files of an unpacked libtorch, or of Python's `torch` folder, to `folder`/torch. */
export async function copyLibtorch(root: string, folder: string): Promise<void> {
  await cp(root, join(folder, 'torch'), {
    recursive: true,
    dereference: true,
    filter(source) {
      const inside = relative(root, source).split(sep).join('/');
      return ['', 'lib', 'include'].includes(inside) || placeOf(`torch/${inside}`) !== undefined;
    },
  });
}
