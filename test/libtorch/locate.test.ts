import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {minorVersion, readVersion, sharedLibrary} from '../../lib/libtorch/layout.js';
import {locateLibtorch, setupFolder} from '../../lib/libtorch/locate.js';
import {fakePython, temporaryFolder} from './fake-wheel.js';

function put(path: string, text: string): void {
  mkdirSync(dirname(path), {recursive: true});
  writeFileSync(path, text);
}

function makeLibtorch(root: string, version = '2.13.0+cpu'): string {
  for (const name of ['c10', 'torch_cpu']) put(join(root, 'lib', sharedLibrary(name)), name);
  put(join(root, 'version.py'), `__version__ = '${version}'\n`);
  return root;
}

test('LIBTORCH may name the root, its lib, or the folder around torch', async (t) => {
  const folder = temporaryFolder(t);
  const root = makeLibtorch(join(folder, 'torch'));
  for (const LIBTORCH of [root, join(root, 'lib'), folder]) {
    t.deepEqual(await locateLibtorch({env: {LIBTORCH}, cache: folder}), {
      root,
      libDir: join(root, 'lib'),
      version: '2.13.0+cpu',
      origin: 'LIBTORCH',
    });
  }
});

test('LIBTORCH comes first, then what setup put there, CUDA before CPU, then Python where asked for', async (t) => {
  const cache = temporaryFolder(t);
  const site = temporaryFolder(t);
  const python = fakePython(site, `console.log(${JSON.stringify(makeLibtorch(join(site, 'torch')))})`);
  const env = {LIBTORCH_USE_PYTORCH: '1', PATH: process.env.PATH};
  t.is((await locateLibtorch({env, cache, python})).origin, 'python');
  const cpu = makeLibtorch(join(setupFolder('cpu', cache), 'torch'));
  t.is((await locateLibtorch({env, cache, python})).root, cpu);
  const cuda = makeLibtorch(join(setupFolder('cuda', cache), 'torch'));
  t.is((await locateLibtorch({env, cache, python})).root, cuda);
  const own = makeLibtorch(temporaryFolder(t));
  t.is((await locateLibtorch({env: {...env, LIBTORCH: own}, cache, python})).root, own);
});

test('nothing anywhere: the text lists every place and the command that mends it', async (t) => {
  const cache = temporaryFolder(t);
  const error = await t.throwsAsync(locateLibtorch({env: {}, cache, python: 'python3'}), {code: 'LIBTORCH_NOT_FOUND'});
  t.is(
    error!.message,
    [
      'libtorch was not found. Looked in:',
      '  - LIBTORCH: not set',
      `  - ${setupFolder('cuda', cache)}: nothing there`,
      `  - ${setupFolder('cpu', cache)}: nothing there`,
      '  - the PyTorch of python3: not asked for (LIBTORCH_USE_PYTORCH=1 does)',
      'Run `npx maskrcnn setup` to fetch it (about 200 MB), or set LIBTORCH to an unpacked libtorch.',
    ].join('\n'),
  );
});

test('LIBTORCH that names something else is an error, whatever else there is', async (t) => {
  const cache = temporaryFolder(t);
  makeLibtorch(join(setupFolder('cpu', cache), 'torch'));
  for (const LIBTORCH of [join(cache, 'nowhere'), cache, join(setupFolder('cpu', cache), 'torch', 'version.py')]) {
    await t.throwsAsync(locateLibtorch({env: {LIBTORCH}, cache}), {
      code: 'LIBTORCH_NOT_FOUND',
      message: /^LIBTORCH must name a folder that holds lib\/.*got '.*'\.\nCorrect LIBTORCH/,
    });
  }
});

test('Python that is missing, broken, or without PyTorch is told apart', async (t) => {
  const cache = temporaryFolder(t);
  const env = {LIBTORCH_USE_PYTORCH: '1', PATH: process.env.PATH};
  const cases: [string, RegExp][] = [
    ['no-such-python', /no-such-python is not on the PATH/],
    [fakePython(temporaryFolder(t), 'process.exit(3)'), /python3 failed: /],
    [fakePython(temporaryFolder(t), 'console.log("")'), /PyTorch is not installed/],
    [fakePython(temporaryFolder(t), `console.log(${JSON.stringify(cache)})`), /no libtorch in /],
  ];
  for (const [python, message] of cases) {
    await t.throwsAsync(locateLibtorch({env, cache, python}), {code: 'LIBTORCH_NOT_FOUND', message});
  }
});

test('the version is read from wheels, zips and headers', async (t) => {
  const folder = temporaryFolder(t);
  t.is(await readVersion(folder), undefined);
  const header = ['MAJOR 2', 'MINOR 12', 'PATCH 1'].map((line) => `#define TORCH_VERSION_${line}`).join('\n');
  put(join(folder, 'include/torch/headeronly/version.h'), header);
  t.is(await readVersion(folder), '2.12.1');
  put(join(folder, 'build-version'), '2.13.0+cu130\n');
  t.is(await readVersion(folder), '2.13.0+cu130');
  put(join(folder, 'version.py'), "__version__ = '2.14.1'\n");
  t.is(await readVersion(folder), '2.14.1');
  t.is(minorVersion('2.13.0+cpu'), '2.13');
});

test('a libtorch behind a symbolic link is found', async (t) => {
  const folder = temporaryFolder(t);
  makeLibtorch(join(folder, 'real'));
  symlinkSync(join(folder, 'real'), join(folder, 'link'), 'junction');
  t.is((await locateLibtorch({env: {LIBTORCH: join(folder, 'link')}, cache: folder})).root, join(folder, 'link'));
});
