import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {MaskRcnnError} from '../basics/errors.js';
import {cacheRoot} from '../files/cache.js';
import {describeRoot, findRoot, type Libtorch, sharedLibrary} from './layout.js';
import {pinned, type Variant} from './pinned.js';

export type LocateOptions = {
  env?: NodeJS.ProcessEnv;
  /** The package's cache folder. */
  cache?: string;
  /** The command that starts Python. */
  python?: string;
};

/** A place that was searched, and what was found there. */
type Look = {place: string; finding: string};

const setupHint = 'Run `npx maskrcnn setup` to fetch it (about 200 MB), or set LIBTORCH to an unpacked libtorch.';

/**
 * The folder into which `maskrcnn setup` unpacks a variant. It contains `torch` and, for CUDA, the folders of other
 * wheels next to it.
 */
export function setupFolder(variant: Variant, cache: string = cacheRoot()): string {
  return join(cache, 'libtorch', `${pinned.torch}-${variant}`);
}

/**
 * Finds libtorch: in `LIBTORCH`; in the cache that `maskrcnn setup` fills (CUDA before CPU); or, if
 * `LIBTORCH_USE_PYTORCH=1`, in the PyTorch of `python3`. Does not download or load anything.
 *
 * Throws LIBTORCH_NOT_FOUND with a list of the searched places, or if `LIBTORCH` is set but has no libtorch.
 */
export async function locateLibtorch(options: LocateOptions = {}): Promise<Libtorch> {
  const {libtorch, looks} = await lookForLibtorch(options);
  if (libtorch !== undefined) return libtorch;
  const list = looks.map(({place, finding}) => `\n  - ${place}: ${finding}`).join('');
  throw new MaskRcnnError('LIBTORCH_NOT_FOUND', `libtorch was not found. Looked in:${list}`, {hint: setupHint});
}

/**
 * Like `locateLibtorch`, but if none is found, returns the searched places. Throws LIBTORCH_NOT_FOUND only if
 * `LIBTORCH` is set but has no libtorch.
 */
export async function lookForLibtorch({
  env = process.env,
  cache = cacheRoot(env),
  python = process.platform === 'win32' ? 'python' : 'python3',
}: LocateOptions): Promise<{libtorch?: Libtorch; looks: Look[]}> {
  if (env.LIBTORCH) {
    const root = await findRoot(env.LIBTORCH);
    if (root !== undefined) return {libtorch: await describeRoot(root, 'LIBTORCH'), looks: []};
    // Using another libtorch than the requested one would be a surprise.
    throw new MaskRcnnError(
      'LIBTORCH_NOT_FOUND',
      `LIBTORCH must name a folder that holds lib/${sharedLibrary('torch_cpu')}, got '${env.LIBTORCH}'.`,
      {hint: 'Correct LIBTORCH, or unset it and run `npx maskrcnn setup`.', file: env.LIBTORCH},
    );
  }
  const looks: Look[] = [{place: 'LIBTORCH', finding: 'not set'}];

  for (const variant of ['cuda', 'cpu'] as const) {
    const folder = setupFolder(variant, cache);
    const root = await findRoot(folder);
    if (root !== undefined) return {libtorch: await describeRoot(root, 'setup'), looks};
    looks.push({place: folder, finding: 'nothing there'});
  }

  const place = `the PyTorch of ${python}`;
  if (env.LIBTORCH_USE_PYTORCH !== '1') {
    looks.push({place, finding: 'not asked for (LIBTORCH_USE_PYTORCH=1 does)'});
    return {looks};
  }
  const {folder, finding} = await findPythonTorch(python, env);
  const root = folder === undefined ? undefined : await findRoot(folder);
  if (root !== undefined) return {libtorch: await describeRoot(root, 'python'), looks};
  looks.push({place, finding});
  return {looks};
}

/** Asks Python where its PyTorch is, without importing it, which would take seconds. */
async function findPythonTorch(python: string, env: NodeJS.ProcessEnv): Promise<{folder?: string; finding: string}> {
  const program = [
    'import importlib.util',
    'spec = importlib.util.find_spec("torch")',
    'print(spec.submodule_search_locations[0] if spec else "")',
  ].join('\n');
  try {
    const {stdout} = await promisify(execFile)(python, ['-c', program], {env});
    const folder = stdout.trim();
    return folder ? {folder, finding: `no libtorch in ${folder}`} : {finding: 'PyTorch is not installed'};
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {finding: missing ? `${python} is not on the PATH` : `${python} failed: ${firstLine(error)}`};
  }
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0]!;
}
