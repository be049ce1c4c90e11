import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {sharedLibrary} from '../../lib/libtorch/layout.js';
import {setupFolder} from '../../lib/libtorch/locate.js';
import {setUpLibtorch} from '../../lib/libtorch/setup.js';
import {fakePython, makeZip, recordedProgress, serve, temporaryFolder, torchFiles, wheelName} from './fake-wheel.js';

const wheel = wheelName('torch', '2.13.0+cpu');
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const link = (file: string, digest?: string) =>
  `<a href="/files/${encodeURIComponent(file)}${digest ? `#sha256=${digest}` : ''}">${file}</a>`;
const quiet = () => recordedProgress().progress;
/** No index and no Python, so nothing can be fetched. */
const nowhere = {index: 'http://127.0.0.1:9', python: 'no-such-python'};

function indexOf(zip: Buffer, digest: string | undefined = sha256(zip)) {
  return {
    '/whl/torch/': `<html>${link('torch-2.13.0+cpu-cp312-cp312-musllinux_1_2_x86_64.whl')}${link(wheel, digest)}`,
    [`/files/${wheel}`]: zip,
  };
}

test('takes the wheel of the index, checks it, and unpacks only what is needed', async (t) => {
  const cache = temporaryFolder(t);
  const {url} = await serve(t, indexOf(makeZip(torchFiles())));
  const {progress, text} = recordedProgress();
  const libtorch = await setUpLibtorch({...nowhere, cache, index: `${url}/whl`, progress});

  t.is(libtorch.root, join(setupFolder('cpu', cache), 'torch'));
  t.is(libtorch.version, '2.13.0+cpu');
  t.deepEqual(readdirSync(libtorch.root).sort(), ['include', 'lib', 'version.py']);
  t.deepEqual(
    readdirSync(libtorch.libDir).sort(),
    [sharedLibrary('c10'), 'libgomp.so.1', sharedLibrary('torch_cpu')].sort(),
  );
  t.is(readFileSync(join(libtorch.libDir, sharedLibrary('torch_cpu'))).length, 3_000_000);
  t.deepEqual(readdirSync(join(cache, 'downloads')), []);
  t.deepEqual(readdirSync(join(cache, 'libtorch')), ['2.13.0-cpu']);
  t.regex(text(), /Downloading .*\n.*of 3\.0 MB, \d+ %/);
  t.regex(text(), /Unpacking .*of 3\.0 MB, 100 %/);
});

test('a second set-up fetches nothing', async (t) => {
  const cache = temporaryFolder(t);
  const {url, requests} = await serve(t, indexOf(makeZip(torchFiles())));
  const first = await setUpLibtorch({...nowhere, cache, index: `${url}/whl`, progress: quiet()});
  const count = requests.length;
  const {progress, text} = recordedProgress();
  t.deepEqual(await setUpLibtorch({...nowhere, cache, progress}), first);
  t.is(requests.length, count);
  t.regex(text(), /set up already/);
});

test('a download that was broken off goes on where it stopped', async (t) => {
  const cache = temporaryFolder(t);
  const zip = makeZip(torchFiles());
  const behaviour: {cutAfter?: number | undefined} = {cutAfter: 1_000_000};
  const {url, requests} = await serve(t, indexOf(zip), behaviour);
  const controller = new AbortController();
  const {progress} = recordedProgress();
  const stopping = {
    ...progress,
    update: (state: Parameters<typeof progress.update>[0]) => {
      if (state.done >= 500_000) controller.abort(new Error('interrupted'));
    },
  };
  await t.throwsAsync(
    setUpLibtorch({...nowhere, cache, index: `${url}/whl`, progress: stopping, signal: controller.signal}),
    {message: 'interrupted'},
  );
  t.deepEqual(readdirSync(join(cache, 'libtorch')), []);

  behaviour.cutAfter = undefined;
  await setUpLibtorch({...nowhere, cache, index: `${url}/whl`, progress: quiet()});
  const ranges = requests.map(({headers}) => headers.range).filter((range) => range !== undefined);
  t.is(ranges.length, 1);
  t.true(Number(/\d+/.exec(ranges[0]!)![0]) >= 500_000);
});

test('a wheel of another digest than the index states is refused', async (t) => {
  const cache = temporaryFolder(t);
  const {url} = await serve(t, indexOf(makeZip(torchFiles()), 'ab'.repeat(32)));
  const error = await t.throwsAsync(setUpLibtorch({...nowhere, cache, index: `${url}/whl`, progress: quiet()}), {
    code: 'CHECKSUM_MISMATCH',
  });
  t.true(error!.message.includes('abab'));
  t.deepEqual(readdirSync(join(cache, 'libtorch')), []);
  t.false(readdirSync(join(cache, 'downloads')).some((name) => name.endsWith('.whl')));
});

test('a wheel under a pinned name must have the pinned digest, wherever it comes from', async (t) => {
  const cache = temporaryFolder(t);
  const wheels = temporaryFolder(t);
  const name = 'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl';
  writeFileSync(join(wheels, name), makeZip(torchFiles()));
  if (process.platform !== 'linux' || process.arch !== 'x64') return t.pass();
  await t.throwsAsync(setUpLibtorch({...nowhere, cache, from: wheels, progress: quiet()}), {
    code: 'CHECKSUM_MISMATCH',
    message: /should have the SHA-256 6746dbcb/,
  });
});

test('set-ups at the same time take turns and fetch once', async (t) => {
  const cache = temporaryFolder(t);
  const {url, requests} = await serve(t, indexOf(makeZip(torchFiles())));
  const options = {...nowhere, cache, index: `${url}/whl`};
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => setUpLibtorch({...options, progress: quiet()})));
  t.deepEqual(a, b);
  t.deepEqual(b, c);
  t.is(requests.filter((request) => request.url!.startsWith('/files/')).length, 1);
});

test('a cache that cannot be written to is told', async (t) => {
  const cache = join(temporaryFolder(t), 'file');
  writeFileSync(cache, '');
  await t.throwsAsync(setUpLibtorch({...nowhere, cache, progress: quiet()}), {
    code: 'WRITE_FAILED',
    message: /2\.13\.0-cpu could not be written: ENOTDIR.*\n.*XDG_CACHE_HOME/,
  });
});

test('what a killed set-up has left is removed', async (t) => {
  const cache = temporaryFolder(t);
  const folder = setupFolder('cpu', cache);
  mkdirSync(`${folder}.partial-1/torch`, {recursive: true});
  mkdirSync(`${folder}/torch`, {recursive: true});
  const {url} = await serve(t, indexOf(makeZip(torchFiles())));
  await setUpLibtorch({...nowhere, cache, index: `${url}/whl`, progress: quiet()});
  t.deepEqual(readdirSync(join(cache, 'libtorch')), ['2.13.0-cpu']);
});

test('where the index is out of reach, pip gets the wheel', async (t) => {
  const cache = temporaryFolder(t);
  const wheels = temporaryFolder(t);
  writeFileSync(join(wheels, wheel), makeZip(torchFiles()));
  const python = fakePython(
    wheels,
    `const args = process.argv.slice(2);
     const into = args[args.indexOf('-d') + 1];
     require('fs').writeFileSync(${JSON.stringify(join(wheels, 'args.json'))}, JSON.stringify(args));
     require('fs').copyFileSync(${JSON.stringify(join(wheels, wheel))}, into + '/${wheel}');`,
  );
  const {progress, text} = recordedProgress();
  const libtorch = await setUpLibtorch({cache, index: 'http://127.0.0.1:9/whl', python, progress});
  t.is(libtorch.version, '2.13.0+cpu');
  const args: string[] = JSON.parse(readFileSync(join(wheels, 'args.json'), 'utf8'));
  t.deepEqual(args.slice(0, 4), ['-m', 'pip', 'download', '--no-deps']);
  t.is(args.at(-1), 'torch==2.13.0+cpu');
  t.regex(text(), /index .*127\.0\.0\.1.* cannot be reached/);
  t.deepEqual(readdirSync(join(cache, 'libtorch')), ['2.13.0-cpu']);
});

test('where pip has no +cpu build it is asked for the plain one; its last line becomes the reason', async (t) => {
  const cache = temporaryFolder(t);
  const log = join(cache, 'asked');
  const python = fakePython(
    cache,
    `require('fs').appendFileSync(${JSON.stringify(log)}, process.argv.at(-1) + '\\n');
     console.error('Looking in indexes\\nERROR: No matching distribution found'); process.exitCode = 1;`,
  );
  await t.throwsAsync(setUpLibtorch({cache, index: 'http://127.0.0.1:9/whl', python, progress: quiet()}), {
    code: 'DOWNLOAD_FAILED',
    message: /pip could not get torch==2\.13\.0: ERROR: No matching distribution found\.\n.*--from FILE/s,
  });
  t.is(readFileSync(log, 'utf8'), 'torch==2.13.0+cpu\ntorch==2.13.0\n');
  t.deepEqual(readdirSync(join(cache, 'libtorch')), []);
});

test('without index and Python the error names both', async (t) => {
  const cache = temporaryFolder(t);
  await t.throwsAsync(setUpLibtorch({...nowhere, cache, progress: quiet()}), {
    code: 'DOWNLOAD_FAILED',
    message:
      /libtorch 2\.13\.0 could not be fetched\.\n {2}- The package index .*\n {2}- pip .* no Python on the PATH\./,
  });
});

test('--from takes a wheel, a folder of wheels, a zip and an unpacked libtorch', async (t) => {
  const source = temporaryFolder(t);
  writeFileSync(join(source, wheel), makeZip(torchFiles()));
  const zipped = Object.entries(torchFiles()).map(([name, data]) => [name.replace(/^torch\//, 'libtorch/'), data]);
  writeFileSync(join(source, 'libtorch-cpu.zip'), makeZip(Object.fromEntries(zipped)));
  const folder = await setUpLibtorch({...nowhere, cache: temporaryFolder(t), from: source, progress: quiet()});
  for (const from of [join(source, wheel), join(source, 'libtorch-cpu.zip'), folder.root]) {
    const cache = temporaryFolder(t);
    const libtorch = await setUpLibtorch({...nowhere, cache, from, progress: quiet()});
    t.is(libtorch.version, '2.13.0+cpu');
    t.deepEqual(readdirSync(libtorch.libDir).sort(), readdirSync(folder.libDir).sort());
    t.true(existsSync(join(libtorch.root, 'include/ATen/ATen.h')));
  }
  t.true(existsSync(join(source, wheel)));
});

test('--from takes the address of a wheel and of an index', async (t) => {
  const {url} = await serve(t, indexOf(makeZip(torchFiles())));
  for (const from of [`${url}/files/${encodeURIComponent(wheel)}`, `${url}/whl`]) {
    const cache = temporaryFolder(t);
    t.is((await setUpLibtorch({...nowhere, cache, from, progress: quiet()})).version, '2.13.0+cpu');
    t.deepEqual(readdirSync(join(cache, 'downloads')), []);
  }
});

test('--cuda brings what the wheels require of CUDA, and torchvision', async (t) => {
  const source = temporaryFolder(t);
  const metadata = [
    'Requires-Dist: filelock',
    'Requires-Dist: cuda-toolkit[cublas]==13.0.3; platform_system == "Linux"',
    'Requires-Dist: nvidia-cudnn-cu13==9.24.0.43; platform_system == "Linux"',
    'Requires-Dist: triton~=3.8.0; platform_system == "Linux"',
  ].join('\n');
  const put = (name: string, files: Record<string, string | Buffer>) =>
    writeFileSync(join(source, name), makeZip(files));
  put(wheelName('torch', '2.13.0+cu130'), torchFiles('2.13.0+cu130', metadata));
  put(wheelName('torchvision', '0.28.0+cu130'), {'torchvision/_C.so': 'ops', 'torchvision/image.so': 'image'});
  put('cuda_toolkit-13.0.3-py2.py3-none-any.whl', {
    'cuda_toolkit-13.0.3.dist-info/METADATA':
      'Requires-Dist: nvidia-cublas==13.1.1.3.*; extra == "cublas"\nRequires-Dist: nvidia-nvtx==13.0.85.*; extra == "nvtx"\n',
  });
  put(wheelName('nvidia_cublas', '13.1.1.3'), {
    'nvidia/cu13/lib/libcublas.so.13': 'cublas',
    'nvidia/cu13/include/a.h': '',
  });
  put(wheelName('nvidia_cudnn_cu13', '9.24.0.43'), {'nvidia/cudnn/lib/libcudnn.so.9': 'cudnn'});
  const options = {...nowhere, variant: 'cuda', from: source, progress: quiet()} as const;
  if (process.platform !== 'linux') return t.pass();
  const {root, version} = await setUpLibtorch({...options, cache: temporaryFolder(t)});
  t.is(version, '2.13.0+cu130');
  for (const file of ['nvidia/cu13/lib/libcublas.so.13', 'nvidia/cudnn/lib/libcudnn.so.9', 'torchvision/_C.so']) {
    t.true(existsSync(join(root, '..', file)), file);
  }
  t.deepEqual(readdirSync(join(root, '..', 'nvidia/cu13')), ['lib']);
});

test('a source that is missing, damaged, or of another version is refused and leaves nothing', async (t) => {
  const cache = temporaryFolder(t);
  const source = temporaryFolder(t);
  const zip = makeZip(torchFiles());
  const damaged = Buffer.from(zip);
  damaged[1_000_000]! ^= 0xff;
  const cases: [string, Buffer | undefined, {code: string; message: RegExp}][] = [
    ['missing.whl', undefined, {code: 'INVALID_OPTION', message: /--from must be .*missing\.whl does not exist/}],
    ['cut.zip', zip.subarray(0, -100), {code: 'DOWNLOAD_FAILED', message: /cut\.zip must be a wheel or another zip/}],
    ['empty.zip', Buffer.alloc(0), {code: 'DOWNLOAD_FAILED', message: /empty\.zip must be a wheel or another zip/}],
    ['damaged.zip', damaged, {code: 'DOWNLOAD_FAILED', message: /damaged\.zip is damaged: /}],
    ['other.zip', makeZip({'a.txt': 'a'}), {code: 'DOWNLOAD_FAILED', message: /holds no libtorch/}],
    [
      'old.zip',
      makeZip(torchFiles('2.4.1+cpu')),
      {code: 'LIBTORCH_MISMATCH', message: /must be 2\.13\.0, got 2\.4\.1\+cpu\./},
    ],
  ];
  for (const [name, data, expected] of cases) {
    if (data !== undefined) writeFileSync(join(source, name), data);
    await t.throwsAsync(
      setUpLibtorch({...nowhere, cache, from: join(source, name), progress: quiet()}),
      expected,
      name,
    );
    t.deepEqual(readdirSync(join(cache, 'libtorch')), [], name);
  }
  mkdirSync(join(source, 'wheels'));
  await t.throwsAsync(setUpLibtorch({...nowhere, cache, from: join(source, 'wheels'), progress: quiet()}), {
    code: 'DOWNLOAD_FAILED',
    message: /No wheel of torch==2\.13\.0 for .* is in .*wheels\./,
  });
});
