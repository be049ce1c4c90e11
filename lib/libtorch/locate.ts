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

/** One place that was looked at, and what was there. */
type Look = {place: string; finding: string};

const setupHint = 'Run `npx maskrcnn setup` to fetch it (about 200 MB), or set LIBTORCH to an unpacked libtorch.';

/** The folder that `maskrcnn setup` unpacks a variant into: a `torch` with, for CUDA, its neighbours of the wheels. */
export function setupFolder(variant: Variant, cache: string = cacheRoot()): string {
  return join(cache, 'libtorch', `${pinned.torch}-${variant}`);
}

/**
 * Finds libtorch: in `LIBTORCH`, in what `maskrcnn setup` put in the cache (CUDA before CPU), in the PyTorch of `python3`
 * if `LIBTORCH_USE_PYTORCH=1`. Nothing is fetched or loaded.
 *
 * Throws LIBTORCH_NOT_FOUND, which lists each place; also where `LIBTORCH` is set to something else.
 */
export async function locateLibtorch(options: LocateOptions = {}): Promise<Libtorch> {
  const {libtorch, looks} = await lookForLibtorch(options);
  if (libtorch !== undefined) return libtorch;
  const list = looks.map(({place, finding}) => `\n  - ${place}: ${finding}`).join('');
  throw new MaskRcnnError('LIBTORCH_NOT_FOUND', `libtorch was not found. Looked in:${list}`, {hint: setupHint});
}

/** As `locateLibtorch`, but libtorch may be missing. */
export async function lookForLibtorch({
  env = process.env,
  cache = cacheRoot(env),
  python = process.platform === 'win32' ? 'python' : 'python3',
}: LocateOptions): Promise<{libtorch?: Libtorch; looks: Look[]}> {
  if (env.LIBTORCH) {
    const root = await findRoot(env.LIBTORCH);
    if (root !== undefined) return {libtorch: await describeRoot(root, 'LIBTORCH'), looks: []};
    // Going on to another libtorch than the one asked for would only surprise.
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

/** Asks Python where its PyTorch is, without importing it: that takes seconds. */
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
