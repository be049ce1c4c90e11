import {copyFile, readdir, readFile, rm, stat} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {MaskRcnnError} from '../lib/basics/errors.js';
import {createProgress} from '../lib/basics/progress.js';
import {minorVersion} from '../lib/libtorch/layout.js';
import {locateLibtorch} from '../lib/libtorch/locate.js';
import {pinned} from '../lib/libtorch/pinned.js';
import {buildAddon, isAddonFresh} from './addon.js';

// Fills prebuilds/PLATFORM-ARCH in the layout of node-gyp-build from build/Release, which is built first if it is not
// fresh.
const root = fileURLToPath(new URL('..', import.meta.url));
const progress = createProgress();
try {
  await prebuild();
} catch (error) {
  progress.close();
  progress.say(error instanceof MaskRcnnError ? `error: ${error.message}` : String((error as Error).stack ?? error));
  process.exitCode = 1;
}

async function prebuild(): Promise<void> {
  const libtorch = await locateLibtorch();
  if (libtorch.version === undefined || minorVersion(libtorch.version) !== minorVersion(pinned.torch)) {
    throw new MaskRcnnError(
      'LIBTORCH_MISMATCH',
      `The package is prebuilt for libtorch ${pinned.torch}, got ${libtorch.version} in ${libtorch.root}.`,
      {hint: 'Unset LIBTORCH, and run `npx maskrcnn setup`.', file: libtorch.root},
    );
  }
  if (!(await isAddonFresh(root, libtorch))) await buildAddon(root, libtorch, progress);

  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  await rm(folder, {recursive: true, force: true});
  const prebuildify = promisify(createRequire(import.meta.url)('prebuildify') as (options: object, done: Done) => void);
  await prebuildify({
    cwd: root,
    name: 'maskrcnn',
    targets: [{runtime: 'node', target: process.versions.node}],
    napi: true,
    strip: true,
    tagLibc: process.platform === 'linux',
    // The build is already done, so replace node-gyp by a command that does nothing.
    nodeGyp: process.platform === 'win32' ? 'ver' : 'true',
    shell: true,
    quiet: true,
  });
  const files = await readdir(folder);
  const loader = files.find((name) => name.endsWith('.node'))!;
  // prebuildify has moved the loader; copy it back so that the checkout keeps working.
  await copyFile(join(folder, loader), join(root, 'build/Release/maskrcnn.node'));
  for (const name of files) {
    const path = join(folder, name);
    const size = ((await stat(path)).size / 1e6).toFixed(2);
    progress.say([`${path}: ${size} MB`, ...(await needs(path))].join(', '));
  }
}

type Done = (error: Error | null) => void;

/** The newest versions of the system's libraries that the symbols of a library require. */
async function needs(path: string): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const text = await readFile(path, 'latin1');
  return ['GLIBC', 'GLIBCXX'].flatMap((library) => {
    const versions = [...text.matchAll(new RegExp(`\\b${library}_(\\d+(?:\\.\\d+)+)`, 'g'))].map(
      ([, version]) => version!,
    );
    const newest = versions.sort(new Intl.Collator('en', {numeric: true}).compare).at(-1);
    return newest === undefined ? [] : [`needs ${library} ${newest}`];
  });
}
