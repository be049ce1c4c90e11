import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {MaskRcnnError} from '../lib/basics/errors.js';
import {createProgress, type Progress} from '../lib/basics/progress.js';
import type {Libtorch} from '../lib/libtorch/layout.js';
import {lookForLibtorch} from '../lib/libtorch/locate.js';
import {setUpLibtorch} from '../lib/libtorch/setup.js';
import {buildAddon, buildStandIn, isAddonFresh} from './addon.js';
import {compileTests} from './compiled-tests.js';
import {checkPrerequisites} from './prerequisites.js';
import {compileTypeScript} from './typescript.js';

// Prepares a checkout: compiles dist/, finds or fetches libtorch, and builds the addon if it is missing. Steps that are
// already done take no time. With --for-tests it also prepares what only the tests use.
const forTests = process.argv.includes('--for-tests');
const root = fileURLToPath(new URL('..', import.meta.url));
const progress = createProgress();
try {
  await build(progress);
  if (forTests) await compileTests(root);
} catch (error) {
  progress.close();
  progress.say(error instanceof MaskRcnnError ? `error: ${error.message}` : String((error as Error).stack ?? error));
  process.exitCode = 1;
}

async function build(progress: Progress): Promise<void> {
  const isPrebuilt = hasPrebuilt();
  const {libtorch: present} = await lookForLibtorch({});
  const isFresh = isPrebuilt || (present !== undefined && (await isAddonFresh(root, present)));
  if (!isFresh) await checkPrerequisites();
  await compileTypeScript(root);
  const libtorch = present ?? (await fetchLibtorch(progress));
  if (isPrebuilt) return;
  if (!(await isAddonFresh(root, libtorch))) {
    const start = performance.now();
    await buildAddon(root, libtorch, progress);
    progress.say(`The addon is built (${((performance.now() - start) / 1000).toFixed(0)} s).`);
  }
  if (forTests) await buildStandIn(root, libtorch, progress);
}

async function fetchLibtorch(progress: Progress): Promise<Libtorch> {
  progress.say('libtorch is not here yet. Fetching it, as `npx maskrcnn setup` does ...');
  return setUpLibtorch({progress});
}

/** A prebuilt addon is used if none has been built here. */
function hasPrebuilt(): boolean {
  const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  const isBuilt = existsSync(join(root, 'build/Release/maskrcnn.node'));
  return !isBuilt && existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.node'));
}
