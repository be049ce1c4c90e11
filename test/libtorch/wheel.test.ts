import test from 'ava';
import {placeOf} from '../../lib/libtorch/unpack.js';
import {parseRequirements, parseWheelName, pickWheel} from '../../lib/libtorch/wheel.js';

const torch = {name: 'torch', specifier: '==2.13.0', extras: []};
const linux = {platform: 'linux', arch: 'x64'} as const;

test('reads the name of a wheel', (t) => {
  t.deepEqual(parseWheelName('nvidia_cudnn_cu13-9.24.0.43-py3-none-manylinux_2_27_x86_64.manylinux1_x86_64.whl'), {
    name: 'nvidia-cudnn-cu13',
    version: '9.24.0.43',
    platforms: ['manylinux_2_27_x86_64', 'manylinux1_x86_64'],
  });
  t.is(parseWheelName('torch-2.13.0.tar.gz'), undefined);
  t.is(parseWheelName('libtorch-shared-with-deps-2.13.0.zip'), undefined);
});

test('picks by version, platform and variant, whatever the Python', (t) => {
  const files = [
    'torch-2.12.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl',
    'torch-2.13.0-cp313-cp313-manylinux_2_28_x86_64.whl',
    'torch-2.13.0+cu130-cp313-cp313-manylinux_2_28_x86_64.whl',
    'torch-2.13.0+cpu-cp313-cp313-manylinux_2_28_aarch64.whl',
    'torch-2.13.0+cpu-cp313-cp313-manylinux_2_28_x86_64.whl',
    'torch-2.13.0+cpu-cp313-cp313-musllinux_1_2_x86_64.whl',
    'torch-2.13.0+cpu-cp313-cp313-win_amd64.whl',
    'torch-2.13.0-cp313-none-macosx_11_0_arm64.whl',
    'torchvision-2.13.0+cpu-cp313-cp313-manylinux_2_28_x86_64.whl',
  ];
  const pick = (variant: 'cpu' | 'cuda', platform: NodeJS.Platform, arch: string) =>
    pickWheel(files, torch, variant, {platform, arch});
  t.is(pick('cpu', 'linux', 'x64'), files[4]);
  t.is(pick('cuda', 'linux', 'x64'), files[2]);
  t.is(pick('cpu', 'linux', 'arm64'), files[3]);
  t.is(pick('cpu', 'win32', 'x64'), files[6]);
  t.is(pick('cpu', 'darwin', 'arm64'), files[7]);
  t.is(pick('cpu', 'linux', 'ia32'), undefined);
  t.is(pickWheel(files.slice(0, 3), torch, 'cpu', linux), files[1]);
  t.is(pickWheel(files, {...torch, specifier: '==2.12.*'}, 'cpu', linux), files[0]);
  t.is(pickWheel(files, {...torch, specifier: '==2.1.*'}, 'cpu', linux), undefined);
});

test('takes the newest version where any will do', (t) => {
  const files = ['nvidia_a-9.2-py3-none-any.whl', 'nvidia_a-9.10-py3-none-any.whl'];
  t.is(pickWheel(files, {name: 'nvidia-a', specifier: '', extras: []}, 'cuda', linux), files[1]);
});

test('of the requirements only those of CUDA, for this platform and these extras, count', (t) => {
  const metadata = [
    'Requires-Dist: sympy>=1.13.3',
    'Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.3; platform_system == "Linux"',
    'Requires-Dist: nvidia-nccl-cu13 (==2.30.7) ; platform_system == "Windows"',
    "Requires-Dist: nvidia-cublas==13.1.1.3.*; (sys_platform == 'linux') and extra == 'cublas'",
    'Requires-Dist: cuda-bindings<14,>=13.0.3; platform_system == "Linux"',
  ].join('\n');
  const toolkit = {name: 'cuda-toolkit', specifier: '==13.0.3', extras: ['cublas', 'cudart']};
  t.deepEqual(parseRequirements(metadata, [], linux), [toolkit]);
  t.deepEqual(parseRequirements(metadata, ['cublas'], linux), [
    toolkit,
    {name: 'nvidia-cublas', specifier: '==13.1.1.3.*', extras: []},
  ]);
  t.deepEqual(parseRequirements(metadata, [], {platform: 'win32', arch: 'x64'}), [
    {name: 'nvidia-nccl-cu13', specifier: '==2.30.7', extras: []},
  ]);
});

test('only what runs and builds the addon is unpacked', (t) => {
  const kept = [
    'torch/version.py',
    'torch/lib/libtorch_cpu.so',
    'torch/lib/libgomp.so.1',
    'torch/lib/libtorch_cuda.so',
    'torch/lib/torch_cpu.dll',
    'torch/lib/torch_cpu.lib',
    'torch/lib/libomp.dylib',
    'torch/include/c10/core/Device.h',
    'nvidia/cudnn/lib/libcudnn.so.9',
    'torchvision/_C.so',
    'torchvision/_C_stable.so',
  ];
  for (const name of kept) t.is(placeOf(name), name);
  t.is(placeOf('libtorch/lib/libc10.so'), 'torch/lib/libc10.so');
  t.is(placeOf('libtorch/build-version'), 'torch/build-version');
  const dropped = [
    'torch/',
    'torch/lib/libtorch_python.so',
    'torch/lib/libshm.so',
    'torch/lib/libshm/core.h',
    'torch/lib/libtorchbind_test.so',
    'torch/test/test_api',
    'torch/bin/protoc',
    'torch/__init__.py',
    'torch/_C.cpython-311-x86_64-linux-gnu.so',
    'nvidia/cudnn/include/cudnn.h',
    'torchvision/image.so',
    'torchgen/model.py',
  ];
  for (const name of dropped) t.is(placeOf(name), undefined, name);
});
