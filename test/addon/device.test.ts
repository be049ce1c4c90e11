import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {Binding, Loaded} from '../../lib/addon/binding.js';
import {chooseDevice} from '../../lib/addon/device.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';

type Machine = {
  inLibtorch?: boolean;
  hasDriver?: boolean;
  error?: string;
  gpus?: number;
  /** The error from loading torchvision's library; undefined if loading works. */
  operatorsError?: string;
};

/** A process on a fake machine, which has one GPU by default. */
function processOn(
  folder: string,
  {inLibtorch = true, hasDriver = true, error, gpus = 1, operatorsError}: Machine,
): Loaded {
  let torchvision = false;
  const environment = () => ({libtorch: '2.13.0', threads: 1, cpuCapability: '', gpus, torchvision});
  return {
    binding: {environment} as Binding,
    loader: {
      builtFor: '2.13.0',
      load: async () => ({environment}) as Binding,
      cuda: () => ({inLibtorch, hasDriver, ...(error !== undefined && {error})}),
      loadOperators: async () => {
        if (operatorsError !== undefined) throw new Error(operatorsError);
        torchvision = true;
      },
    },
    libtorch: {
      root: join(folder, 'torch'),
      libDir: join(folder, 'torch/lib'),
      version: '2.13.0+cu130',
      origin: 'LIBTORCH',
    },
  };
}

function withOperators(folder: string): string {
  mkdirSync(join(folder, 'torchvision'));
  writeFileSync(join(folder, 'torchvision/_C_stable.so'), '');
  writeFileSync(join(folder, 'torchvision/image.so'), '');
  return folder;
}

test('a GPU with all that it needs is taken, the first one by default', async (t) => {
  const folder = withOperators(temporaryFolder(t));
  for (const [asked, device] of [
    ['auto', 'cuda'],
    ['cuda', 'cuda'],
    ['cuda:1', 'cuda:1'],
    ['cpu', 'cpu'],
  ] as const) {
    t.deepEqual(await chooseDevice(asked, processOn(folder, {gpus: 2})), {device});
  }
  await t.throwsAsync(chooseDevice('cuda:2', processOn(folder, {gpus: 2})), {
    code: 'DEVICE_UNAVAILABLE',
    message: /^Device 'cuda:2' cannot be used: libtorch sees 2 GPUs\.\nThe first is 'cuda:0'\./,
  });
});

const obstacles: [string, Machine, RegExp][] = [
  ['a libtorch for the CPU', {inLibtorch: false, gpus: 0}, /is a CPU-only build\.\n.*setup --cuda/],
  ['no driver', {hasDriver: false, gpus: 0}, /driver is not installed\.\n.*nvidia-smi/],
  [
    'a library that is missing',
    {error: 'libcudart.so.13: cannot open', gpus: 0},
    /libcudart\.so\.13.*\n.*setup --cuda/,
  ],
  ['no GPU', {gpus: 0}, /sees no GPU\.\n.*CUDA_VISIBLE_DEVICES/],
  [
    'operators that cannot be loaded',
    {operatorsError: 'undefined symbol: x.'},
    /: undefined symbol: x\.\n.*setup --cuda/,
  ],
];
for (const [name, machine, message] of obstacles) {
  test(`${name}: 'cuda' is refused with the reason, 'auto' is the CPU`, async (t) => {
    const folder = withOperators(temporaryFolder(t));
    await t.throwsAsync(chooseDevice('cuda', processOn(folder, machine)), {code: 'DEVICE_UNAVAILABLE', message});
    const {device, notice} = await chooseDevice('auto', processOn(folder, machine));
    t.is(device, 'cpu');
    // A notice is only due if there is a GPU that is not used.
    if (machine.gpus === 0) t.is(notice, undefined);
    else t.regex(notice!, /^The GPU is not used: undefined symbol/);
  });
}

test('operators that are not beside libtorch are asked for by their folder', async (t) => {
  const folder = temporaryFolder(t);
  const error = await t.throwsAsync(chooseDevice('cuda', processOn(folder, {})), {code: 'DEVICE_UNAVAILABLE'});
  t.true(error!.message.includes(`torchvision's operators are not in ${join(folder, 'torchvision')}`), error!.message);
});
