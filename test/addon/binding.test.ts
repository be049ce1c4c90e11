import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {type Binding, bind, type Loader, loadAddon, loadBinding} from '../../lib/addon/binding.js';
import {sharedLibrary} from '../../lib/libtorch/layout.js';
import {compareBinding, readDeclarations} from '../../scripts/binding-contract.js';
import {fakePython, temporaryFolder} from '../libtorch/fake-wheel.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

function makeLibtorch(folder: string, version?: string): string {
  mkdirSync(join(folder, 'lib'), {recursive: true});
  for (const name of ['c10', 'torch_cpu']) writeFileSync(join(folder, 'lib', sharedLibrary(name)), 'not a library');
  if (version !== undefined) writeFileSync(join(folder, 'version.py'), `__version__ = '${version}'\n`);
  return folder;
}

const refusing: Loader = {
  builtFor: '2.13.0',
  load: async () => {
    throw new Error('libtorch was loaded');
  },
  ...withoutGpu(),
};

/** The remaining methods of a fake loader. */
function withoutGpu(): Pick<Loader, 'loadOperators' | 'loadNccl' | 'cuda'> {
  return {loadOperators: fail, loadNccl: fail, cuda: () => ({inLibtorch: false, hasDriver: false})};
}

test('the addon loads once, and libtorch answers', async (t) => {
  const binding = await loadBinding();
  t.is(await loadBinding(), binding);
  t.regex(binding.environment().libtorch, /^2\.\d+\.\d+/);
});

test('the addon exports what binding.d.ts declares, and nothing else', async (t) => {
  const declared = readDeclarations(join(root, 'binding.d.ts'));
  t.true(declared.size > 20);
  t.deepEqual(compareBinding(declared, await loadBinding()), []);
});

test('a libtorch of another minor version is refused before it is loaded', async (t) => {
  const folder = makeLibtorch(temporaryFolder(t), '2.11.0+cpu');
  await t.throwsAsync(bind(refusing, {env: {LIBTORCH: folder}}), {
    code: 'LIBTORCH_MISMATCH',
    message: /built for libtorch 2\.13\.0 and needs 2\.13\.x, but the one in .* is 2\.11\.0\+cpu\.\nPoint LIBTORCH at/,
  });
});

test('a libtorch that does not state its version is refused', async (t) => {
  const folder = makeLibtorch(temporaryFolder(t));
  await t.throwsAsync(bind(refusing, {env: {LIBTORCH: folder}}), {
    code: 'LIBTORCH_MISMATCH',
    message: /does not state its version/,
  });
});

test("the refusal of Python's PyTorch names the variable that chose it", async (t) => {
  const folder = makeLibtorch(temporaryFolder(t), '2.12.0');
  const python = fakePython(temporaryFolder(t), `console.log(${JSON.stringify(folder)})`);
  const env = {LIBTORCH_USE_PYTORCH: '1', PATH: process.env.PATH};
  await t.throwsAsync(bind(refusing, {env, cache: temporaryFolder(t), python}), {
    code: 'LIBTORCH_MISMATCH',
    message: /unset LIBTORCH_USE_PYTORCH/,
  });
});

test('a libtorch of another patch version or build is taken', async (t) => {
  const folder = makeLibtorch(temporaryFolder(t), '2.13.1+cu130');
  const binding = {} as Binding;
  const loader: Loader = {
    builtFor: '2.13.0',
    load: async (libDir) => (libDir === join(folder, 'lib') ? binding : fail()),
    ...withoutGpu(),
  };
  t.is((await bind(loader, {env: {LIBTORCH: folder}})).binding, binding);
});

test('files that are no libraries are reported with their path, and the process lives on', async (t) => {
  const loader = loadAddon(root);
  const folder = makeLibtorch(temporaryFolder(t), loader.builtFor);
  await t.throwsAsync(bind(loader, {env: {LIBTORCH: folder}}), {
    code: 'LIBTORCH_NOT_FOUND',
    message: /libtorch cannot be loaded from .*c10.*npx maskrcnn setup/s,
  });
});

test('an addon that cannot be loaded is an error of its own', async (t) => {
  const folder = makeLibtorch(temporaryFolder(t), '2.13.0');
  const load = async () => {
    throw Object.assign(new Error('The addon cannot be loaded.'), {code: 'NATIVE'});
  };
  await t.throwsAsync(bind({builtFor: '2.13.0', load, ...withoutGpu()}, {env: {LIBTORCH: folder}}), {
    code: 'NATIVE',
    message: 'The addon cannot be loaded.\nBuild the addon anew with `npm run build:addon`.',
  });
});

test('a package without an addon says how to build it', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'package.json'), '{"name": "maskrcnn"}');
  t.throws(() => loadAddon(folder), {
    code: 'ADDON_NOT_FOUND',
    message: /neither built nor prebuilt.*npm run build:addon/s,
  });
});

test('a loader that cannot be loaded is told with its path and the linker’s words', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'build', 'Release', 'maskrcnn.node');
  mkdirSync(join(path, '..'), {recursive: true});
  writeFileSync(path, 'no library');
  const error = t.throws(() => loadAddon(folder), {
    code: 'NATIVE',
    message: /cannot be loaded: .*\nIt may need a newer/s,
  });
  t.true(error!.message.startsWith(`The native addon ${path} cannot be loaded: ${path}`), error!.message);
});

test('the loader takes one path', (t) => {
  const load = loadAddon(root).load as (...args: unknown[]) => unknown;
  t.throws(() => load(), {instanceOf: TypeError, message: /path of libtorch's lib folder/});
  t.throws(() => load(1), {instanceOf: TypeError});
});

function fail(): never {
  throw new Error('loaded from another folder');
}
