import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {Binding, Loaded} from '../../lib/addon/binding.js';
import {chooseDevice, ownGpu, prepareNccl} from '../../lib/addon/device.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';

type Machine = {
  inLibtorch?: boolean;
  hasDriver?: boolean;
  error?: string;
  gpus?: number;
  /** The error from loading torchvision's library; undefined if loading works. */
  operatorsError?: string;
  /** The same of the library for groups of GPUs. */
  ncclError?: string;
};

/** A process on a fake machine, which has one GPU by default. */
function processOn(
  folder: string,
  {inLibtorch = true, hasDriver = true, error, gpus = 1, operatorsError, ncclError}: Machine,
): Loaded {
  let torchvision = false;
  const environment = () => ({libtorch: '2.13.0', threads: 1, cpuCapability: '', amx: false, gpus, torchvision});
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
      loadNccl: async () => {
        if (ncclError !== undefined) throw new Error(ncclError);
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

for (const [name, env] of [
  ['torchrun', {LOCAL_RANK: '1'}],
  ['mpirun', {OMPI_COMM_WORLD_LOCAL_RANK: '1'}],
  ["Slurm's srun", {SLURM_STEP_ID: '0', SLURM_LOCALID: '1'}],
] as const) {
  test(`each process that ${name} has started on a machine has a GPU of its own`, (t) => {
    t.is(ownGpu(4, env), 'cuda:1');
    // The launcher lets it see its own.
    t.is(ownGpu(1, env), 'cuda');
    t.is(ownGpu(4, {SLURM_LOCALID: '1'}), 'cuda');
  });
}

test('a process without a GPU of its own is refused', (t) => {
  t.throws(() => ownGpu(2, {LOCAL_RANK: '2'}), {
    code: 'DEVICE_UNAVAILABLE',
    message:
      /^Device 'cuda' cannot be used: this is process 2 of the machine, counted from 0, and libtorch sees 2 GPUs\./,
  });
});

test('a group of GPUs needs the library of the addon for it', async (t) => {
  const folder = temporaryFolder(t);
  t.is(await prepareNccl(processOn(folder, {})), undefined);
  const obstacle = await prepareNccl(processOn(folder, {ncclError: 'lib.so cannot be used: libtorch sees no GPU.'}));
  t.is(obstacle!.problem, 'lib.so cannot be used: libtorch sees no GPU');
});
