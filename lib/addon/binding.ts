import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {type ErrorCode, MaskRcnnError} from '../basics/errors.js';
import {freeDiscarded} from '../image/discard.js';
import {type Libtorch, minorVersion, type Origin} from '../libtorch/layout.js';
import {type LocateOptions, locateLibtorch} from '../libtorch/locate.js';
import {chooseThreads} from './threads.js';

/** The exports of the C++ addon. */
export type Binding = typeof import('../../binding.js');

/** The exports of `native/loader`, which does not link libtorch. It opens libraries off the main thread. */
export type Loader = {
  /** The version of libtorch whose headers the addon was compiled with. */
  builtFor: string;
  load(libDir: string): Promise<Binding>;
  /** Opens torchvision's library of operators. Rejects with the message of the dynamic linker. */
  loadOperators(libDir: string, path: string): Promise<void>;
  /**
   * Opens the addon's library for groups of GPUs, which is beside it or at `path`. Rejects with the reason why it
   * cannot be used.
   */
  loadNccl(libDir: string, path?: string): Promise<void>;
  /** What `load()` found for GPUs. `error` is the message of the dynamic linker. */
  cuda(): {inLibtorch: boolean; hasDriver: boolean; error?: string};
};

/** The addon that this process has loaded, its loader and its libtorch. */
export type Loaded = {binding: Binding; loader: Loader; libtorch: Libtorch};

// Bundlers that write CommonJS leave it undefined.
if ((import.meta.url as string | undefined) === undefined) throw bundled();
const require = createRequire(import.meta.url);
/** The folder of this package. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

let loading: Promise<Loaded> | undefined;

/**
 * Finds libtorch, then loads it and the addon, once per process.
 *
 * Throws ADDON_NOT_FOUND, LIBTORCH_NOT_FOUND, LIBTORCH_MISMATCH, NATIVE if the addon itself cannot be loaded, or
 * INVALID_OPTION if the environment asks for an impossible number of threads. After a failure, the next call tries
 * again.
 */
export async function loadBinding(): Promise<Binding> {
  return (await loadRuntime()).binding;
}

/** Like `loadBinding()`, but also returns the loader and the libtorch. */
export async function loadRuntime(): Promise<Loaded> {
  loading ??= Promise.resolve()
    .then(() => bind(loadAddon(packageRoot)))
    .then((loaded) => {
      freeDiscarded(loaded.binding.freeBytes);
      const threads = chooseThreads(process.env, loaded.binding.environment().threads);
      if (threads !== undefined) loaded.binding.setThreads(threads);
      return loaded;
    })
    .catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
  return await loading;
}

/**
 * Loads the loader of the addon from the package in `root`: from `build/Release`, else from `prebuilds`. Throws
 * ADDON_NOT_FOUND, NATIVE.
 */
export function loadAddon(root: string): Loader {
  let path: string;
  try {
    path = (require('node-gyp-build') as {resolve(dir: string): string}).resolve(root);
  } catch (cause) {
    if (!isPackage(root)) throw bundled(cause);
    throw new MaskRcnnError(
      'ADDON_NOT_FOUND',
      `The native addon of maskrcnn is neither built nor prebuilt for ${process.platform}-${process.arch} in ${root}.`,
      {hint: 'Build it with `npm run build:addon` in a checkout of the package.', cause},
    );
  }
  try {
    return require(path) as Loader;
  } catch (cause) {
    throw new MaskRcnnError('NATIVE', `The native addon ${path} cannot be loaded: ${(cause as Error).message}.`, {
      hint: 'It may need a newer system than this one: build it here, with `npm run build:addon` in a checkout of the package.',
      file: path,
      cause,
    });
  }
}

/** Whether `root` is the folder of this package, as it is where no bundler has moved its code. */
function isPackage(root: string): boolean {
  try {
    return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name === 'maskrcnn';
  } catch {
    return false;
  }
}

function bundled(cause?: unknown): MaskRcnnError {
  return new MaskRcnnError(
    'ADDON_NOT_FOUND',
    'The code of maskrcnn must be in its own package, beside its addon, and a bundler has moved it.',
    {
      hint: "Leave it out of the bundle, as external: ['maskrcnn'] does in esbuild, and install it where the program runs.",
      cause,
    },
  );
}

/**
 * Finds a libtorch and loads the addon of `loader` with it. If the addon was built for another version, the libtorch is
 * rejected before it is loaded. Throws LIBTORCH_NOT_FOUND, LIBTORCH_MISMATCH, NATIVE.
 */
export async function bind(loader: Loader, options: LocateOptions = {}): Promise<Loaded> {
  const libtorch = await locateLibtorch(options);
  checkVersion(libtorch, loader.builtFor);
  try {
    return {binding: await loader.load(libtorch.libDir), loader, libtorch};
  } catch (cause) {
    const {code, message} = cause as Error & {code?: ErrorCode};
    if (code === 'LIBTORCH_NOT_FOUND') {
      throw new MaskRcnnError(code, message, {
        hint: 'The libtorch there is incomplete, or lacks a library of the system: `npx maskrcnn setup` fetches a whole one.',
        file: libtorch.root,
        cause,
      });
    }
    throw new MaskRcnnError('NATIVE', message, {hint: 'Build the addon anew with `npm run build:addon`.', cause});
  }
}

function checkVersion({root, version, origin}: Libtorch, builtFor: string): void {
  if (version !== undefined && minorVersion(version) === minorVersion(builtFor)) return;
  const wanted = `${minorVersion(builtFor)}.x`;
  const hints: Record<Origin, string> = {
    LIBTORCH: `Point LIBTORCH at a libtorch ${wanted}, or unset it and run \`npx maskrcnn setup\`.`,
    setup: `Build the addon for it with \`npm run build:addon\`, or point LIBTORCH at a libtorch ${wanted}.`,
    python: `Install PyTorch ${wanted}, or unset LIBTORCH_USE_PYTORCH and run \`npx maskrcnn setup\`.`,
  };
  throw new MaskRcnnError(
    'LIBTORCH_MISMATCH',
    `The addon was built for libtorch ${builtFor} and needs ${wanted}, but the one in ${root} ` +
      (version === undefined ? 'does not state its version.' : `is ${version}.`),
    {hint: hints[origin], file: root},
  );
}
