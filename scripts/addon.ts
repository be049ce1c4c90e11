import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {MaskRcnnError} from '../lib/basics/errors.js';
import type {Progress} from '../lib/basics/progress.js';
import {type Libtorch, sharedLibrary} from '../lib/libtorch/layout.js';

const require = createRequire(import.meta.url);

/** Peak memory of one compiler job on libtorch's headers, in bytes. */
const bytesPerJob = 1.2e9;

/** Whether `build/Release` was built from the current sources for this libtorch. */
export async function isAddonFresh(root: string, libtorch: Libtorch): Promise<boolean> {
  const outputs = ['maskrcnn.node', sharedLibrary('maskrcnn')];
  if (!outputs.every((name) => existsSync(join(root, 'build/Release', name)))) return false;
  const stamp = await readFile(stampPath(root), 'utf8').catch(() => undefined);
  return stamp === (await fingerprint(root, libtorch));
}

/** Configures and builds `build/Release` with cmake-js. Throws BUILD_FAILED. */
export async function buildAddon(root: string, libtorch: Libtorch, progress: Progress): Promise<void> {
  if (!existsSync(join(libtorch.root, 'include/ATen/ATen.h'))) {
    throw new MaskRcnnError(
      'BUILD_FAILED',
      `The libtorch in ${libtorch.root} has no headers (include/) to build with.`,
      {
        hint: 'Unset LIBTORCH to have a whole one fetched, or point it at one.',
        file: libtorch.root,
      },
    );
  }
  // Taken before the build, so that a source that changes during the build makes it stale.
  const stamp = await fingerprint(root, libtorch);
  await rm(stampPath(root), {force: true});
  progress.say(`Building the addon for libtorch ${libtorch.version} ...`);
  await configure(root, libtorch, progress);
  await cmakeJs(root, ['build', `--parallel=${jobs()}`], progress);
  await writeFile(stampPath(root), stamp);
}

/** Path of the tests' stand-in for a GPU (native/stand_in), relative to the root. */
export const STAND_IN = 'build/stand-in/stand_in.node';

/** Builds the stand-in next to a fresh addon, unless it is fresh itself. Throws BUILD_FAILED. */
export async function buildStandIn(root: string, libtorch: Libtorch, progress: Progress): Promise<void> {
  const path = join(root, 'build/stand-in/built-from.txt');
  const stamp = await fingerprint(root, libtorch);
  const built = await readFile(path, 'utf8').catch(() => undefined);
  if (built === stamp && existsSync(join(root, STAND_IN))) return;
  await rm(path, {force: true});
  await configure(root, libtorch, progress);
  await cmakeJs(root, ['build', '--target=stand_in', `--parallel=${jobs()}`], progress);
  await writeFile(path, stamp);
}

async function configure(root: string, libtorch: Libtorch, progress: Progress): Promise<void> {
  const args = ['configure', `--CDLIBTORCH=${libtorch.root}`];
  const hadCache = existsSync(join(root, 'build/CMakeCache.txt'));
  try {
    await cmakeJs(root, args, progress, hadCache);
  } catch (error) {
    if (!hadCache) throw error;
    // A CMake cache from another generator, or from a checkout that was moved, cannot be reused.
    await rm(join(root, 'build'), {recursive: true, force: true});
    await cmakeJs(root, args, progress);
  }
}

function stampPath(root: string): string {
  return join(root, 'build/built-from.txt');
}

/** A digest of the sources and of what they are compiled with. */
export async function fingerprint(root: string, {version}: Libtorch): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(join(root, 'native'), {recursive: true}))
    .filter((file) => /\.(h|cpp)$/.test(file))
    .map((file) => `native/${file.replaceAll('\\', '/')}`)
    .sort();
  for (const file of ['CMakeLists.txt', ...files]) hash.update(`${file}\n`).update(await readFile(join(root, file)));
  hash.update(`${version} ${require('node-addon-api/package.json').version} ${process.platform} ${process.arch}`);
  return hash.digest('hex');
}

function jobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(process.availableMemory() / bytesPerJob)));
}

/**
 * Runs cmake-js. Shows compile steps as progress and always shows compiler warnings. Shows other output if the command
 * fails.
 */
async function cmakeJs(root: string, args: string[], progress: Progress, quiet = false): Promise<void> {
  const toolset = process.platform === 'win32' ? ['--toolset', 'ClangCL'] : []; // as CMakeLists.txt demands
  const command = [require.resolve('cmake-js/bin/cmake-js'), ...args, ...toolset, '--log-level=error'];
  const child = spawn(process.execPath, command, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let isWarning = false;
  const read = (line: string) => {
    // Ninja counts steps, Make prints a percentage.
    const [, done, total = '100', what] = /^\[\s*(\d+)(?:%|\/(\d+))\]\s*(.*)$/.exec(line) ?? [];
    if (what !== undefined) {
      isWarning = false;
      // Step 0 only looks for new files.
      if (done !== '0')
        progress.update({label: shorten(what), done: Number(done), total: Number(total), unit: 'steps'});
      return;
    }
    isWarning ||= /warning/i.test(line);
    // The last line of cmake-js says less than the lines before it.
    if (line.startsWith('ERROR OMG')) return;
    if (isWarning && !quiet) progress.say(line);
    else lines.push(line);
  };
  createInterface({input: child.stdout}).on('line', read);
  createInterface({input: child.stderr}).on('line', read);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  progress.close();
  if (code === 0) return;
  if (!quiet) for (const line of lines) progress.say(line);
  throw new MaskRcnnError(
    'BUILD_FAILED',
    `The addon could not be built: cmake-js ${args[0]} ended with code ${code}.`,
    {
      hint: 'The compiler or CMake says above what is wrong.',
    },
  );
}

/** Shortens 'Building CXX object CMakeFiles/maskrcnn_ops.dir/Unity/unity_3_cxx.cxx.o' to 'Building ops, part 4'. */
function shorten(step: string): string {
  return step
    .replace(/CXX object CMakeFiles\/(?:maskrcnn_)?(\w+)\.dir\//, '$1, ')
    .replace(/Unity\/unity_(\d+)_cxx\.cxx/, (_, index: string) => `part ${Number(index) + 1}`)
    .replace(/cmake_pch\.hxx\.gch$/, "libtorch's headers")
    .replace(/\.o$/, '');
}
