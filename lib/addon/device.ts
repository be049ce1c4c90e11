import {MaskRcnnError} from '../basics/errors.js';
import {findOperators, operatorsFolder} from '../libtorch/operators.js';
import type {Loaded} from './binding.js';

/** Why a GPU cannot be used, as part of a sentence, and how to fix it. */
export type Obstacle = {problem: string; hint: string};

/**
 * Checks everything that a GPU needs: a libtorch for CUDA, a driver, a GPU, and torchvision's operators, which it
 * loads. Resolves to what is missing, or undefined if nothing is.
 */
export async function prepareCuda({binding, loader, libtorch}: Loaded): Promise<Obstacle | undefined> {
  const {inLibtorch, hasDriver, error} = loader.cuda();
  const {root, version} = libtorch;
  if (!inLibtorch) {
    return {
      problem: `the libtorch in ${root} (${version}) is a CPU-only build`,
      hint: 'Fetch one for CUDA with `npx maskrcnn setup --cuda`, or set LIBTORCH to one.',
    };
  }
  if (!hasDriver) {
    return {problem: "NVIDIA's driver is not installed", hint: 'Install it; `nvidia-smi` then lists the GPUs.'};
  }
  if (error !== undefined) {
    return {
      problem: `the CUDA part of the libtorch in ${root} cannot be loaded: ${error}`,
      hint: 'A library of CUDA is missing: `npx maskrcnn setup --cuda` fetches them all.',
    };
  }
  if (binding.environment().gpus === 0) {
    return {
      problem: 'libtorch sees no GPU',
      hint: 'See whether `nvidia-smi` lists one, whether CUDA_VISIBLE_DEVICES hides it, and whether the driver is new enough.',
    };
  }
  return await loadOperators({binding, loader, libtorch});
}

/** Loads torchvision's operators if they are not loaded yet. Resolves to the reason if that fails. */
export async function loadOperators({binding, loader, libtorch}: Loaded): Promise<Obstacle | undefined> {
  if (binding.environment().torchvision) return undefined;
  const hint = '`npx maskrcnn setup --cuda` fetches them; with pip, `pip install torchvision`.';
  const path = await findOperators(libtorch.root);
  if (path === undefined) {
    return {problem: `torchvision's operators are not in ${operatorsFolder(libtorch.root)}`, hint};
  }
  try {
    await loader.loadOperators(libtorch.libDir, path);
  } catch (error) {
    return {problem: (error as Error).message.replace(/\.$/, ''), hint};
  }
  if (binding.environment().torchvision) return undefined;
  return {problem: `${path} registers no operators of torchvision`, hint};
}

/**
 * Loads the library by which processes compute together on GPUs, which a build with a libtorch for CUDA has. Resolves
 * to the reason if that fails.
 */
export async function prepareNccl({loader, libtorch}: Loaded): Promise<Obstacle | undefined> {
  try {
    await loader.loadNccl(libtorch.libDir);
    return undefined;
  } catch (error) {
    return {
      problem: (error as Error).message.replace(/\.$/, ''),
      hint: 'It is built by `npm run build:addon` in a checkout, for a PyTorch for CUDA in LIBTORCH: see docs/gpu.md.',
    };
  }
}

/**
 * The GPU of this process: 'cuda', or the one of its number among the processes of this machine that a launcher has
 * started, if it sees several. Throws DEVICE_UNAVAILABLE if there are fewer GPUs.
 */
export function ownGpu(gpus: number, env: NodeJS.ProcessEnv = process.env): string {
  const {LOCAL_RANK, OMPI_COMM_WORLD_LOCAL_RANK, SLURM_STEP_ID, SLURM_LOCALID} = env;
  const local = LOCAL_RANK ?? OMPI_COMM_WORLD_LOCAL_RANK ?? (SLURM_STEP_ID === undefined ? undefined : SLURM_LOCALID);
  // One is the one that the launcher lets this process see.
  if (local === undefined || gpus === 1) return 'cuda';
  if (Number(local) < gpus) return `cuda:${local}`;
  throw unavailable(
    'cuda',
    `this is process ${local} of the machine, counted from 0, and libtorch sees ${gpus} GPUs`,
    'Start as many processes as there are GPUs.',
  );
}

/**
 * Resolves the option `device`. 'auto' becomes a GPU if one can be used, else the CPU. If there is a GPU that cannot be
 * used, 'auto' also returns a notice. Without a number, a GPU is that of `ownGpu()`.
 *
 * Throws DEVICE_UNAVAILABLE, which says what is missing, if a GPU is requested and cannot be used.
 */
export async function chooseDevice(device: string, loaded: Loaded): Promise<{device: string; notice?: string}> {
  if (device === 'cpu') return {device};
  const obstacle = await prepareCuda(loaded);
  const {gpus} = loaded.binding.environment();
  if (obstacle === undefined) {
    if (device === 'auto' || device === 'cuda') return {device: ownGpu(gpus)};
    if (gpuIndex(device)! < gpus) return {device};
    throw unavailable(device, `libtorch sees ${gpus} GPU${gpus === 1 ? '' : 's'}`, `The first is 'cuda:0'.`);
  }
  if (device !== 'auto') throw unavailable(device, obstacle.problem, obstacle.hint);
  if (gpus === 0) return {device: 'cpu'};
  return {device: 'cpu', notice: `The GPU is not used: ${obstacle.problem}. ${obstacle.hint}`};
}

/** The index of a GPU device, from 0. Undefined for the CPU. */
export function gpuIndex(device: string): number | undefined {
  return device.startsWith('cuda') ? Number(device.split(':')[1] ?? 0) : undefined;
}

function unavailable(device: string, problem: string, hint: string): MaskRcnnError {
  return new MaskRcnnError('DEVICE_UNAVAILABLE', `Device '${device}' cannot be used: ${problem}.`, {
    hint: `${hint} device: 'cpu' needs none.`,
  });
}
