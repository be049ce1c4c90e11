import {randomUUID} from 'node:crypto';
import {mkdir, readdir, rename, rm, stat} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {createProgress, type Progress} from '../basics/progress.js';
import {cacheRoot} from '../files/cache.js';
import {withFileLock} from '../files/file-lock.js';
import {writing} from '../files/writing.js';
import {describeRoot, findRoot, type Libtorch, minorVersion} from './layout.js';
import {setupFolder} from './locate.js';
import {officialIndex, pinned, type Variant} from './pinned.js';
import {fetchFile, folderSource, indexSource, pipSource, type SourceContext, type WheelSource} from './sources.js';
import {copyLibtorch, unpackWheel} from './unpack.js';
import {cudaRequirements, parseWheelName, type Requirement} from './wheel.js';

export type SetupOptions = {
  variant?: Variant;
  /** A wheel, a folder of wheels, a libtorch zip or folder, or the URL of a wheel, a zip or a package index. */
  from?: string | undefined;
  /** The package's cache folder. */
  cache?: string;
  progress?: Progress;
  signal?: AbortSignal | undefined;
  /** The official package index. */
  index?: string;
  /** The command that starts Python, for pip. */
  python?: string;
};

/**
 * Downloads the pinned libtorch into the cache: from PyTorch's index; with pip, if the index is unreachable; or from
 * `from`. An existing libtorch is kept, and an interrupted download resumes. The folder appears only when it is
 * complete. Set-ups that run at the same time take turns.
 *
 * Throws DOWNLOAD_FAILED, CHECKSUM_MISMATCH, LIBTORCH_MISMATCH, WRITE_FAILED, INVALID_OPTION if `from` does not exist,
 * or the signal's reason.
 */
export async function setUpLibtorch({
  variant = 'cpu',
  from,
  cache = cacheRoot(),
  progress = createProgress(),
  signal,
  index = officialIndex[variant],
  python = process.platform === 'win32' ? 'python' : 'python3',
}: SetupOptions = {}): Promise<Libtorch> {
  const folder = setupFolder(variant, cache);
  const context: SourceContext = {variant, downloads: join(cache, 'downloads'), progress, signal};
  const setUp = async () => {
    await mkdir(dirname(folder), {recursive: true});
    return withFileLock(`${folder}.lock`, () => fillOnce(folder, {from, index, python, context}), {signal});
  };
  return writing(
    folder,
    setUp,
    'It needs space, and permission to write; XDG_CACHE_HOME names another place for the cache.',
  );
}

/** Fills `folder`, unless it already has a libtorch. */
async function fillOnce(folder: string, options: FillOptions): Promise<Libtorch> {
  const {progress} = options.context;
  const present = await findRoot(folder);
  if (present !== undefined) {
    progress.say(`libtorch is set up already: ${present}`);
    return describeRoot(present, 'setup');
  }
  await rm(folder, {recursive: true, force: true});
  await removeLeftovers(folder);
  const partial = `${folder}.partial-${randomUUID()}`;
  try {
    const cleanUp = await fill(partial, options);
    await verify(partial);
    await rename(partial, folder);
    await cleanUp();
  } finally {
    await removeLeftovers(folder);
  }
  const root = (await findRoot(folder))!;
  progress.say(`libtorch is set up: ${root}`);
  return describeRoot(root, 'setup');
}

type FillOptions = {from: string | undefined; index: string; python: string; context: SourceContext};

/** Fills `folder`. Returns a function that removes the downloads. Call it when everything has succeeded. */
async function fill(folder: string, {from, index, python, context}: FillOptions): Promise<() => Promise<void>> {
  if (from === undefined) return fillFromDefaults(folder, index, python, context);
  if (/^https?:/i.test(from)) {
    const name = decodeURIComponent(basename(new URL(from).pathname));
    if (!/\.(whl|zip)$/.test(name)) return fillFromWheels(folder, indexSource(from, context), context);
    const path = await fetchFile(from, name, undefined, context);
    await fillFromFile(folder, path, context);
    return () => rm(path, {force: true});
  }
  const path = resolve(from);
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) {
    throw new MaskRcnnError('INVALID_OPTION', `--from must be a file, a folder or a URL, but ${path} does not exist.`);
  }
  if (stats.isFile()) {
    await fillFromFile(folder, path, context);
    return async () => {};
  }
  const root = await findRoot(path);
  if (root === undefined) return fillFromWheels(folder, folderSource(path, context), context);
  context.progress.say(`Copying ${root} ...`);
  await copyLibtorch(root, folder);
  return async () => {};
}

async function fillFromFile(folder: string, path: string, context: SourceContext): Promise<void> {
  const name = basename(path);
  if (parseWheelName(name) === undefined) await unpack(path, folder, context);
  else await fillFromWheels(folder, folderSource(dirname(path), context, name), context);
}

async function fillFromDefaults(
  folder: string,
  index: string,
  python: string,
  context: SourceContext,
): Promise<() => Promise<void>> {
  try {
    return await fillFromWheels(folder, indexSource(index, context), context);
  } catch (indexError) {
    if (!isFailedDownload(indexError)) throw indexError;
    context.progress.say(indexError.message);
    try {
      return await fillFromWheels(folder, pipSource(python, `${folder}-pip`, context), context);
    } catch (pipError) {
      if (!isFailedDownload(pipError)) throw pipError;
      throw new MaskRcnnError(
        'DOWNLOAD_FAILED',
        `libtorch ${pinned.torch} could not be fetched.\n  - ${indexError.message}\n  - ${pipError.message}`,
        {
          hint:
            'Fetch the wheel of torch on another machine and run `npx maskrcnn setup --from FILE`, ' +
            'or set LIBTORCH to an unpacked libtorch.',
          cause: pipError,
        },
      );
    }
  }
}

async function fillFromWheels(
  folder: string,
  source: WheelSource,
  context: SourceContext,
): Promise<() => Promise<void>> {
  const wanted: Requirement[] = [{name: 'torch', specifier: `==${pinned.torch}`, extras: []}];
  // torchvision provides operators for CUDA.
  if (context.variant === 'cuda') wanted.push({name: 'torchvision', specifier: `==${pinned.torchvision}`, extras: []});
  const wheels = new Set<string>();
  for (const requirement of wanted) {
    const path = await source.obtain(requirement);
    wheels.add(path);
    // A wheel that was built with CUDA needs CUDA's libraries to load, even to run on the CPU.
    for (const further of await cudaRequirements(path, requirement.extras)) {
      if (!wanted.some(({name}) => name === further.name)) wanted.push(further);
    }
  }
  for (const path of wheels) await unpack(path, folder, context);
  return () => source.dispose();
}

async function unpack(path: string, folder: string, {progress, signal}: SourceContext): Promise<void> {
  await unpackWheel(path, folder, {progress, label: `Unpacking ${basename(path)}`, signal});
}

/** Throws unless `folder` has a libtorch of the version that the addon is built for. */
async function verify(folder: string): Promise<void> {
  const root = await findRoot(folder);
  if (root === undefined) {
    throw new MaskRcnnError('DOWNLOAD_FAILED', `What was unpacked holds no libtorch for ${process.platform}.`, {
      hint: 'Give `--from` a wheel of torch, or a libtorch zip, for this platform.',
    });
  }
  const {version} = await describeRoot(root, 'setup');
  if (version !== undefined && minorVersion(version) === minorVersion(pinned.torch)) return;
  throw new MaskRcnnError(
    'LIBTORCH_MISMATCH',
    `The libtorch to set up must be ${pinned.torch}, got ${version ?? 'one that does not state its version'}.`,
    {hint: 'To build for another version, set LIBTORCH to it and run `npm run build:addon` in a checkout.'},
  );
}

/** Removes partial folders of earlier set-ups. The caller holds the lock, so no other set-up is using them. */
async function removeLeftovers(folder: string): Promise<void> {
  const parent = dirname(folder);
  const names = (await readdir(parent)).filter((name) => name.startsWith(`${basename(folder)}.partial-`));
  await Promise.all(names.map((name) => rm(join(parent, name), {recursive: true, force: true})));
}

function isFailedDownload(error: unknown): error is MaskRcnnError {
  return error instanceof MaskRcnnError && error.code === 'DOWNLOAD_FAILED';
}
