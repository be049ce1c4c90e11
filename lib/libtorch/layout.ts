import {readFile, stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';

/** Where a libtorch was found: in `LIBTORCH`, in the cache that `maskrcnn setup` fills, or in Python's PyTorch. */
export type Origin = 'LIBTORCH' | 'setup' | 'python';

export type Libtorch = {
  /** The folder that has `lib/` and, for builds from source, `include/`. */
  root: string;
  libDir: string;
  /** As libtorch states it, such as '2.13.0+cpu'. Undefined if it does not. */
  version: string | undefined;
  origin: Origin;
};

/** The file name of a shared library: `libtorch_cpu.so` on Linux. */
export function sharedLibrary(name: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return `${name}.dll`;
  return `lib${name}${platform === 'darwin' ? '.dylib' : '.so'}`;
}

/** The libraries that every libtorch has. The addon links both. */
export const essentialLibraries = [sharedLibrary('c10'), sharedLibrary('torch_cpu')];

/**
 * The root of the libtorch at `path`, or undefined if there is none. `path` may be the root, its `lib`, or the folder
 * that has `torch/` or `libtorch/`.
 */
export async function findRoot(path: string): Promise<string | undefined> {
  const candidates = [path, join(path, 'torch'), join(path, 'libtorch')];
  if (basename(path) === 'lib') candidates.push(dirname(path));
  for (const root of candidates) {
    const found = await Promise.all(essentialLibraries.map((name) => isFile(join(root, 'lib', name))));
    if (found.every(Boolean)) return root;
  }
  return undefined;
}

export async function describeRoot(root: string, origin: Origin): Promise<Libtorch> {
  return {root, libDir: join(root, 'lib'), version: await readVersion(root), origin};
}

/** The version according to `version.py` (wheels), `build-version` (zips), or the headers. */
export async function readVersion(root: string): Promise<string | undefined> {
  const python = await readText(join(root, 'version.py'));
  const stated = /^__version__ = '([^']+)'/m.exec(python)?.[1] ?? (await readText(join(root, 'build-version'))).trim();
  if (stated) return stated;
  for (const header of ['torch/headeronly/version.h', 'torch/csrc/api/include/torch/version.h']) {
    const text = await readText(join(root, 'include', header));
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map((part) => new RegExp(`TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1]);
    if (parts.every((part) => part !== undefined)) return parts.join('.');
  }
  return undefined;
}

/** '2.13' of '2.13.0+cpu'. libtorch keeps its binary interface stable within a minor version. */
export function minorVersion(version: string): string {
  return version.split('.', 2).join('.');
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
